#pragma once

#include <memory>
#include <optional>
#include <string>

#include "unit/core/controller.hpp"
#include "xa/registry.hpp"

namespace giromq::test {

inline xa::Xid xid(const std::string& name) { return *xa::Xid::make(1, name, "b"); }

/// A transaction manager on a control link.
class Manager {
public:
    explicit Manager(Broker& broker) : controller(broker), broker_(broker) {}

    TransactionId start(const std::string& name, xa::Flags flags = xa::tm::no_flags) {
        TransactionId id;
        const auto code = broker_.core->xa_start(controller.connection, controller.control, xid(name), flags, {}, id);
        CPPUNIT_ASSERT_EQUAL(std::string(xa::name_of(xa::ReturnCode::ok)), std::string(xa::name_of(code)));
        return id;
    }
    xa::ReturnCode end(TransactionId id, xa::Flags flags = xa::tm::success) {
        std::optional<xa::ReturnCode> answer;
        broker_.core->xa_end(controller.connection, id, flags, [&answer](xa::ReturnCode code) { answer = code; });
        CPPUNIT_ASSERT(answer.has_value());
        return *answer;
    }
    /// The answer, as far as there is one.
    std::shared_ptr<std::optional<xa::ReturnCode>> call(core::XaCall::Kind kind, const std::string& name,
                                                        xa::Flags flags = xa::tm::no_flags) {
        auto answer = std::make_shared<std::optional<xa::ReturnCode>>();
        broker_.core->xa_complete(controller.control, core::XaCall{kind, xid(name), flags, {}},
                                  [answer](xa::ReturnCode code) { *answer = code; });
        return answer;
    }
    std::string answered(core::XaCall::Kind kind, const std::string& name, xa::Flags flags = xa::tm::no_flags) {
        const auto answer = call(kind, name, flags);
        broker_.doors->run();
        CPPUNIT_ASSERT(answer->has_value());
        return std::string(xa::name_of(**answer));
    }
    std::string prepare(const std::string& name) { return answered(core::XaCall::Kind::prepare, name); }
    std::string commit(const std::string& name) { return answered(core::XaCall::Kind::commit, name); }
    std::string rollback(const std::string& name) { return answered(core::XaCall::Kind::rollback, name); }

    Controller controller;

private:
    Broker& broker_;
};

}  // namespace giromq::test
