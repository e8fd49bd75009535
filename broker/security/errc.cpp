#include "security/errc.hpp"

std::string_view giromq::ErrcTraits<giromq::security::errc>::text(security::errc code) {
    using security::errc;
    switch (code) {
        case errc::wrong_credentials: return "unknown user or wrong password";
        case errc::not_permitted: return "not permitted";
        case errc::mechanism_not_offered: return "the SASL mechanism is not offered";
        case errc::malformed: return "malformed SASL message";
        case errc::invalid_name: return "not a valid user name";
        case errc::weak_password: return "not an acceptable password";
        case errc::busy: return "too many at once";
        case errc::internal: return "the cryptography library failed";
    }
    return "unknown";
}
