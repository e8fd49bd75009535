#include "transactions.hpp"

#include <proton/disposition.h>
#include <proton/session.h>
#include <proton/terminus.h>

#include <atomic>
#include <chrono>
#include <deque>
#include <memory>
#include <mutex>
#include <string_view>
#include <thread>
#include <vector>

namespace giromq::bench {
namespace {

using Steady = std::chrono::steady_clock;

constexpr std::uint64_t declared = 0x33;
constexpr std::uint64_t transactional_state = 0x34;
/// Messages that wait in the queue of a session that receives.
constexpr int waiting_messages = 64;

// The calls of docs/protocol-xa.md, by hand.
std::string list_of(const std::string& fields, int count) {
    return std::string("\xc0") + static_cast<char>(fields.size() + 1) + static_cast<char>(count) + fields;
}
std::string symbol(std::string_view text) { return std::string("\xa3") + static_cast<char>(text.size()) + std::string(text); }
std::string binary(std::string_view bytes) { return std::string("\xa0") + static_cast<char>(bytes.size()) + std::string(bytes); }
std::string composite(std::string_view type, const std::string& fields, int count) {
    return std::string(1, '\0') + symbol(type) + list_of(fields, count);
}
std::string xid_of(const std::string& gtrid) {
    return composite("giromq:xid:list", std::string("\x71\x00\x00\x00\x07", 5) + binary(gtrid) + binary("b"), 3);
}
std::string start_of(const std::string& gtrid) {
    return std::string("\x00\x53\x31", 3) + list_of(composite("giromq:xa-branch:list", xid_of(gtrid) + symbol("new"), 2), 1);
}

struct Run {
    std::atomic<bool> measuring{false};
    std::atomic<bool> stopping{false};
    std::atomic<std::uint64_t> committed{0};
    std::atomic<std::uint32_t> in_doubt{0};  // branches between their prepare and their commit
    std::mutex mutex{};
    std::string error{};

    void fail(const std::string& reason) {
        const std::lock_guard lock(mutex);
        if (error.empty() && !stopping) error = reason;
        stopping = true;
    }
};

/// A session with a control link, a producer and, if asked for, a consumer.
class Session final : public AmqpClient {
public:
    Session(boost::asio::io_context& context, const TransactionSettings& settings, Run& run, std::uint32_t index)
        : AmqpClient(context, settings.address, Kind::other, "", 0, false,
                     {.opened = {},
                      .credit = {},
                      .settled = {},
                      .received = {},
                      .failed = [&run](const std::string& reason) { run.fail(reason); }}),
          run_(run),
          queue_(settings.queue + "-" + std::to_string(index)),
          encoded_(encode_message(settings.message_bytes, true)),
          receives_(settings.receives),
          is_global_(settings.is_global),
          buffer_(settings.message_bytes + 1024) {}

    Latencies latencies;

protected:
    void open_links(pn_session_t* session) override {
        control_ = pn_sender(session, "control");
        pn_terminus_set_type(pn_link_target(control_), PN_COORDINATOR);
        pn_link_open(control_);
        sender_ = pn_sender(session, "sender");
        pn_terminus_set_address(pn_link_target(sender_), queue_.c_str());
        pn_data_put_symbol(pn_terminus_capabilities(pn_link_target(sender_)), pn_bytes(5, "queue"));
        pn_link_open(sender_);
    }

    void on_credit(pn_link_t* link) override {
        if (link == control_ && !asked_ && !is_global_) declare();
        if (link == sender_ && receives_ && receiver_ == nullptr && pn_link_credit(sender_) >= waiting_messages) fill();
        step();
    }

