#include "transfer.hpp"

#include <algorithm>
#include <array>
#include <charconv>

namespace xa_transfer {
namespace {

constexpr std::size_t field_size_max = 32;
constexpr std::int64_t amount_max = 1'000'000'000'000;

bool is_name(std::string_view text) {
    const auto is_plain = [](char c) { return (c >= '0' && c <= '9') || (c >= 'A' && c <= 'Z') || (c >= 'a' && c <= 'z'); };
    return !text.empty() && text.size() <= field_size_max && std::ranges::all_of(text, is_plain);
}

}  // namespace

std::optional<Transfer> parse_transfer(std::string_view text) {
    std::array<std::string_view, 4> fields;
    for (std::size_t index = 0; index < fields.size(); ++index) {
        const auto end = index + 1 < fields.size() ? text.find(' ') : text.size();
        if (end == std::string_view::npos) return std::nullopt;
        fields[index] = text.substr(0, end);
        text.remove_prefix(std::min(end + 1, text.size()));
        if (!is_name(fields[index])) return std::nullopt;
    }
    Transfer transfer{std::string(fields[0]), std::string(fields[1]), std::string(fields[2]), 0};
    const auto [end, error] = std::from_chars(fields[3].data(), fields[3].data() + fields[3].size(), transfer.amount);
    if (error != std::errc() || end != fields[3].data() + fields[3].size()) return std::nullopt;
    if (transfer.amount < 1 || transfer.amount > amount_max || transfer.debtor == transfer.creditor) return std::nullopt;
    return transfer;
}

std::string text_of(const Transfer& transfer) {
    return transfer.id + ' ' + transfer.debtor + ' ' + transfer.creditor + ' ' + std::to_string(transfer.amount);
}

}  // namespace xa_transfer
