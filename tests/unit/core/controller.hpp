#pragma once

#include <memory>
#include <optional>
#include <string>
#include <vector>

#include "unit/core/broker.hpp"

namespace giromq::test {

/// A connection that declares transactions over one control link.
class Controller final : public core::ControlPort {
public:
    explicit Controller(Broker& broker) : connection(broker.new_connection()), broker_(broker) {
        control = broker.core->open_control(connection, this);
    }

    void ended(const Error& reason) override { end_reason = reason; }

    TransactionId declare() {
        const auto declared = broker_.core->declare(control);
        CPPUNIT_ASSERT_MESSAGE("the declare was refused", declared.ok());
        return *declared;
    }
    SendAnswerPtr put(TransactionId transaction, DestinationId queue, const std::string& text, SendOptions options = {}) {
        options.transaction = transaction;
        options.connection = connection;
        return broker_.stage(queue, text, std::move(options));
    }
    /// A consumer of this connection that has what its credit allows.
    Taker& take(DestinationId queue, std::uint64_t credit) {
        Taker& taker = broker_.take_with(connection, queue, credit);
        broker_.doors->run();
        return taker;
    }
    Answer<void>& get(TransactionId transaction, Taker& taker, const std::string& text, Outcome outcome = Accepted{}) {
        return enlist(transaction, taker, text, std::move(outcome), true);
    }
    Answer<void>& get_unsettled(TransactionId transaction, Taker& taker, const std::string& text, Outcome outcome = Accepted{}) {
        return enlist(transaction, taker, text, std::move(outcome), false);
    }
    /// Nothing that follows has happened yet.
    Answer<void>& discharge(TransactionId transaction, bool fail) {
        answers_.push_back(std::make_unique<Answer<void>>());
        broker_.core->discharge(connection, transaction, fail, answers_.back()->callback());
        return *answers_.back();
    }
    Answer<void>& commit(TransactionId transaction) {
        auto& answer = discharge(transaction, false);
        broker_.doors->run();
        return answer;
    }
    Answer<void>& roll_back(TransactionId transaction) {
        auto& answer = discharge(transaction, true);
        broker_.doors->run();
        return answer;
    }
    bool is_refused(TransactionId transaction, core::errc code) {
        const auto& answer = commit(transaction);
        return answer.given() && !answer.ok() && answer.result->error().is(code);
    }

    ConnectionId connection;
    ControlId control;
    std::optional<Error> end_reason;
    std::optional<Result<void>> enlisted;  // the last answer of enlist()

private:
    Answer<void>& enlist(TransactionId transaction, Taker& taker, const std::string& text, Outcome outcome, bool settled) {
        answers_.push_back(std::make_unique<Answer<void>>());
        core::EnlistCommand command;
        command.connection = connection;
        command.transaction = transaction;
        command.consumer = taker.id;
        command.position = taker.delivery(text).position;
        command.outcome = std::move(outcome);
        command.settled = settled;
        if (!settled) command.done = answers_.back()->callback();
        enlisted = broker_.core->enlist(std::move(command));
        return *answers_.back();
    }

    Broker& broker_;
    std::vector<std::unique_ptr<Answer<void>>> answers_;
};

}  // namespace giromq::test
