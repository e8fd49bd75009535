#include "config/errc.hpp"

std::string_view giromq::ErrcTraits<giromq::config::errc>::text(config::errc code) {
    using config::errc;
    switch (code) {
        case errc::cannot_read: return "cannot read a file";
        case errc::invalid: return "the configuration is not valid";
        case errc::out_of_range: return "a value is out of its range";
        case errc::not_allowed: return "the configuration is not allowed";
        case errc::secret_not_found: return "a secret was not found";
    }
    return "unknown";
}