    void delivery(pn_delivery_t* delivery) override {
        pn_link_t* const link = pn_delivery_link(delivery);
        if (link == receiver_) {
            receive(delivery);
        } else if (pn_delivery_updated(delivery) && pn_delivery_remote_state(delivery) != 0) {
            answered(link, delivery);
        }
        step();
    }

private:
    /// The messages to the coordinator, by hand: an amqp-value with a described list.
    void call(const std::string& described_list) {
        const auto tag = ++call_tag_;
        pn_delivery(control_, pn_dtag(reinterpret_cast<const char*>(&tag), sizeof(tag)));
        const auto message = std::string("\x00\x53\x77", 3) + described_list;
        ++unanswered_;
        pn_link_send(control_, message.data(), message.size());
        pn_link_advance(control_);
    }
    void declare() {
        asked_ = true;
        call(std::string("\x00\x53\x31\x45", 4));
    }
    void discharge() { call(std::string("\x00\x53\x32", 3) + list_of(binary(transaction_) + "\x42", 2)); }
    void start_branch() {
        begun_ = Steady::now();
        busy_ = true;
        gtrid_.assign(reinterpret_cast<const char*>(&run_number_), sizeof run_number_);
        gtrid_ += queue_ + "-" + std::to_string(++branch_);
        call(start_of(gtrid_));
    }
    void end_branch() {
        discharge();
        call(composite("giromq:xa-prepare:list", xid_of(gtrid_), 1));
        is_preparing_ = true;
        ++run_.in_doubt;
    }
    void commit_branch() {
        is_preparing_ = false;
        call(composite("giromq:xa-commit:list", xid_of(gtrid_), 1));
    }
    void fill() {
        for (int count = 0; count < waiting_messages; ++count) send(false);
        receiver_ = pn_receiver(pn_link_session(sender_), "receiver");
        pn_terminus_set_address(pn_link_source(receiver_), queue_.c_str());
        pn_data_put_symbol(pn_terminus_capabilities(pn_link_source(receiver_)), pn_bytes(5, "queue"));
        pn_link_open(receiver_);
        pn_link_flow(receiver_, waiting_messages);
    }
    void set_state(pn_delivery_t* delivery, bool accepted) {
        pn_data_t* const data = pn_disposition_data(pn_delivery_local(delivery));
        pn_data_clear(data);
        pn_data_put_list(data);
        pn_data_enter(data);
        pn_data_put_binary(data, pn_bytes(transaction_.size(), transaction_.data()));
        if (accepted) {
            pn_data_put_described(data);
            pn_data_enter(data);
            pn_data_put_ulong(data, PN_ACCEPTED);
            pn_data_put_list(data);
            pn_data_exit(data);
        }
        pn_data_exit(data);
        pn_delivery_update(delivery, transactional_state);
    }
    void send(bool in_transaction) {
        const auto tag = ++tag_;
        pn_delivery_t* const delivery = pn_delivery(sender_, pn_dtag(reinterpret_cast<const char*>(&tag), sizeof(tag)));
        if (in_transaction) set_state(delivery, false);
        pn_link_send(sender_, encoded_.data(), encoded_.size());
        pn_link_advance(sender_);
    }
    void receive(pn_delivery_t* delivery) {
        if (!pn_delivery_readable(delivery) || pn_delivery_partial(delivery)) return;
        pn_link_recv(receiver_, buffer_.data(), buffer_.size());
        pn_link_advance(receiver_);
        received_.push_back(delivery);
    }
    void answered(pn_link_t* link, pn_delivery_t* delivery) {
        const auto state = pn_delivery_remote_state(delivery);
        if (link == control_) --unanswered_;
        if (link == sender_) {
            if (state != PN_ACCEPTED && state != transactional_state) fail("a message was refused");
        } else if (state == declared) {
            pn_data_t* const data = pn_disposition_data(pn_delivery_remote(delivery));
            pn_data_rewind(data);
            pn_data_next(data);
            pn_data_enter(data);
            pn_data_next(data);
            const auto id = pn_data_get_binary(data);
            next_.assign(id.start, id.size);
        } else if (state == PN_ACCEPTED) {
            accepted();
        } else {
            fail("a transaction was refused");
        }
        pn_delivery_settle(delivery);
    }
    /// A discharge or a call of XA; answers come in the order of the calls.
    void accepted() {
        if (is_global_ && is_preparing_) {
            if (unanswered_ == 0) commit_branch();
            return;
        }
        busy_ = false;
        if (is_global_) --run_.in_doubt;
        ++run_.committed;
        if (run_.measuring) latencies.record(Steady::now() - begun_);
    }
    /// What a transaction does.
    void work() {
        transaction_ = std::move(next_);
        next_.clear();
        send(true);
        if (!receives_) return;
        set_state(received_.front(), true);
        pn_delivery_settle(received_.front());
        received_.pop_front();
        pn_link_flow(receiver_, 1);
    }
    /// The next transaction, or the next part of it, if everything for it is there.
    void step() {
        if (is_global_) return step_branch();
        if (busy_ || next_.empty() || run_.stopping || pn_link_credit(sender_) == 0 || pn_link_credit(control_) < 2) return;
        if (receives_ && received_.empty()) return;
        busy_ = true;
        begun_ = Steady::now();
        work();
        discharge();
        declare();
    }
    void step_branch() {
        if (run_.stopping || pn_link_credit(sender_) == 0 || pn_link_credit(control_) < 2 || (receives_ && received_.empty())) return;
        if (!busy_) return start_branch();
        if (next_.empty()) return;
        work();
        end_branch();
    }

