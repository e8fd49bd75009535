#include <cstring>

#include "giromq/giromq.hpp"
#include "xa/switch/resource_manager.hpp"

// What the application calls, in C and in C++.
namespace giromq {

std::shared_ptr<Session> xa_session(int rmid) {
    const auto* const rm = xa_switch::find(rmid);
    return rm == nullptr ? nullptr : rm->session->session();
}

namespace xa_switch {
namespace {

/// XA_OK if the thread has opened it and works for a branch, or can ask for one.
int check(const ResourceManager* rm) {
    if (rm == nullptr) {
        last_error() = "The resource manager is not open in this thread.";
        return XAER_PROTO;
    }
    if (rm->active || rm->is_dynamic) return XA_OK;
    last_error() = "The thread works for no branch of a global transaction.";
    return XAER_OUTSIDE;
}

}  // namespace
}  // namespace xa_switch
}  // namespace giromq

namespace xa_switch = giromq::xa_switch;

int giromq_xa_send_text(int rmid, const char* queue, const char* text) {
    auto* const rm = xa_switch::find(rmid);
    if (const int code = xa_switch::check(rm); code != XA_OK) return code;
    if (queue == nullptr || text == nullptr) return XAER_INVAL;
    return xa_switch::run([&] {
        auto& producer = rm->producers[queue];
        if (producer == nullptr) producer = rm->session->create_producer(rm->session->create_queue(queue));
        producer->send(rm->session->create_text_message(text));
        return XA_OK;
    });
}

int giromq_xa_receive_text(int rmid, const char* queue, long milliseconds, char* text, unsigned long size, long* length) {
    auto* const rm = xa_switch::find(rmid);
    if (const int code = xa_switch::check(rm); code != XA_OK) return code;
    if (queue == nullptr || text == nullptr || length == nullptr || milliseconds < 0) return XAER_INVAL;
    return xa_switch::run([&] {
        auto& consumer = rm->consumers[queue];
        if (consumer == nullptr) consumer = rm->session->create_consumer(rm->session->create_queue(queue));
        const auto message = milliseconds == 0 ? consumer->receive_no_wait() : consumer->receive(std::chrono::milliseconds(milliseconds));
        *length = -1;
        if (message == nullptr) return XA_OK;
        const auto body = std::dynamic_pointer_cast<giromq::TextMessage>(message);
        if (body == nullptr || body->text().size() >= size) {
            xa_switch::last_error() = "The message is not a text message, or does not fit.";
            return XAER_INVAL;
        }
        const std::string content = body->text();
        std::memcpy(text, content.c_str(), content.size() + 1);
        *length = static_cast<long>(content.size());
        return XA_OK;
    });
}

const char* giromq_xa_last_error(void) { return xa_switch::last_error().c_str(); }
