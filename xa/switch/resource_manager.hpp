#pragma once

#include <functional>
#include <map>
#include <memory>
#include <optional>
#include <string>

#include "giromq-xa/giromq_xa.h"
#include "xa/switch/open_string.hpp"

namespace giromq::xa_switch {

/// A resource manager that a thread has opened.
struct ResourceManager {
    OpenString open;
    bool is_dynamic = false;
    std::shared_ptr<XAConnection> connection;
    std::shared_ptr<XASession> session;
    std::optional<Xid> active;  // the session works for it
    std::map<std::string, std::shared_ptr<MessageConsumer>> consumers;
    std::map<std::string, std::shared_ptr<MessageProducer>> producers;
};

/// Those of the calling thread.
std::map<int, ResourceManager>& resource_managers();
/// Null if the thread has not opened it.
ResourceManager* find(int rmid);
std::string& last_error();

/// Asks the transaction manager for the branch to work for, before the first work.
void register_work(int rmid);

/// Runs a call, and makes a code of what it throws.
int run(const std::function<int()>& call);

}  // namespace giromq::xa_switch