    Run& run_;
    const std::string queue_;
    const std::string encoded_;
    const bool receives_;
    const bool is_global_;
    const std::int64_t run_number_ =
        std::chrono::system_clock::now().time_since_epoch().count();  // so that no branch of another run is met
    std::vector<char> buffer_;
    pn_link_t* control_ = nullptr;
    pn_link_t* sender_ = nullptr;
    pn_link_t* receiver_ = nullptr;
    std::deque<pn_delivery_t*> received_;
    std::string transaction_;
    std::string next_;
    std::string gtrid_;
    std::uint64_t branch_ = 0;
    std::uint64_t tag_ = 0;
    std::uint64_t call_tag_ = 0;
    std::uint32_t unanswered_ = 0;  // calls
    Steady::time_point begun_;
    bool asked_ = false;
    bool busy_ = false;
    bool is_preparing_ = false;
};

struct Share {
    boost::asio::io_context context{1};
    std::vector<std::unique_ptr<Session>> sessions;
};

}  // namespace

TransactionResult run_transactions(const TransactionSettings& settings) {
    Run run;
    std::vector<std::unique_ptr<Share>> shares;
    for (std::uint32_t index = 0; index < std::max(settings.threads, 1U); ++index) shares.push_back(std::make_unique<Share>());
    for (std::uint32_t index = 0; index < settings.sessions; ++index) {
        auto& share = *shares[index % shares.size()];
        share.sessions.push_back(std::make_unique<Session>(share.context, settings, run, index));
        share.sessions.back()->start();
    }
    std::vector<std::thread> threads;
    for (auto& share : shares) threads.emplace_back([&share] { share->context.run(); });
    const auto wait = [&run](double seconds) {
        const auto until = Steady::now() + std::chrono::duration<double>(seconds);
        while (!run.stopping && Steady::now() < until) std::this_thread::sleep_for(std::chrono::milliseconds(1));
    };
    wait(settings.warm_up_s);
    const auto begin = Steady::now();
    const auto before = run.committed.load();
    run.measuring = true;
    wait(settings.duration_s);
    TransactionResult result;
    result.seconds = std::chrono::duration<double>(Steady::now() - begin).count();
    result.committed = run.committed - before;
    run.measuring = false;
    run.stopping = true;
    // No branch is left in doubt, for nobody would come back for it.
    const auto give_up_at = Steady::now() + std::chrono::seconds(5);
    while (run.in_doubt > 0 && Steady::now() < give_up_at) std::this_thread::sleep_for(std::chrono::milliseconds(1));
    for (auto& share : shares) share->context.stop();
    for (auto& thread : threads) thread.join();
    for (auto& share : shares) {
        for (auto& session : share->sessions) result.latency.add(session->latencies);
    }
    result.per_s = static_cast<double>(result.committed) / result.seconds;
    result.error = run.error;
    if (result.error.empty() && result.committed == 0) result.error = "nothing was committed";
    return result;
}

}  // namespace giromq::bench
