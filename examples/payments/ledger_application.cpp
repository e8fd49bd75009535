#include <iostream>

#include "applications.hpp"
#include "pacs.hpp"
#include "schemas.hpp"

namespace payments {
namespace {

/// Sends the answers that wait in the ledger's database, and marks those that the broker has confirmed.
void send_answers(Ledger& ledger, ConfirmedSender& sender, DeathPoint& death) {
    for (auto answers = ledger.unsent_answers(200); !answers.empty(); answers = ledger.unsent_answers(200)) {
        for (const Ledger::Answer& answer : answers) sender.send(answer.number, answer.transaction_id, pacs_002, answer.document);
        const auto confirmed = sender.wait_for_all();
        death.reached("answered");
        ledger.mark_sent(confirmed);
    }
}

}  // namespace

int run_ledger(const LedgerOptions& options) {
    using namespace std::chrono_literals;
    DeathPoint death(options.die_at);
    SchemaParser parser(pacs_008_schema);
    Ledger ledger(options.state.ledger(), Database::Mode::write);
    const auto connection = connect(options.broker);
    const auto session = connection->create_session(giromq::AcknowledgeMode::client_acknowledge);
    const auto answering = connection->create_session(giromq::AcknowledgeMode::auto_acknowledge);
    ConfirmedSender sender(*answering, options.status_queue, 100);
    const auto consumer = session->create_consumer(session->create_queue(options.payments_queue));
    connection->start();
    send_answers(ledger, sender, death);  // those of a run that was killed
    while (!stop_is_wanted()) {
        giromq::MessagePtr last;
        const auto arrivals = receive_batch(*consumer, options.batch, 300ms, last);
        if (arrivals.empty()) {
            if (options.count > 0 && ledger.sent_answer_count() >= options.count) break;
            continue;
        }
        death.reached("received");
        const Ledger::Booked booked = ledger.book(parser, arrivals);
        death.reached("booked");
        if (booked.recognised > 0) std::cerr << booked.recognised << " payments came again and were recognised\n";
        if (booked.unreadable > 0) std::cerr << booked.unreadable << " messages could not be read; they are in the table 'unreadable'\n";
        send_answers(ledger, sender, death);
        death.reached("marked");
        if (!acknowledge_all(*last)) std::cerr << "the connection was lost before " << arrivals.size() << " messages were acknowledged\n";
        death.reached("acknowledged");
    }
    connection->close();
    std::cout << "booked " << ledger.payment_count() << ", answered " << ledger.sent_answer_count() << '\n';
    return 0;
}

}  // namespace payments
