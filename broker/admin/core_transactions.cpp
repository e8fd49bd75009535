#include "admin/core_transactions.hpp"

#include <limits>
#include <map>
#include <memory>
#include <utility>

#include "model/message_properties.hpp"

namespace giromq::admin {
namespace {

Timestamp timestamp_of(xa::WallTime time) { return Timestamp{time.time_since_epoch().count()}; }

/// Reads the messages of a page one after the other, so that only one of them is in memory.
class PageOfMessages final : public std::enable_shared_from_this<PageOfMessages> {
public:
    using Done = UniqueFunction<void(Result<std::vector<TransactionMessage>>)>;

    PageOfMessages(store::ReadPort& reads, std::vector<core::BranchMessage> work, std::vector<TransactionMessage> page, Done done)
        : reads_(reads), work_(std::move(work)), page_(std::move(page)), done_(std::move(done)) {}

    void read_next() {
        // What is in memory only has no number.
        while (next_ < work_.size() && !work_[next_].number.is_set()) ++next_;
        if (next_ == work_.size()) return done_(std::move(page_));
        reads_.message(work_[next_].number, [self = shared_from_this()](const Result<MessagePtr>& read) { self->was_read(read); });
    }

private:
    void was_read(const Result<MessagePtr>& read) {
        // One that is damaged, or went with its branch meanwhile, stays without its properties.
        if (read.ok()) {
            auto& shown = page_[next_];
            auto properties = read_properties(**read);
            shown.message_id = std::move(properties.message_id);
            shown.type = std::move(properties.subject);
            shown.arrived_at = (*read)->arrived_at;
        }
        ++next_;
        read_next();
    }

    store::ReadPort& reads_;
    std::vector<core::BranchMessage> work_;
    std::vector<TransactionMessage> page_;  // as work_
    std::size_t next_ = 0;
    Done done_;
};

}  // namespace

TransactionCounts CoreTransactions::counts() const {
    TransactionCounts counts;
    counts.in_doubt = core_.branches().branches_in_doubt();
    if (const auto oldest = core_.branches().oldest_in_doubt()) counts.oldest_prepared_at = timestamp_of(*oldest);
    counts.alarms = core_.view().in_doubt_alarms;
    return counts;
}

std::vector<TransactionView> CoreTransactions::list(const std::optional<xa::Xid>& after, std::size_t limit) const {
    std::vector<TransactionView> views;
    for (const xa::Branch* const branch : core_.branches().in_doubt(after, limit).branches) views.push_back(view_of(*branch));
    return views;
}

std::optional<TransactionView> CoreTransactions::find(const xa::Xid& xid) const {
    const xa::Branch* const branch = core_.branches().find(xid);
    if (branch == nullptr || !branch->is_in_doubt()) return std::nullopt;
    return view_of(*branch);
}

TransactionView CoreTransactions::view_of(const xa::Branch& branch) const {
    TransactionView view{.xid = branch.xid(),
                         .owner = branch.owner(),
                         .prepared_at = timestamp_of(branch.prepared_at()),
                         .work = branch.work(),
                         .destinations = {},
                         .decided = std::nullopt,
                         .decided_at = {},
                         .decision = {}};
    if (const auto heuristic = branch.heuristic()) {
        view.decided = *heuristic == xa::ReturnCode::heuristic_commit ? xa::Outcome::committed : xa::Outcome::rolled_back;
        view.decided_at = timestamp_of(branch.decided_at());
        view.decision = branch.decision();
    } else {
        view.destinations = destinations_of(branch.xid());
    }
    return view;
}

std::vector<TransactionView::Destination> CoreTransactions::destinations_of(const xa::Xid& xid) const {
    std::map<std::string, TransactionView::Destination> by_name;
    for (const auto& message : core_.branch_messages(xid, 0, std::numeric_limits<std::size_t>::max())) {
        auto name = core_.name_of(message.destination);
        auto& destination = by_name[name];
        destination.name = std::move(name);
        ++(message.is_put ? destination.puts : destination.gets);
    }
    std::vector<TransactionView::Destination> destinations;
    for (auto& [name, destination] : by_name) destinations.push_back(std::move(destination));
    return destinations;
}

void CoreTransactions::messages(const xa::Xid& xid, std::uint64_t first, std::size_t limit, PageOfMessages::Done done) {
    auto work = core_.branch_messages(xid, first, limit);
    std::vector<TransactionMessage> page;
    for (const auto& message : work) {
        auto& shown = page.emplace_back();
        shown.is_put = message.is_put;
        shown.destination = core_.name_of(message.destination);
        shown.bytes = message.bytes;
    }
    std::make_shared<PageOfMessages>(reads_, std::move(work), std::move(page), std::move(done))->read_next();
}

void CoreTransactions::resolve(const xa::Xid& xid, xa::Outcome outcome, xa::Decision decision, UniqueFunction<void(xa::ReturnCode)> done) {
    core_.xa_resolve(xid, outcome, std::move(decision), std::move(done));
}

void CoreTransactions::forget(const xa::Xid& xid, xa::Decision decision, UniqueFunction<void(xa::ReturnCode)> done) {
    core_.xa_forget(xid, std::move(decision), std::move(done));
}

}  // namespace giromq::admin
