#include "xa/return_code.hpp"

namespace giromq::xa {

std::optional<ReturnCode> return_code_of(std::int64_t value) {
    switch (value) {
#define GIROMQ_XA_ENTRY(name, standard, number, text) \
    case (number): return ReturnCode::name;
        GIROMQ_XA_RETURN_CODES(GIROMQ_XA_ENTRY)
#undef GIROMQ_XA_ENTRY
        default: return std::nullopt;
    }
}

std::string_view name_of(ReturnCode code) {
    switch (code) {
#define GIROMQ_XA_ENTRY(name, standard, number, text) \
    case ReturnCode::name: return #standard;
        GIROMQ_XA_RETURN_CODES(GIROMQ_XA_ENTRY)
#undef GIROMQ_XA_ENTRY
    }
    return "unknown";
}

std::string_view text_of(ReturnCode code) {
    switch (code) {
#define GIROMQ_XA_ENTRY(name, standard, number, text) \
    case ReturnCode::name: return text;
        GIROMQ_XA_RETURN_CODES(GIROMQ_XA_ENTRY)
#undef GIROMQ_XA_ENTRY
    }
    return "not a return code of XA";
}

}  // namespace giromq::xa
