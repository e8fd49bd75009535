#pragma once

#include <cstdint>

#include "model/message.hpp"
#include "store/sqlite/connection.hpp"

/// The row of a message: written by the batch writer, read by pages, verified by both pages and the check.
namespace giromq::store::sqlite {

/// Binds the values of a message in the order of the columns of the table `message`, from index 1.
/// `message` must outlive the run of the statement; so must `texts`, which holds the text of the columns.
class MessageRow {
public:
    explicit MessageRow(const Message& message);
    void bind(Statement& statement) const;

private:
    const Message& message_;
    std::string message_id_;
    std::string correlation_id_;
    std::string type_;
    std::string reply_to_;
    std::string content_type_;
    std::string group_id_;
    Timestamp created_at_;
};

/// The columns that read_message() expects, from column 0: facts, checksums, bytes.
inline constexpr const char* message_columns =
    "number, durable, priority, arrived_at, expires_at, due_at, chunk_count, chunked_bytes, checksum, facts_checksum, annotations, bare";

/// Makes the message of the current row. Empty `damage` if both checksums match, otherwise it says what does not, and there is no message.
MessagePtr read_message(const Statement& statement, std::string& damage);

/// The checksum over the facts that the broker acts on, so that a damaged expiry time cannot make a message disappear.
std::uint32_t facts_checksum(const Message& message);

}  // namespace giromq::store::sqlite
