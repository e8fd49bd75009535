#pragma once

#include <string>
#include <string_view>
#include <system_error>
#include <type_traits>

/// Error codes of a module are a scoped enum named `errc` in the module's namespace. To make it usable as a std::error_code the
/// module specialises ErrcTraits for it; nothing else is needed:
///
///     namespace giromq::store { enum class errc { disk_full = 1, ... }; }
///     template <> struct giromq::ErrcTraits<giromq::store::errc> {
///         static constexpr std::string_view module = "store";
///         static std::string_view text(giromq::store::errc code);
///     };
namespace giromq {

template <typename Errc>
struct ErrcTraits;

template <typename Errc>
concept ModuleErrc = std::is_enum_v<Errc> && requires(Errc code) {
    { ErrcTraits<Errc>::text(code) } -> std::convertible_to<std::string_view>;
};

/// The one std::error_category of a module's errc.
template <ModuleErrc Errc>
const std::error_category& errc_category() noexcept {
    class Category final : public std::error_category {
    public:
        const char* name() const noexcept override { return ErrcTraits<Errc>::module.data(); }
        std::string message(int value) const override { return std::string(ErrcTraits<Errc>::text(static_cast<Errc>(value))); }
    };
    static const Category category;
    return category;
}

}  // namespace giromq
