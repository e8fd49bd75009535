#include <unistd.h>

#include <chrono>
#include <condition_variable>
#include <iostream>
#include <mutex>
#include <optional>

#include "commands.hpp"
#include "giromq/giromq.hpp"
#include "message_text.hpp"
#include "progress.hpp"

namespace giromq::tool {
namespace {

using namespace std::chrono_literals;

/// Acknowledgements wait for the disk; many messages share one wait.
constexpr std::uint64_t acknowledge_every = 100;

struct SendCommand {
    std::string queue;
    std::optional<std::string> body;
    std::string file;
    bool lines = false;
    bool bytes = false;
    bool non_persistent = false;
    std::uint64_t count = 1;
    std::vector<std::string> properties;
    std::string type;
    std::string correlation_id;
    std::string reply_to;
    std::string duplicate_id;
    int priority = default_priority;
    std::uint64_t time_to_live_ms = 0;
};

/// Counts the outcomes, and keeps the first failure.
class Outcomes final : public CompletionListener {
public:
    void on_completion(const MessagePtr&) override {
        const std::lock_guard lock(mutex_);
        ++confirmed_;
    }
    void on_exception(const MessagePtr&, const JMSException& exception) override {
        const std::lock_guard lock(mutex_);
        if (!failure_) failure_ = exception.what();
    }
    std::uint64_t confirmed() const {
        const std::lock_guard lock(mutex_);
        return confirmed_;
    }
    std::optional<std::string> failure() const {
        const std::lock_guard lock(mutex_);
        return failure_;
    }

private:
    mutable std::mutex mutex_;
    std::uint64_t confirmed_ = 0;
    std::optional<std::string> failure_;
};

class Sender {
public:
    Sender(const Common& common, const SendCommand& command)
        : common_(common),
          command_(command),
          connection_(connect(common)),
          session_(connection_->create_session()),
          producer_(session_->create_producer(session_->create_queue(command.queue))),
          progress_("sending", command.lines ? 0 : command.count) {
        producer_->set_delivery_mode(command.non_persistent ? DeliveryMode::non_persistent : DeliveryMode::persistent);
        producer_->set_priority(command.priority);
        producer_->set_time_to_live(std::chrono::milliseconds(command.time_to_live_ms));
    }

    /// False when a send has failed and there is no point in going on.
    bool send(const std::string& body) {
        if (outcomes_->failure()) return false;
        producer_->send(make(body), outcomes_);
        progress_.update(++sent_);
        return true;
    }

    int finish() {
        producer_->close();
        progress_.finish();
        const std::uint64_t confirmed = outcomes_->confirmed();
        if (common_.json) {
            std::cout << "{\"sent\":" << confirmed << "}\n";
        } else if (const auto failure = outcomes_->failure()) {
            throw ToolError(grouped(confirmed) + " of " + grouped(sent_) + " messages are in the queue; the first failure: " + *failure);
        } else if (sent_ != 1) {
            std::cerr << "Sent " << grouped(confirmed) << " messages to '" << command_.queue << "'.\n";
        }
        if (const auto failure = outcomes_->failure()) throw ToolError(*failure);
        return exit_ok;
    }

private:
    MessagePtr make(const std::string& body) {
        MessagePtr message;
        if (command_.bytes) {
            message = session_->create_bytes_message(std::as_bytes(std::span(body)));
        } else {
            message = session_->create_text_message(body);
        }
        message->set_jms_type(command_.type);
        message->set_jms_correlation_id(command_.correlation_id);
        if (!command_.reply_to.empty()) message->set_jms_reply_to(session_->create_queue(command_.reply_to));
        if (!command_.duplicate_id.empty()) message->set_string_property("GIROMQ_DUPLICATE_ID", command_.duplicate_id);
        for (const std::string& property : command_.properties) set_property(*message, property);
        return message;
    }

