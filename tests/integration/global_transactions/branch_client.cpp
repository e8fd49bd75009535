// An application and its transaction manager over libgiromq's XAResource, told what to do line by line (global_transactions_test.py):
//   open NAME URI                     a connection with an XASession; "ok"
//   close NAME
//   NAME start XID new|join|resume
//   NAME end XID success|fail|suspend|migrate
//   NAME prepare|commit|one-phase|rollback|forget XID
//   NAME recover                      the XIDs
//   NAME send QUEUE TEXT
//   NAME receive QUEUE                "TEXT COUNT", waiting for it; poll QUEUE does not wait, and may say "none"
//   NAME same OTHER                   whether both reach the same resource manager
// Each is answered with one line: "ok", what was asked for, "XA CODE" or "failed WHY".
#include <giromq/giromq.hpp>
#include <giromq/xa.hpp>

#include <chrono>
#include <iostream>
#include <map>
#include <memory>
#include <sstream>
#include <stdexcept>
#include <string>

namespace {

using namespace std::chrono_literals;

constexpr auto patience = 20s;

giromq::Xid xid_of(const std::string& name) { return {4711, name, "branch"}; }

std::int64_t flag_of(const std::string& word) {
    static const std::map<std::string, std::int64_t> flags{{"new", giromq::XAFlags::no_flags},
                                                           {"join", giromq::XAFlags::join},
                                                           {"resume", giromq::XAFlags::resume},
                                                           {"success", giromq::XAFlags::success},
                                                           {"fail", giromq::XAFlags::fail},
                                                           {"suspend", giromq::XAFlags::suspend},
                                                           {"migrate", giromq::XAFlags::suspend | giromq::XAFlags::migrate}};
    return flags.at(word);
}

class Application {
public:
    explicit Application(const std::string& uri)
        : connection_(giromq::XAConnectionFactory(uri).create_xa_connection()), session_(connection_->create_xa_session()) {
        connection_->start();
    }
    ~Application() {
        try {
            connection_->close();
        } catch (const std::exception& exception) {
            std::cerr << "close: " << exception.what() << "\n";
        }
    }
    Application(const Application&) = delete;
    Application& operator=(const Application&) = delete;

    std::string carry_out(const std::string& call, std::istringstream& words) {
        std::string name, more;
        words >> name >> more;
        auto& resource = *session_->xa_resource();
        if (call == "start") return resource.start(xid_of(name), flag_of(more)), "ok";
        if (call == "end") return resource.end(xid_of(name), flag_of(more)), "ok";
        if (call == "prepare") return resource.prepare(xid_of(name)) == giromq::XACode::read_only ? "read-only" : "ok";
        if (call == "commit") return resource.commit(xid_of(name), false), "ok";
        if (call == "one-phase") return resource.commit(xid_of(name), true), "ok";
        if (call == "rollback") return resource.rollback(xid_of(name)), "ok";
        if (call == "forget") return resource.forget(xid_of(name)), "ok";
        if (call == "recover") return recovered();
        if (call == "send") return send(name, more), "ok";
        if (call == "receive") return described(consumer(name).receive(patience));
        if (call == "poll") return described(consumer(name).receive_no_wait());
        throw std::runtime_error("there is no call " + call);
    }

    bool is_same_rm(const Application& other) const { return session_->xa_resource()->is_same_rm(*other.session_->xa_resource()); }

private:
    std::string recovered() {
        std::string all;
        for (const auto& xid : session_->xa_resource()->recover(giromq::XAFlags::start_scan | giromq::XAFlags::end_scan)) {
            all += (all.empty() ? "" : " ") + xid.global_transaction_id;
        }
        return all;
    }
    void send(const std::string& queue, const std::string& text) {
        auto& producer = producers_[queue];
        if (producer == nullptr) producer = session_->create_producer(session_->create_queue(queue));
        producer->send(session_->create_text_message(text));
    }
    giromq::MessageConsumer& consumer(const std::string& queue) {
        auto& consumer = consumers_[queue];
        if (consumer == nullptr) consumer = session_->create_consumer(session_->create_queue(queue));
        return *consumer;
    }
    static std::string described(const giromq::MessagePtr& message) {
        if (message == nullptr) return "none";
        const auto text = std::dynamic_pointer_cast<giromq::TextMessage>(message);
        return text->text() + " " + std::to_string(message->int_property("JMSXDeliveryCount"));
    }

    std::shared_ptr<giromq::XAConnection> connection_;
    std::shared_ptr<giromq::XASession> session_;
    std::map<std::string, std::shared_ptr<giromq::MessageProducer>> producers_;
    std::map<std::string, std::shared_ptr<giromq::MessageConsumer>> consumers_;
};

std::string carry_out(std::map<std::string, std::unique_ptr<Application>>& applications, const std::string& line) {
    std::istringstream words(line);
    std::string name, call;
    words >> name >> call;
    if (name == "open") {
        std::string uri;
        words >> uri;
        applications[call] = std::make_unique<Application>(uri);
        return "ok";
    }
    if (name == "close") return applications.erase(call), "ok";
    if (call != "same") return applications.at(name)->carry_out(call, words);
    std::string other;
    words >> other;
    return applications.at(name)->is_same_rm(*applications.at(other)) ? "yes" : "no";
}

}  // namespace

int main() {
    std::map<std::string, std::unique_ptr<Application>> applications;
    for (std::string line; std::getline(std::cin, line);) {
        try {
            std::cout << carry_out(applications, line) << std::endl;
        } catch (const giromq::XAException& exception) {
            std::cerr << line << ": " << exception.what() << "\n";
            std::cout << "XA " << exception.error_code() << std::endl;
        } catch (const std::exception& exception) {
            std::cout << "failed " << exception.what() << std::endl;
        }
    }
    return 0;
}
