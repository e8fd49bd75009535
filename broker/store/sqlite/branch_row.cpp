#include "store/sqlite/branch_row.hpp"

#include <memory>
#include <utility>

namespace giromq::store::sqlite {
namespace {

constexpr std::string_view committed_word = "committed";
constexpr std::string_view rolled_back_word = "rolled-back";

std::optional<xa::Xid> read_xid(const Statement& row, int first) {
    const auto text = [&](int column) {
        const auto bytes = row.blob(column);
        return std::string(bytes.begin(), bytes.end());
    };
    return xa::Xid::make(static_cast<std::int32_t>(row.number(first)), text(first + 1), text(first + 2));
}

}  // namespace

std::string_view text_of(BranchOutcome outcome) { return outcome == BranchOutcome::committed ? committed_word : rolled_back_word; }

std::string_view text_of(GetOutcome outcome) {
    if (outcome == GetOutcome::moved) return "moved";
    return outcome == GetOutcome::returned ? "returned" : "removed";
}

std::string_view heuristic_state_of(BranchOutcome outcome) {
    return outcome == BranchOutcome::committed ? "heuristically-committed" : "heuristically-rolled-back";
}

void bind_xid(Statement& statement, int first, const xa::Xid& xid) {
    const auto bytes_of = [](std::string_view text) {
        return std::span<const std::uint8_t>(reinterpret_cast<const std::uint8_t*>(text.data()), text.size());
    };
    statement.bind(first, std::int64_t{xid.format_id()}).bind(first + 1, bytes_of(xid.gtrid())).bind(first + 2, bytes_of(xid.bqual()));
}

std::optional<StoredBranch> read_branch(const Statement& row) {
    const auto xid = read_xid(row, 1);
    if (!xid) return std::nullopt;
    StoredBranch branch{.branch = BranchId{row.unsigned_number(0)},
                        .xid = *xid,
                        .owner = row.text(5),
                        .prepared_at = Timestamp{row.number(9)},
                        .puts = row.unsigned_number(6),
                        .gets = row.unsigned_number(7),
                        .bytes = row.unsigned_number(8),
                        .heuristic = std::nullopt,
                        .decided_at = Timestamp{row.number(10)},
                        .decision = {row.text(11), row.text(12)}};
    const auto state = row.text(4);
    for (const auto outcome : {BranchOutcome::committed, BranchOutcome::rolled_back}) {
        if (state == heuristic_state_of(outcome)) branch.heuristic = outcome;
    }
    if (!branch.heuristic && state != "prepared") return std::nullopt;
    return branch;
}

PreparePut read_prepared_put(const Statement& row) {
    PreparePut put;
    put.branch = BranchId{row.unsigned_number(0)};
    put.index = row.number32(1);
    put.destination = DestinationId{row.unsigned_number(2)};
    put.priority = static_cast<std::uint8_t>(row.number(3));
    put.number = MessageNumber{row.unsigned_number(4)};
    put.message_bytes = row.unsigned_number(5);
    put.due_at = Timestamp{row.number(6)};
    put.duplicate_id = row.text(7);
    put.producer = row.text(8);
    put.sequence = row.unsigned_number(9);
    put.is_moved = row.number(10) != 0;
    if (row.is_null(11)) return put;
    auto reason = std::make_shared<DeadLetter>();
    reason->cause = row.text(11);
    reason->description = row.text(12);
    reason->origin = row.text(13);
    reason->delivery_count = row.number32(14);
    reason->time = Timestamp{row.number(15)};
    put.dead_letter = std::move(reason);
    return put;
}

PrepareGet read_prepared_get(const Statement& row) {
    PrepareGet get;
    get.branch = BranchId{row.unsigned_number(0)};
    get.key = {.destination = DestinationId{row.unsigned_number(1)},
               .position = Position{row.unsigned_number(3)},
               .priority = static_cast<std::uint8_t>(row.number(2))};
    get.number = MessageNumber{row.unsigned_number(4)};
    get.message_bytes = row.unsigned_number(5);
    const auto outcome = row.text(6);
    for (const auto known : {GetOutcome::moved, GetOutcome::returned}) {
        if (outcome == text_of(known)) get.outcome = known;
    }
    get.delivery_count = row.number32(7);
    return get;
}

std::optional<PutTombstone> read_tombstone(const Statement& row) {
    const auto xid = read_xid(row, 1);
    const auto outcome = row.text(4);
    if (!xid || (outcome != committed_word && outcome != rolled_back_word)) return std::nullopt;
    return PutTombstone{.position = Position{row.unsigned_number(0)},
                        .xid = *xid,
                        .outcome = outcome == committed_word ? BranchOutcome::committed : BranchOutcome::rolled_back,
                        .resolved_at = Timestamp{row.number(5)}};
}

}  // namespace giromq::store::sqlite
