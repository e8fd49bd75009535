#include "main/exit_code.hpp"

#include <iostream>

#include "config/errc.hpp"
#include "net/errc.hpp"
#include "security/errc.hpp"
#include "store/errc.hpp"

namespace giromq::daemon {

ExitCode exit_code_of(const Error& error) {
    if (error.is(store::errc::locked_by_other)) return ExitCode::store_locked;
    if (error.is(store::errc::invalid_argument)) return ExitCode::usage;
    if (error.code().category() == errc_category<store::errc>()) return ExitCode::store_failed;
    if (error.is(net::errc::invalid_address) || error.is(net::errc::tls_files)) return ExitCode::usage;
    const bool wrong_input =
        error.code().category() == errc_category<config::errc>() || error.code().category() == errc_category<security::errc>();
    return wrong_input ? ExitCode::usage : ExitCode::failed;
}

ExitCode report(const Error& error) {
    std::cerr << "giromqd: " << error.to_string() << '\n';
    return exit_code_of(error);
}

}  // namespace giromq::daemon
