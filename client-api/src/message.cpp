#include "giromq/message.hpp"

#include <array>
#include <limits>
#include <type_traits>

#include "giromq/exceptions.hpp"
#include "giromq/listeners.hpp"
#include "message_data.hpp"
#include "property_values.hpp"

namespace giromq {
namespace {

using detail::MessageData;

// The JMSX properties that have a field of their own; the provider sets all but the first two.
constexpr std::string_view group_id = "JMSXGroupID";
constexpr std::string_view group_sequence = "JMSXGroupSeq";
constexpr std::string_view delivery_count = "JMSXDeliveryCount";
constexpr std::string_view user_id = "JMSXUserID";
constexpr std::array<std::string_view, 7> set_by_provider{
    delivery_count, user_id, "JMSXAppID", "JMSXProducerTXID", "JMSXConsumerTXID", "JMSXRcvTimestamp", "JMSXState"};

std::optional<PropertyValue> find(const MessageData& data, std::string_view name) {
    if (name.starts_with("JMSX")) {
        if (name == group_id) return data.group_id.empty() ? std::nullopt : std::optional<PropertyValue>(data.group_id);
        if (name == group_sequence) return data.has_group_sequence ? std::optional<PropertyValue>(data.group_sequence) : std::nullopt;
        if (name == user_id) return data.user_id.empty() ? std::nullopt : std::optional<PropertyValue>(data.user_id);
        if (name == delivery_count) {
            return data.delivery_count == 0 ? std::nullopt : std::optional<PropertyValue>(static_cast<std::int32_t>(data.delivery_count));
        }
    }
    const auto found = data.properties.find(name);
    return found == data.properties.end() ? std::nullopt : std::optional<PropertyValue>(found->second);
}

std::optional<PropertyValue> find_checked(const MessageData& data, std::string_view name) {
    if (name.empty()) throw JMSException("A property has a name; the empty string is none.");
    return find(data, name);
}

PropertyValue find_number(const MessageData& data, std::string_view name) {
    std::optional<PropertyValue> value = find_checked(data, name);
    if (!value)
        throw MessageFormatException("The message has no property '" + std::string(name) +
                                     "', so it cannot be read as a number; ask property_exists() first.");
    return *std::move(value);
}

void set(MessageData& data, std::string_view name, PropertyValue value) {
    detail::check_property_name(name);
    if (data.properties_read_only) {
        throw MessageNotWriteableException("The properties of a received message are read-only; call clear_properties() first.");
    }
    for (const std::string_view reserved : set_by_provider) {
        if (name == reserved) throw MessageFormatException("The property '" + std::string(name) + "' is set by the provider only.");
    }
    if (name == group_id) {
        data.group_id = detail::to_text(value);
    } else if (name == group_sequence) {
        data.group_sequence = static_cast<std::int32_t>(detail::to_integer(name, value, 4));
        data.has_group_sequence = true;
    } else {
        data.properties.insert_or_assign(std::string(name), std::move(value));
    }
}

}  // namespace

CompletionListener::~CompletionListener() = default;

Message::Message(std::unique_ptr<detail::MessageData> data) : data_(std::move(data)) {}
Message::~Message() = default;

const std::string& Message::jms_message_id() const noexcept { return data_->message_id; }
void Message::set_jms_message_id(std::string id) { data_->message_id = std::move(id); }
std::int64_t Message::jms_timestamp() const noexcept { return data_->timestamp; }
void Message::set_jms_timestamp(std::int64_t milliseconds) noexcept { data_->timestamp = milliseconds; }
const std::string& Message::jms_correlation_id() const noexcept { return data_->correlation_id; }
void Message::set_jms_correlation_id(std::string id) { data_->correlation_id = std::move(id); }
const DestinationPtr& Message::jms_reply_to() const noexcept { return data_->reply_to; }
void Message::set_jms_reply_to(DestinationPtr destination) noexcept { data_->reply_to = std::move(destination); }
const DestinationPtr& Message::jms_destination() const noexcept { return data_->destination; }
void Message::set_jms_destination(DestinationPtr destination) noexcept { data_->destination = std::move(destination); }
DeliveryMode Message::jms_delivery_mode() const noexcept { return data_->delivery_mode; }
void Message::set_jms_delivery_mode(DeliveryMode mode) noexcept { data_->delivery_mode = mode; }
bool Message::jms_redelivered() const noexcept { return data_->redelivered; }
void Message::set_jms_redelivered(bool redelivered) noexcept { data_->redelivered = redelivered; }
const std::string& Message::jms_type() const noexcept { return data_->type; }
void Message::set_jms_type(std::string type) { data_->type = std::move(type); }
std::int64_t Message::jms_expiration() const noexcept { return data_->expiration; }
void Message::set_jms_expiration(std::int64_t milliseconds) noexcept { data_->expiration = milliseconds; }
int Message::jms_priority() const noexcept { return data_->priority; }
void Message::set_jms_priority(int priority) noexcept { data_->priority = priority; }
std::int64_t Message::jms_delivery_time() const noexcept { return data_->delivery_time; }
void Message::set_jms_delivery_time(std::int64_t milliseconds) noexcept { data_->delivery_time = milliseconds; }

bool Message::property_exists(std::string_view name) const { return find(*data_, name).has_value(); }

std::vector<std::string> Message::property_names() const {
    std::vector<std::string> names;
    for (const std::string_view name : {group_id, group_sequence, delivery_count, user_id}) {
        if (find(*data_, name)) names.emplace_back(name);
    }
    for (const auto& [name, value] : data_->properties) names.push_back(name);
    return names;
}

void Message::clear_properties() {
    data_->properties.clear();
    data_->group_id.clear();
    data_->has_group_sequence = false;
    data_->group_sequence = 0;
    data_->user_id.clear();
    data_->properties_read_only = false;
}

bool Message::boolean_property(std::string_view name) const {
    const std::optional<PropertyValue> value = find_checked(*data_, name);
    return value && detail::to_boolean(name, *value);  // as Boolean.valueOf(null) does, a missing one is false
}
std::int8_t Message::byte_property(std::string_view name) const {
    return static_cast<std::int8_t>(detail::to_integer(name, find_number(*data_, name), 1));
}
std::int16_t Message::short_property(std::string_view name) const {
    return static_cast<std::int16_t>(detail::to_integer(name, find_number(*data_, name), 2));
}
std::int32_t Message::int_property(std::string_view name) const {
    return static_cast<std::int32_t>(detail::to_integer(name, find_number(*data_, name), 4));
}
std::int64_t Message::long_property(std::string_view name) const { return detail::to_integer(name, find_number(*data_, name), 8); }
float Message::float_property(std::string_view name) const { return detail::to_float(name, find_number(*data_, name)); }
double Message::double_property(std::string_view name) const { return detail::to_double(name, find_number(*data_, name)); }
std::optional<std::string> Message::string_property(std::string_view name) const {
    const std::optional<PropertyValue> value = find_checked(*data_, name);
    return value ? std::optional(detail::to_text(*value)) : std::nullopt;
}
std::optional<PropertyValue> Message::object_property(std::string_view name) const { return find_checked(*data_, name); }

void Message::set_boolean_property(std::string_view name, bool value) { set(*data_, name, value); }
void Message::set_byte_property(std::string_view name, std::int8_t value) { set(*data_, name, value); }
void Message::set_short_property(std::string_view name, std::int16_t value) { set(*data_, name, value); }
void Message::set_int_property(std::string_view name, std::int32_t value) { set(*data_, name, value); }
void Message::set_long_property(std::string_view name, std::int64_t value) { set(*data_, name, value); }
void Message::set_float_property(std::string_view name, float value) { set(*data_, name, value); }
void Message::set_double_property(std::string_view name, double value) { set(*data_, name, value); }
void Message::set_string_property(std::string_view name, std::string value) { set(*data_, name, std::move(value)); }
void Message::set_object_property(std::string_view name, PropertyValue value) { set(*data_, name, std::move(value)); }

void Message::clear_body() {
    data_->body_read_only = false;
    data_->foreign_body.clear();
    data_->foreign_type = 0;
}

void Message::acknowledge() const {
    if (data_->acknowledger != nullptr) data_->acknowledger->acknowledge(data_->receipt);
}

TextMessage::~TextMessage() = default;
const std::string& TextMessage::text() const noexcept { return data_->body; }
bool TextMessage::has_text() const noexcept { return data_->has_text; }
void TextMessage::set_text(std::string text) {
    if (data_->body_read_only) throw MessageNotWriteableException("The text of a received message is read-only; call clear_body() first.");
    data_->body = std::move(text);
    data_->has_text = true;
}
void TextMessage::clear_body() {
    Message::clear_body();
    data_->body.clear();
    data_->has_text = false;
}

namespace detail {

MessagePtr MessageAccess::make(std::unique_ptr<MessageData> data) {
    switch (data->kind) {
        case BodyKind::text: return std::make_shared<TextMessage>(std::move(data));
        case BodyKind::bytes: return std::make_shared<BytesMessage>(std::move(data));
        case BodyKind::none: break;
    }
    return std::make_shared<Message>(std::move(data));
}

}  // namespace detail
}  // namespace giromq
