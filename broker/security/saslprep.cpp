#include "security/saslprep.hpp"

#include <string.h>
#include <unicode/usprep.h>
#include <unicode/ustring.h>

#include <algorithm>
#include <cstdint>
#include <vector>

#include "base/check.hpp"
#include "base/limits.hpp"

namespace giromq::security {
namespace {

constexpr std::size_t text_bytes_max = 4096;
// The longest compatibility decomposition that there is.
constexpr std::size_t expansion_max = 18;

/// ICU's tables are part of its library, so that they are always there; they are only read.
const UStringPrepProfile* profile() {
    static const UStringPrepProfile* const opened = [] {
        UErrorCode status = U_ZERO_ERROR;
        const UStringPrepProfile* const made = usprep_openByType(USPREP_RFC4013_SASLPREP, &status);
        GIROMQ_CHECK(U_SUCCESS(status) != 0, "the tables of SASLprep cannot be opened");
        return made;
    }();
    return opened;
}

/// What most people use: SASLprep leaves it as it is.
bool is_printable_ascii(std::string_view text) {
    return std::all_of(text.begin(), text.end(), [](char one) { return one >= ' ' && one < 0x7f; });
}

/// What may be a password is not left behind, however the function ends.
class Wiped {
public:
    explicit Wiped(std::size_t size) : text(size) {}
    ~Wiped() { ::explicit_bzero(text.data(), text.size() * sizeof(UChar)); }
    Wiped(const Wiped&) = delete;
    Wiped& operator=(const Wiped&) = delete;

    std::vector<UChar> text;
};

}  // namespace

std::optional<std::string> saslprep(std::string_view text, Prepared purpose) {
    if (is_printable_ascii(text)) return std::string(text);
    if (text.size() > text_bytes_max) return std::nullopt;
    UErrorCode status = U_ZERO_ERROR;
    Wiped wide_text(text.size());
    auto& wide = wide_text.text;
    std::int32_t length = 0;
    u_strFromUTF8(wide.data(), static_cast<std::int32_t>(wide.size()), &length, text.data(), static_cast<std::int32_t>(text.size()),
                  &status);
    if (U_FAILURE(status) != 0) return std::nullopt;
    Wiped prepared_text(static_cast<std::size_t>(length) * expansion_max);
    auto& prepared = prepared_text.text;
    const auto options = purpose == Prepared::query ? USPREP_ALLOW_UNASSIGNED : USPREP_DEFAULT;
    // The interface of ICU takes what it does not change as something that it could.
    auto* const rules = const_cast<UStringPrepProfile*>(profile());
    status = U_ZERO_ERROR;
    const std::int32_t size =
        usprep_prepare(rules, wide.data(), length, prepared.data(), static_cast<std::int32_t>(prepared.size()), options, nullptr, &status);
    if (U_FAILURE(status) != 0) return std::nullopt;
    std::string result(static_cast<std::size_t>(size) * 3, '\0');
    std::int32_t bytes = 0;
    status = U_ZERO_ERROR;
    u_strToUTF8(result.data(), static_cast<std::int32_t>(result.size()), &bytes, prepared.data(), size, &status);
    if (U_FAILURE(status) != 0) return std::nullopt;
    result.resize(static_cast<std::size_t>(bytes));
    return result;
}

std::string prepared_name(std::string_view name) {
    if (name.size() > limits::user_name_bytes) return std::string(name);
    return saslprep(name, Prepared::query).value_or(std::string(name));
}

}  // namespace giromq::security