    const Common& common_;
    const SendCommand& command_;
    const std::shared_ptr<Connection> connection_;
    const std::shared_ptr<Session> session_;
    const std::shared_ptr<MessageProducer> producer_;
    const std::shared_ptr<Outcomes> outcomes_ = std::make_shared<Outcomes>();
    Progress progress_;
    std::uint64_t sent_ = 0;
};

int send(const Common& common, const SendCommand& command) {
    const int sources = (command.body ? 1 : 0) + (command.file.empty() ? 0 : 1) + (command.lines ? 1 : 0);
    if (sources != 1)
        throw ToolError("Give the body: as text after the queue's name, by --file FILE ('-' for the standard input), or by --lines.",
                        exit_usage);
    if (!command.duplicate_id.empty() && (command.lines || command.count > 1)) {
        throw ToolError("--duplicate-id is for a single message: all others would be dropped as its duplicates.", exit_usage);
    }
    Sender sender(common, command);
    if (command.lines) {
        std::string line;
        while (std::getline(std::cin, line) && sender.send(line)) {
        }
        return sender.finish();
    }
    const std::string body = command.body ? *command.body : read_file(command.file);
    for (std::uint64_t index = 0; index < command.count && sender.send(body); ++index) {
    }
    return sender.finish();
}

/// Writes a message to the standard output; throws when that fails, so that nothing is acknowledged that nobody has got. What goes to a
/// terminal cannot move its cursor or change its title; what goes to a file or a pipe is the body as it is.
void print(const Common& common, const Message& message) {
    static const bool terminal = ::isatty(STDOUT_FILENO) == 1;
    const std::string text = common.json ? to_json_line(message) : body_of(message);
    std::cout << (terminal ? printable(text, "\n\t") : text) << '\n';
    if (!std::cout) throw ToolError("The output cannot be written; what was not written stays in the queue.");
}

/// A selector as it was given: its text, in SQL or XML, or a file with it.
struct SelectorOption {
    std::string text;
    std::string file;

