#include <algorithm>
#include <iostream>
#include <map>
#include <thread>

#include "applications.hpp"
#include "bank.hpp"
#include "pacs.hpp"

namespace payments {
namespace {

/// A payment is confirmed when every queue it goes to has confirmed it.
class Confirmations {
public:
    Confirmations(Bank& bank, std::size_t queues) : bank_(bank), queues_(queues) {}

    void note(const std::vector<std::int64_t>& sequences) {
        std::vector<std::int64_t> complete;
        for (const std::int64_t sequence : sequences) {
            if (++so_far_[sequence] < queues_) continue;
            so_far_.erase(sequence);
            complete.push_back(sequence);
        }
        bank_.confirm(complete);
    }

private:
    Bank& bank_;
    const std::size_t queues_;
    std::map<std::int64_t, std::size_t> so_far_;
};

}  // namespace

int run_send(const SendOptions& options) {
    Bank bank(options.state.bank(), Database::Mode::write);
    const auto connection = connect(options.broker);
    const auto session = connection->create_session(giromq::AcknowledgeMode::auto_acknowledge);
    std::vector<std::unique_ptr<ConfirmedSender>> senders;
    senders.push_back(std::make_unique<ConfirmedSender>(*session, options.queue, options.window));
    if (!options.copy_queue.empty()) senders.push_back(std::make_unique<ConfirmedSender>(*session, options.copy_queue, options.window));
    Confirmations confirmations(bank, senders.size());
    const auto started = std::chrono::steady_clock::now();
    std::int64_t sent = 0;
    std::int64_t last_sequence = 0;
    const auto note_confirmed = [&] {
        for (const auto& sender : senders) confirmations.note(sender->confirmed());
    };
    for (;;) {
        const auto outgoing = bank.unconfirmed(last_sequence, 200);
        if (outgoing.empty() || stop_is_wanted()) break;
        for (const Bank::Outgoing& payment : outgoing) {
            if (stop_is_wanted()) break;
            if (options.rate > 0) std::this_thread::sleep_until(started + std::chrono::microseconds(1'000'000 * sent / options.rate));
            for (const auto& sender : senders) sender->send(payment.sequence, payment.transaction_id, pacs_008, payment.document);
            last_sequence = payment.sequence;
            // A commit for every confirmation would be the slowest part; one that is not noted yet is at worst sent again, and dropped.
            if (++sent % std::max<std::int64_t>(1, std::min<std::int64_t>(options.window, 50)) == 0) note_confirmed();
        }
    }
    for (const auto& sender : senders) confirmations.note(sender->wait_for_all());
    note_confirmed();  // throws if one was refused
    connection->close();
    std::cout << "sent " << sent << ", confirmed " << bank.confirmed_count() << " of " << bank.count() << '\n';
    return bank.confirmed_count() == bank.count() || stop_is_wanted() ? 0 : 1;
}

}  // namespace payments
