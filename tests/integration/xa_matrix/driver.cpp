// A resource manager's client that does what it is told, one line at a time: the part of a transaction manager of the crash matrix
// (world.py) that talks to the broker. Each command on standard input is answered by one line: "ok ...", "code N ..." for a code of XA,
// "error ..." for everything else.
#include <chrono>
#include <functional>
#include <giromq/giromq.hpp>
#include <giromq/xa.hpp>
#include <iostream>
#include <map>
#include <memory>
#include <sstream>
#include <stdexcept>
#include <string>

namespace {

using giromq::XAFlags;
using giromq::Xid;

constexpr int format_id = 4711;

/// "gtrid" or "gtrid.bqual".
Xid xid_of(const std::string& text) {
    const auto dot = text.find('.');
    return Xid{format_id, text.substr(0, dot), dot == std::string::npos ? std::string() : text.substr(dot + 1)};
}

std::string text_of(const Xid& xid) {
    return xid.branch_qualifier.empty() ? xid.global_transaction_id : xid.global_transaction_id + '.' + xid.branch_qualifier;
}

class Driver {
public:
    explicit Driver(const std::string& uri)
        : connection_(giromq::XAConnectionFactory(uri).create_xa_connection()),
          session_(connection_->create_xa_session()),
          resource_(session_->xa_resource()) {
        connection_->start();
        add_branch_calls();
        add_work();
    }

    std::string run(const std::string& line) {
        std::istringstream words(line);
        std::string name;
        words >> name;
        const auto command = commands_.find(name);
        if (command == commands_.end()) return "error there is no command '" + name + "'";
        try {
            const auto answer = command->second(words);
            return answer.empty() ? "ok" : "ok " + answer;
        } catch (const giromq::XAException& exception) {
            return "code " + std::to_string(exception.error_code()) + ' ' + exception.what();
        } catch (const std::exception& exception) {
            return std::string("error ") + exception.what();
        }
    }

private:
    using Words = std::istringstream;

    static std::string word(Words& words) {
        std::string text;
        words >> text;
        return text;
    }

    static std::int64_t flags(Words& words, std::int64_t otherwise) {
        static const std::map<std::string, std::int64_t> known{{"join", XAFlags::join},        {"resume", XAFlags::resume},
                                                               {"fail", XAFlags::fail},        {"suspend", XAFlags::suspend},
                                                               {"start", XAFlags::start_scan}, {"more", XAFlags::no_flags}};
        const auto name = word(words);
        return name.empty() ? otherwise : known.at(name);
    }

    void add_call(const char* name, std::function<void(const Xid&)> call) {
        commands_[name] = [call = std::move(call)](Words& words) {
            call(xid_of(word(words)));
            return std::string();
        };
    }

    void add_branch_calls() {
        commands_["start"] = [this](Words& words) {
            const auto xid = xid_of(word(words));
            resource_->start(xid, flags(words, XAFlags::no_flags));
            return std::string();
        };
        commands_["end"] = [this](Words& words) {
            const auto xid = xid_of(word(words));
            resource_->end(xid, flags(words, XAFlags::success));
            return std::string();
        };
        add_call("prepare", [this](const Xid& xid) {
            if (resource_->prepare(xid) != giromq::XACode::ok) throw giromq::XAException(giromq::XACode::read_only, "read only");
        });
        add_call("commit", [this](const Xid& xid) { resource_->commit(xid, false); });
        add_call("one-phase", [this](const Xid& xid) { resource_->commit(xid, true); });
        add_call("rollback", [this](const Xid& xid) { resource_->rollback(xid); });
        add_call("forget", [this](const Xid& xid) { resource_->forget(xid); });
        // recover [start|more COUNT]
        commands_["recover"] = [this](Words& words) {
            const auto scan = flags(words, XAFlags::start_scan | XAFlags::end_scan);
            const auto count = word(words);
            std::string all;
            for (const auto& xid : count.empty() ? resource_->recover(scan) : resource_->recover(scan, std::stoul(count))) {
                all += (all.empty() ? "" : " ") + text_of(xid);
            }
            return all;
        };
        commands_["timeout"] = [this](Words& words) {
            resource_->set_transaction_timeout(std::chrono::seconds(std::stoi(word(words))));
            return std::string();
        };
    }

    void add_work() {
        // send QUEUE TEXT [BYTES [DUPLICATE-ID]]: the text, made so long
        commands_["send"] = [this](Words& words) {
            const auto queue = word(words);
            auto text = word(words);
            const auto size = word(words);
            const auto duplicate_id = word(words);
            if (!size.empty()) text.resize(std::max(text.size(), std::size_t{std::stoul(size)}), '.');
            const auto message = session_->create_text_message(text);
            if (!duplicate_id.empty()) message->set_string_property("GIROMQ_DUPLICATE_ID", duplicate_id);
            session_->create_producer(session_->create_queue(queue))->send(message);
            return std::string();
        };
        // receive QUEUE MILLISECONDS: text and delivery count
        commands_["receive"] = [this](Words& words) {
            const auto queue = word(words);
            const std::chrono::milliseconds patience(std::stoi(word(words)));
            auto& consumer = consumers_[queue];
            if (consumer == nullptr) consumer = session_->create_consumer(session_->create_queue(queue));
            return described(patience.count() == 0 ? consumer->receive_no_wait() : consumer->receive(patience));
        };
        // Everything that is there, for good: outside of any branch.
        commands_["drain"] = [this](Words& words) {
            const auto session = connection_->create_session();
            const auto consumer = session->create_consumer(session->create_queue(word(words)));
            std::string all;
            while (const auto message = consumer->receive_no_wait()) all += (all.empty() ? "" : " ") + described(message);
            session->close();
            return all;
        };
        commands_["close-consumers"] = [this](Words&) {
            for (const auto& [queue, consumer] : consumers_) consumer->close();
            consumers_.clear();
            return std::string();
        };
    }

    static std::string described(const giromq::MessagePtr& message) {
        if (message == nullptr) return "-";
        auto text = std::dynamic_pointer_cast<giromq::TextMessage>(message)->text();
        text = text.substr(0, text.find('.'));
        return text + ':' + std::to_string(message->int_property("JMSXDeliveryCount"));
    }

    std::shared_ptr<giromq::XAConnection> connection_;
    std::shared_ptr<giromq::XASession> session_;
    std::shared_ptr<giromq::XAResource> resource_;
    std::map<std::string, std::function<std::string(Words&)>> commands_;
    std::map<std::string, std::shared_ptr<giromq::MessageConsumer>> consumers_;
};

}  // namespace

int main(int argument_count, char** arguments) {
    if (argument_count != 2) {
        std::cerr << "usage: giromq_test_xa_driver URI\n";
        return 2;
    }
    try {
        Driver driver(arguments[1]);
        std::cout << "ready" << std::endl;
        for (std::string line; std::getline(std::cin, line);) std::cout << driver.run(line) << std::endl;
        return 0;
    } catch (const std::exception& exception) {
        std::cout << "error " << exception.what() << std::endl;
        return 1;
    }
}
