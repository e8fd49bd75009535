#include "coordinator.hpp"

#include <unistd.h>

#include <algorithm>
#include <array>
#include <csignal>
#include <iomanip>
#include <iostream>
#include <random>
#include <sstream>
#include <string_view>

namespace xa_transfer {
namespace {

/// "GXFR": tells an administrator whose branch it is.
constexpr std::int32_t format_id = 0x47584652;
constexpr const char* broker_branch = "broker";
constexpr const char* ledger_prefix = "xa-transfer:";

constexpr std::array<std::string_view, 8> death_points{"started",  "worked",  "ended",         "one-prepared",
                                                       "prepared", "decided", "one-committed", "committed"};

/// Decisions are kept in the log until so many are done; then the file begins anew.
constexpr std::size_t log_size_max = 1000;

std::string random_text() {
    std::random_device device;
    std::ostringstream text;
    for (int word = 0; word < 3; ++word) text << std::hex << std::setw(8) << std::setfill('0') << device();
    return text.str();
}

std::string checked_name(std::string name) {
    const auto is_plain = [](char c) { return (c >= 'a' && c <= 'z') || (c >= '0' && c <= '9') || c == '-'; };
    if (name.empty() || name.size() > 16 || !std::ranges::all_of(name, is_plain)) {
        throw std::invalid_argument("the name of a worker is 1 to 16 of a-z, 0-9 and -");
    }
    return name;
}

}  // namespace

DeathPoint::DeathPoint(const std::string& point_and_count) {
    if (point_and_count.empty()) return;
    const auto colon = point_and_count.find(':');
    point_ = point_and_count.substr(0, colon);
    remaining_ = colon == std::string::npos ? 1 : std::stoll(point_and_count.substr(colon + 1));
    if (std::ranges::find(death_points, point_) == death_points.end()) throw std::invalid_argument("there is no point '" + point_ + "'");
}

void DeathPoint::reached(const char* point) {
    if (remaining_ == 0 || point_ != point || --remaining_ > 0) return;
    std::cerr << "killed at the point '" << point << "', as asked\n";
    ::kill(::getpid(), SIGKILL);
}

Coordinator::Coordinator(const std::string& folder, std::string name, const std::string& die_at)
    : name_(checked_name(std::move(name))), life_(random_text()), log_(folder + '/' + name_ + ".decisions"), death_(die_at) {}

bool Coordinator::is_mine(const giromq::Xid& xid) const {
    return xid.format_id == format_id && xid.branch_qualifier == broker_branch && xid.global_transaction_id.starts_with(prefix());
}

void Coordinator::recover(Messages& messages, Ledger& ledger) {
    int committed = 0;
    int rolled_back = 0;
    for (const auto& xid : messages.in_doubt()) {
        if (!is_mine(xid)) continue;
        const bool commits = log_.is_committed(xid.global_transaction_id);
        commits ? messages.commit(xid) : messages.roll_back(xid);
        ++(commits ? committed : rolled_back);
    }
    const std::string mine = ledger_prefix + prefix();
    for (const auto& branch : ledger.prepared(mine)) {
        const bool commits = log_.is_committed(branch.substr(std::string_view(ledger_prefix).size()));
        commits ? ledger.commit_prepared(branch) : ledger.roll_back_prepared(branch);
        ++(commits ? committed : rolled_back);
    }
    // No branch is left that could ask for a decision.
    log_.clear();
    if (committed + rolled_back > 0)
        std::cerr << name_ << ": recovered: " << committed << " committed, " << rolled_back << " rolled back\n";
}

void Coordinator::begin(Messages& messages, Ledger& ledger) {
    global_id_ = prefix() + life_ + '/' + std::to_string(++count_);
    xid_ = giromq::Xid{format_id, global_id_, broker_branch};
    messages.start(xid_);
    ledger.begin();
    death_.reached("started");
}

void Coordinator::commit(Messages& messages, Ledger& ledger) {
    const std::string ledger_branch = ledger_prefix + global_id_;
    death_.reached("worked");
    messages.end(xid_);
    death_.reached("ended");
    ledger.prepare(ledger_branch);
    death_.reached("one-prepared");
    const bool must_commit_messages = messages.prepare(xid_);
    death_.reached("prepared");
    log_.decide_commit(global_id_);
    death_.reached("decided");
    // Somebody may have resolved it by hand; what was booked is seen by verify.
    if (!ledger.commit_prepared(ledger_branch)) std::cerr << name_ << ": somebody else has ended " << ledger_branch << '\n';
    death_.reached("one-committed");
    if (must_commit_messages) messages.commit(xid_);
    death_.reached("committed");
    if (log_.size() >= log_size_max) log_.clear();
}

void Coordinator::roll_back(Messages& messages, Ledger& ledger) {
    ledger.roll_back();
    messages.end(xid_);
    messages.roll_back(xid_);
}

}  // namespace xa_transfer