    std::string read() const { return file.empty() ? text : read_file(file); }
    void add_to(CLI::App& app) {
        auto* const as_text = app.add_option("--selector", text, "Only messages that it selects: SQL, or XML; see docs/selectors.md");
        app.add_option("--selector-file", file, "A file with the selector; '-' for the standard input")->excludes(as_text);
    }
};

struct ReceiveCommand {
    std::string queue;
    SelectorOption selector;
    std::uint64_t count = 1;
    double timeout_seconds = 0;
    bool follow = false;
    bool no_acknowledge = false;
};

MessagePtr next_message(MessageConsumer& consumer, const ReceiveCommand& command) {
    if (command.follow) return consumer.receive();
    const auto timeout = std::chrono::milliseconds(static_cast<std::int64_t>(command.timeout_seconds * 1000));
    return timeout.count() == 0 ? consumer.receive_no_wait() : consumer.receive(timeout);
}

int receive(const Common& common, const ReceiveCommand& command) {
    const auto connection = connect(common);
    const auto session = connection->create_session(AcknowledgeMode::client_acknowledge);
    const auto consumer = session->create_consumer(session->create_queue(command.queue), command.selector.read());
    connection->start();
    // The bar and the messages would overwrite each other on one terminal.
    const bool show = ::isatty(STDOUT_FILENO) == 0;
    Progress progress("receiving", command.count);
    std::uint64_t received = 0;
    MessagePtr last;
    const auto acknowledge = [&] {
        std::cout.flush();
        if (!std::cout) throw ToolError("The output cannot be written; what was not written stays in the queue.");
        if (last != nullptr && !command.no_acknowledge) last->acknowledge();
        last = nullptr;
    };
    while (command.count == 0 || received < command.count) {
        // Before waiting, what is there is confirmed, so that nothing printed long ago comes again.
        MessagePtr message = last == nullptr ? next_message(*consumer, command) : consumer->receive_no_wait();
        if (message == nullptr && last != nullptr) {
            acknowledge();
            continue;
        }
        if (message == nullptr) break;
        print(common, *message);
        last = std::move(message);
        ++received;
        if (received % acknowledge_every == 0) acknowledge();
        if (show) progress.update(received);
    }
    acknowledge();
    progress.finish();
    session->close();
    return received == 0 ? exit_nothing_received : exit_ok;
}

struct BrowseCommand {
    std::string queue;
    std::uint64_t count = 0;
    SelectorOption selector;
};

int browse(const Common& common, const BrowseCommand& command) {
    const auto connection = connect(common);
    const auto session = connection->create_session();
    const auto browser = session->create_browser(session->create_queue(command.queue), command.selector.read());
    const std::uint64_t count = command.count;
    const bool show = ::isatty(STDOUT_FILENO) == 0;
    Progress progress("browsing", count);
    std::uint64_t shown = 0;
    while (count == 0 || shown < count) {
        const MessagePtr message = browser->next();
        if (message == nullptr) break;
        print(common, *message);
        ++shown;
        if (show) progress.update(shown);
    }
    progress.finish();
    std::cout.flush();
    if (!std::cout) throw ToolError("The output cannot be written.");
    return shown == 0 ? exit_nothing_received : exit_ok;
}

void add_send(CLI::App& app, const Common& common, Run& run) {
    const auto command = std::make_shared<SendCommand>();
    CLI::App* const send_app = app.add_subcommand("send", "Sends messages and waits until they are on the broker's disk");
    send_app->add_option("QUEUE", command->queue, "Where to")->required();
    send_app->add_option("--body,BODY", command->body, "The text of the message");
    send_app->add_option("--file", command->file, "A file with the body; '-' for the standard input");
    send_app->add_flag("--lines", command->lines, "Each line of the standard input is a message");
    send_app->add_option("--count", command->count, "How many times the body is sent")->check(CLI::PositiveNumber);
    send_app->add_flag("--bytes", command->bytes, "As bytes instead of text");
    send_app
        ->add_option("--property", command->properties,
                     "name=value or name:type=value (boolean, int, long, double, string); can be repeated")
        ->allow_extra_args(false);
    send_app->add_option("--type", command->type, "JMSType");
    send_app->add_option("--correlation-id", command->correlation_id, "JMSCorrelationID");
    send_app->add_option("--reply-to", command->reply_to, "JMSReplyTo: a queue");
    send_app->add_option("--duplicate-id", command->duplicate_id, "The broker stores only one message with this id");
    send_app->add_option("--priority", command->priority, "0 (lowest) to 9")->check(CLI::Range(0, 9))->capture_default_str();
    send_app->add_option("--time-to-live", command->time_to_live_ms, "Milliseconds after which the message expires; 0 for never");
    send_app->add_flag("--non-persistent", command->non_persistent, "Kept in memory only");
    send_app->fallthrough()->callback([&common, &run, command] { run = [&common, command] { return send(common, *command); }; });
}

void add_receive(CLI::App& app, const Common& common, Run& run) {
    const auto command = std::make_shared<ReceiveCommand>();
    CLI::App* const receive_app =
        app.add_subcommand("receive", "Takes messages from a queue and prints their bodies, one a line; exit code 3 if there was none");
    receive_app->add_option("QUEUE", command->queue, "Where from")->required();
    const CLI::Option* const count =
        receive_app->add_option("--count", command->count, "How many at most; 0 for no limit")->capture_default_str();
    receive_app->add_option("--timeout", command->timeout_seconds, "Seconds to wait for each; 0: only what is there")
        ->check(CLI::Range(0.0, 1e6))
        ->capture_default_str();
    command->selector.add_to(*receive_app);
    receive_app->add_flag("--follow", command->follow, "Wait for ever, and without --count go on for ever");
    receive_app->add_flag("--no-ack", command->no_acknowledge,
                          "Leave the messages in the queue, counted as delivered once more (browse does not count)");
    receive_app->fallthrough()->callback([&common, &run, command, count] {
        if (command->follow && count->count() == 0) command->count = 0;
        run = [&common, command] { return receive(common, *command); };
    });
}

}  // namespace

void add_message_commands(CLI::App& app, const Common& common, Run& run) {
    add_send(app, common, run);
    add_receive(app, common, run);
    const auto command = std::make_shared<BrowseCommand>();
    CLI::App* const browse_app =
        app.add_subcommand("browse", "Shows the messages of a queue without taking them; exit code 3 if there is none");
    browse_app->add_option("QUEUE", command->queue, "Which")->required();
    browse_app->add_option("--count", command->count, "How many at most; 0 for all")->capture_default_str();
    command->selector.add_to(*browse_app);
    browse_app->fallthrough()->callback([&common, &run, command] { run = [&common, command] { return browse(common, *command); }; });
}

}  // namespace giromq::tool
