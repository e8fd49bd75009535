#include <iostream>

#include "applications.hpp"
#include "schemas.hpp"
#include "status_book.hpp"

namespace payments {

int run_status(const StatusOptions& options) {
    SchemaParser parser(pacs_002_schema);
    StatusBook book(options.state.status(), Database::Mode::write);
    const auto connection = connect(options.broker);
    const auto session = connection->create_session(giromq::AcknowledgeMode::client_acknowledge);
    const auto consumer = session->create_consumer(session->create_queue(options.queue));
    connection->start();
    const auto record = [&](const std::vector<Arrival>& arrivals) { book.record(parser, arrivals); };
    record_arrivals(*consumer, {"answers", options.batch, options.count, record, [&] { return book.count(); }});
    connection->close();
    std::cout << "recorded " << book.count() << " answers\n";
    return 0;
}

}  // namespace payments
