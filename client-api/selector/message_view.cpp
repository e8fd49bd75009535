#include "message_view.hpp"

#include <algorithm>
#include <type_traits>

namespace giromq::detail {
namespace {

using selector::Header;
using selector::Null;
using selector::Value;

Value text_or_null(const std::optional<std::string>& text) { return text ? Value(std::string_view(*text)) : Value(Null{}); }

/// byte and short count as ints.
Value value_of(const SelectorMessage::Property& property) {
    return std::visit(
        []<typename T>(const T& typed) -> Value {
            if constexpr (std::is_same_v<T, std::string>) {
                return std::string_view(typed);
            } else if constexpr (std::is_same_v<T, std::int8_t> || std::is_same_v<T, std::int16_t>) {
                return std::int32_t{typed};
            } else {
                return typed;
            }
        },
        property);
}

}  // namespace

Value DescribedMessage::header(Header header) const {
    switch (header) {
        case Header::delivery_mode: return std::string_view(message_.is_persistent ? "PERSISTENT" : "NON_PERSISTENT");
        case Header::priority: return std::int32_t{message_.priority};
        case Header::message_id: return text_or_null(message_.message_id);
        case Header::timestamp: return message_.timestamp_ms;
        case Header::correlation_id: return text_or_null(message_.correlation_id);
        case Header::type: break;
    }
    return text_or_null(message_.type);
}

void DescribedMessage::properties(std::span<const std::string_view> names, std::span<Value> values) const {
    for (std::size_t index = 0; index < names.size(); ++index) {
        if (names[index] == "JMSXDeliveryCount") {
            values[index] = std::int32_t{message_.delivery_count};
            continue;
        }
        const auto found = message_.properties.find(names[index]);
        if (found != message_.properties.end()) values[index] = value_of(found->second);
    }
}

selector::Body DescribedMessage::body() const {
    if (!message_.body) return {};
    return {selector::Body::State::present, *message_.body};
}

}  // namespace giromq::detail
