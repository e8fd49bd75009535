#include "store/sqlite/message_row.hpp"

#include <array>
#include <cstring>
#include <utility>

#include "base/crc32c.hpp"
#include "model/message_properties.hpp"

namespace giromq::store::sqlite {

MessageRow::MessageRow(const Message& message) : message_(message) {
    auto properties = read_properties(message);
    message_id_ = std::move(properties.message_id);
    correlation_id_ = std::move(properties.correlation_id);
    type_ = std::move(properties.subject);
    reply_to_ = std::move(properties.reply_to);
    content_type_ = std::move(properties.content_type);
    group_id_ = std::move(properties.group_id);
    created_at_ = properties.creation_time;
}

void MessageRow::bind(Statement& statement) const {
    int column = 0;
    statement.bind(++column, message_.number.value);
    statement.bind_unless_empty(++column, message_id_);
    statement.bind_unless_empty(++column, correlation_id_);
    statement.bind_unless_empty(++column, type_);
    statement.bind_unless_empty(++column, reply_to_);
    statement.bind_unless_empty(++column, content_type_);
    statement.bind_unless_empty(++column, group_id_);
    statement.bind_unless_zero(++column, created_at_.milliseconds);
    statement.bind_unless_zero(++column, message_.arrived_at.milliseconds);
    statement.bind_unless_zero(++column, message_.expires_at.milliseconds);
    statement.bind_unless_zero(++column, message_.due_at.milliseconds);
    statement.bind(++column, std::uint32_t{message_.priority});
    statement.bind(++column, std::uint32_t{message_.durable});
    statement.bind(++column, message_.size());
    statement.bind(++column, message_.chunk_count);
    statement.bind(++column, message_.chunked_bytes);
    statement.bind(++column, message_.checksum());
    statement.bind(++column, facts_checksum(message_));
    statement.bind(++column, message_.annotations.span());
    statement.bind(++column, message_.bare.span());
}

std::uint32_t facts_checksum(const Message& message) {
    const std::array<std::uint64_t, 8> facts{message.number.value,
                                             std::uint64_t{message.durable},
                                             std::uint64_t{message.priority},
                                             static_cast<std::uint64_t>(message.arrived_at.milliseconds),
                                             static_cast<std::uint64_t>(message.expires_at.milliseconds),
                                             static_cast<std::uint64_t>(message.due_at.milliseconds),
                                             std::uint64_t{message.chunk_count},
                                             message.chunked_bytes};
    std::array<std::uint8_t, sizeof(facts)> bytes{};
    for (std::size_t index = 0; index < bytes.size(); ++index) {
        bytes.at(index) = static_cast<std::uint8_t>(facts.at(index / 8) >> (8 * (index % 8)));
    }
    return crc32c(bytes);
}

MessagePtr read_message(const Statement& statement, std::string& damage) {
    auto message = std::make_shared<Message>();
    int column = 0;
    message->number = MessageNumber{statement.unsigned_number(column++)};
    message->durable = statement.number(column++) != 0;
    message->priority = static_cast<std::uint8_t>(statement.number(column++));
    message->arrived_at = Timestamp{statement.number(column++)};
    message->expires_at = Timestamp{statement.number(column++)};
    message->due_at = Timestamp{statement.number(column++)};
    message->chunk_count = statement.number32(column++);
    message->chunked_bytes = statement.unsigned_number(column++);
    const auto checksum = statement.number(column++);
    const auto checksum_of_facts = statement.number(column++);
    const auto annotations = statement.blob(column++);
    const auto bare = statement.blob(column++);
    // One allocation for both.
    auto memory = std::make_shared_for_overwrite<std::uint8_t[]>(annotations.size() + bare.size());
    if (!annotations.empty()) std::memcpy(memory.get(), annotations.data(), annotations.size());
    if (!bare.empty()) std::memcpy(memory.get() + annotations.size(), bare.data(), bare.size());
    const auto* const first = memory.get();
    message->annotations = SharedBytes(memory, first, annotations.size());
    message->bare = SharedBytes(memory, first + annotations.size(), bare.size());
    if (std::int64_t{facts_checksum(*message)} != checksum_of_facts) {
        damage = "the checksum of its columns does not match";
    } else if (std::int64_t{message->checksum()} != checksum) {
        damage = "the checksum of its bytes does not match";
    } else {
        return message;
    }
    return nullptr;
}

}  // namespace giromq::store::sqlite
