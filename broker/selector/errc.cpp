#include "selector/errc.hpp"

std::string_view giromq::ErrcTraits<giromq::selector::errc>::text(selector::errc code) {
    using selector::errc;
    switch (code) {
        case errc::too_large: return "the selector is too large";
        case errc::wrong_encoding: return "the selector has characters that are not allowed";
        case errc::syntax: return "the selector is not written correctly";
        case errc::invalid: return "the selector has no meaning";
        case errc::unknown_name: return "there is no selector of that name";
    }
    return "unknown";
}
