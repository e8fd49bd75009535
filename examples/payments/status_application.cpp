#include <iostream>

#include "applications.hpp"
#include "schemas.hpp"
#include "status_book.hpp"

namespace payments {

int run_status(const StatusOptions& options) {
    using namespace std::chrono_literals;
    SchemaParser parser(pacs_002_schema);
    StatusBook book(options.state.status(), Database::Mode::write);
    const auto connection = connect(options.broker);
    const auto session = connection->create_session(giromq::AcknowledgeMode::client_acknowledge);
    const auto consumer = session->create_consumer(session->create_queue(options.queue));
    connection->start();
    while (!stop_is_wanted()) {
        giromq::MessagePtr last;
        const auto arrivals = receive_batch(*consumer, options.batch, 300ms, last);
        if (arrivals.empty()) {
            if (options.count > 0 && book.count() >= options.count) break;
            continue;
        }
        book.record(parser, arrivals);
        if (!acknowledge_all(*last)) std::cerr << "the connection was lost before " << arrivals.size() << " answers were acknowledged\n";
    }
    connection->close();
    std::cout << "recorded " << book.count() << " answers\n";
    return 0;
}

}  // namespace payments
