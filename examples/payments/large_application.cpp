#include <iostream>

#include "applications.hpp"
#include "large_book.hpp"
#include "schemas.hpp"

namespace payments {

int run_large(const LargeOptions& options) {
    using namespace std::chrono_literals;
    SchemaParser parser(pacs_008_schema);
    LargeBook book(options.state.large(), Database::Mode::write);
    const auto connection = connect(options.broker);
    const auto session = connection->create_session(giromq::AcknowledgeMode::client_acknowledge);
    const auto consumer = session->create_consumer(session->create_queue(options.queue), std::string(large_payments_selector));
    connection->start();
    while (!stop_is_wanted()) {
        giromq::MessagePtr last;
        const auto arrivals = receive_batch(*consumer, options.batch, 300ms, last);
        if (arrivals.empty()) {
            if (options.count > 0 && book.count() >= options.count) break;
            continue;
        }
        book.record(parser, arrivals);
        if (!acknowledge_all(*last)) std::cerr << "the connection was lost before " << arrivals.size() << " payments were acknowledged\n";
    }
    connection->close();
    std::cout << "found " << book.count() << " large payments\n";
    return 0;
}

}  // namespace payments
