#include <iostream>

#include "applications.hpp"
#include "large_book.hpp"
#include "schemas.hpp"

namespace payments {

int run_large(const LargeOptions& options) {
    SchemaParser parser(pacs_008_schema);
    LargeBook book(options.state.large(), Database::Mode::write);
    const auto connection = connect(options.broker);
    const auto session = connection->create_session(giromq::AcknowledgeMode::client_acknowledge);
    const auto consumer = session->create_consumer(session->create_queue(options.queue), std::string(large_payments_selector));
    connection->start();
    const auto record = [&](const std::vector<Arrival>& arrivals) { book.record(parser, arrivals); };
    record_arrivals(*consumer, {"payments", options.batch, options.count, record, [&] { return book.count(); }});
    connection->close();
    std::cout << "found " << book.count() << " large payments\n";
    return 0;
}

}  // namespace payments
