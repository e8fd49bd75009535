#include <cstdlib>
#include <random>
#include <sstream>

#include "unit/amqp/branch_manager.hpp"
#include "unit/xa/spec_model.hpp"

namespace giromq::test {
namespace {

using xa::Flags;
using xa::test::SpecModel;

constexpr unsigned sessions = 4;  // control links, two on each connection
constexpr unsigned xids = 3;
constexpr int messages_at_first = 12;

std::string gtrid_of(unsigned xid) { return "x" + std::to_string(xid); }
std::string joined(const std::vector<std::string>& all) {
    std::string text;
    for (const auto& one : all) text += (text.empty() ? "" : " ") + one;
    return text;
}

/// Two connections drive branches by calls of XA in any order, and the model from the tables of the specification is asked beside the
/// broker: the answers are the same, and so is, in the end, what is in the queues.
class Walk {
public:
    explicit Walk(std::uint32_t seed) : random_(seed), broker_(quiet()) {
        for (unsigned connection = 0; connection < 2; ++connection) connect(connection);
        for (int number = 1; number <= messages_at_first; ++number) {
            waiting_.push_back("m" + std::to_string(number));
            clients_[0]->send(clients_[0]->sender("in"), durable_text(waiting_.back()));
        }
        for (auto& receiver : receivers_) give_credit(receiver);
    }

    void step() {
        const unsigned choice = below(100);
        const unsigned session = 1 + below(sessions);
        const unsigned xid = 1 + below(xids);
        if (choice < 10) {
            course(session, xid);
        } else if (choice < 26) {
            start(session, xid, pick({0, 0, xa::tm::join, xa::tm::resume}));
        } else if (choice < 40) {
            work(session, xid);
        } else if (choice < 56) {
            end(session, xid, pick({xa::tm::success, xa::tm::success, xa::tm::fail, xa::tm::suspend, xa::tm::suspend | xa::tm::migrate}));
        } else if (choice < 82) {
            complete(session, xid);
        } else if (choice < 88) {
            hold_store();
        } else if (choice < 93) {
            recover(session);
        } else if (choice < 96) {
            lose(session);
        } else if (choice < 97) {
            lose_connection(below(2));
        } else {
            advance();
        }
        if (held_ > 0 && --held_ == 0) release_store();
        forget_old_ids();
    }

    /// Everything is decided, and the queues hold what they should.
    void finish() {
        release_store();
        for (unsigned connection = 0; connection < 2; ++connection) lose_connection(connection);
        for (unsigned xid = 1; xid <= xids; ++xid) manager(1).rollback(gtrid_of(xid));
        clients_.clear();
        Client reader(broker_);
        reader.receiver("out", 1000);
        same("the messages that were put", joined(expected_), reader.texts());
        reader.peer.take_received();
        reader.receiver("in", 1000);
        same("the messages that were not got", joined(waiting_), reader.texts());
    }

    std::string history() const { return history_.str(); }

private:
    struct Receiver {
        unsigned connection = 0;
        pn_link_t* link = nullptr;
    };
    struct Asked {
        unsigned session = 0;
        pn_delivery_t* delivery = nullptr;
    };

    static core::CoreSettings quiet() {
        core::CoreSettings settings;
        settings.in_doubt_alarm = {};
        return settings;
    }
    unsigned below(unsigned limit) { return static_cast<unsigned>(random_() % limit); }
    Flags pick(std::initializer_list<Flags> from) { return *(from.begin() + below(static_cast<unsigned>(from.size()))); }
    static unsigned connection_of(unsigned session) { return (session - 1) / 2; }
    Client& client(unsigned session) { return *clients_.at(connection_of(session)); }
    BranchManager& manager(unsigned session) { return *managers_.at(session - 1); }
    void pump() {
        for (auto& one : clients_) one->pump();
    }

    void note(const std::string& step) { history_ << "\n  " << step; }
    void same(const std::string& what, const std::string& expected, const std::string& found) {
        if (expected == found) return;
        CPPUNIT_FAIL(what + ": expected '" + expected + "', found '" + found + "', after:" + history());
    }
    void same(const std::string& what, xa::ReturnCode expected, const std::string& found) {
        same(what, std::string(xa::name_of(expected)), found);
    }

    // Connections and links

    void connect(unsigned connection) {
        auto made = std::make_unique<Client>(broker_);
        if (connection < clients_.size()) {
            clients_[connection] = std::move(made);
        } else {
            clients_.push_back(std::move(made));
            managers_.resize(2 * clients_.size());
            senders_.push_back(nullptr);
            receivers_.push_back({connection, nullptr});
        }
        Client& here = *clients_[connection];
        senders_[connection] = here.sender("out");
        receivers_[connection].link = here.receiver("in", 0);
        for (const unsigned session : {2 * connection + 1, 2 * connection + 2}) {
            managers_[session - 1] = std::make_unique<BranchManager>(here);
        }
    }
    void give_credit(Receiver& receiver) {
        pn_link_flow(receiver.link, 1);
        clients_[receiver.connection]->pump();
    }
    void lose_in_model(unsigned session) {
        std::erase_if(asked_, [&](const auto& call) { return call.second.session == session; });
        std::erase_if(ids_, [&](const auto& id) { return id.first.first == session; });
        model_.lose(session);
    }
    void lose(unsigned session) {
        note("lose session " + std::to_string(session));
        lose_in_model(session);
        pn_link_close(manager(session).controller.link);
        pump();
        managers_[session - 1] = std::make_unique<BranchManager>(client(session));
        compare();
    }
    void lose_connection(unsigned connection) {
        note("lose connection " + std::to_string(connection));
        for (const unsigned session : {2 * connection + 1, 2 * connection + 2}) {
            lose_in_model(session);
            managers_[session - 1].reset();
        }
        clients_[connection] = nullptr;
        connect(connection);
        give_credit(receivers_[connection]);
        pump();
        compare();
    }

    // Calls

    std::string* id(unsigned session, unsigned xid) {
        const auto found = ids_.find({session, xid});
        return found == ids_.end() ? nullptr : &found->second;
    }

    void start(unsigned session, unsigned xid, Flags flags) {
        note("start session " + std::to_string(session) + " xid " + std::to_string(xid) + ' ' + xa::to_text(flags));
        const char* const mode = flags == xa::tm::join ? "join" : flags == xa::tm::resume ? "resume" : "new";
        const auto expected = model_.start(session, xid, flags);
        same("start", expected, manager(session).start(gtrid_of(xid), mode));
        if (expected == xa::ReturnCode::ok) ids_[{session, xid}] = manager(session).transaction;
        compare();
    }

    void end(unsigned session, unsigned xid, Flags flags) {
        note("end session " + std::to_string(session) + " xid " + std::to_string(xid) + ' ' + xa::to_text(flags));
        const auto* const known = id(session, xid);
        const std::string of = known == nullptr ? "unknown!" : *known;
        const bool suspends = (flags & xa::tm::suspend) != 0;
        const auto expected = known == nullptr ? xa::ReturnCode::er_nota : model_.end(session, xid, flags);
        const auto call = suspends ? BranchManager::suspend_call(of, (flags & xa::tm::migrate) != 0)
                                   : Controller::discharge_call(of, flags == xa::tm::fail);
        same("end", expected, manager(session).asked(call));
        compare();
    }

    void work(unsigned session, unsigned xid) {
        const auto* const known = id(session, xid);
        if (known == nullptr) return;
        const auto expected = model_.work(session, xid);
        if (expected != xa::ReturnCode::ok && !xa::is_rollback(expected)) return;
        manager(session).transaction = *known;
        auto& received = client(session).peer.received;
        if (below(2) == 0 && !received.empty() && expected == xa::ReturnCode::ok) return get(session, xid);
        const auto text = "p" + std::to_string(++put_);
        note("put " + text + " session " + std::to_string(session) + " xid " + std::to_string(xid));
        const auto state = pn_delivery_remote_state(manager(session).put(senders_[connection_of(session)], text));
        same("put", expected == xa::ReturnCode::ok ? "taken" : "refused", state == 0x34 ? "taken" : "refused");
        if (expected == xa::ReturnCode::ok) puts_[xid].push_back(text);
    }

    void get(unsigned session, unsigned xid) {
        const auto taken = client(session).peer.take_received().front();
        const auto text = text_of(taken.bytes);
        note("get " + text + " session " + std::to_string(session) + " xid " + std::to_string(xid));
        manager(session).controller.get(manager(session).transaction, taken, PN_ACCEPTED, true);
        gets_[xid].push_back(text);
        give_credit(receivers_[connection_of(session)]);
    }

    void course(unsigned session, unsigned xid) {
        start(session, xid, xa::tm::no_flags);
        work(session, xid);
        work(session, xid);
        end(session, xid, xa::tm::success);
        ask(session, xid, "prepare", xa::tm::no_flags);
    }

    void complete(unsigned session, unsigned xid) {
        const unsigned choice = below(20);
        if (choice < 6) {
            ask(session, xid, "prepare", xa::tm::no_flags);
        } else if (choice < 12) {
            ask(session, xid, "commit", pick({0, 0, xa::tm::one_phase, xa::tm::no_wait}));
        } else if (choice < 16) {
            ask(session, xid, "rollback", xa::tm::no_flags);
        } else if (choice < 18) {
            ask(session, xid, "forget", xa::tm::no_flags);
        } else {
            resolve(xid, choice == 18);
        }
    }

    void ask(unsigned session, unsigned xid, const std::string& verb, Flags flags) {
        note(verb + " session " + std::to_string(session) + " xid " + std::to_string(xid) + ' ' + xa::to_text(flags));
        const auto gtrid = gtrid_of(xid);
        const auto call = verb == "commit"
                              ? BranchManager::commit_call(gtrid, (flags & xa::tm::one_phase) != 0, (flags & xa::tm::no_wait) != 0)
                              : BranchManager::xid_call("giromq:xa-" + verb + ":list", gtrid);
        const auto number = ++calls_;
        asked_[number] = {session, client(session).peer.send(manager(session).controller.link, call)};
        model_.complete({verb, session, xid, flags, number});
        if (held_ == 0) settle_model();
        pump();
        compare();
    }

    void resolve(unsigned xid, bool commits) {
        note(std::string("an administrator's ") + (commits ? "commit" : "rollback") + " of xid " + std::to_string(xid));
        model_.complete({commits ? "resolve_commit" : "resolve_rollback", 0, xid, 0, ++calls_});
        const auto named = xa::Xid::make(131077, gtrid_of(xid), "b").value();
        broker_.core->xa_resolve(named, commits ? xa::Outcome::committed : xa::Outcome::rolled_back, {"anna", "a test"},
                                 [](xa::ReturnCode) {});
        if (held_ == 0) settle_model();
        pump();
        compare();
    }

    void recover(unsigned session) {
        std::vector<std::string> expected;
        for (const unsigned xid : model_.in_doubt()) {
            const bool is_heuristic = model_.describe(xid).find(" heuristic ") != std::string::npos;
            expected.push_back(gtrid_of(xid) + (is_heuristic ? ":heuristic" : ""));
        }
        same("recover", joined(expected), manager(session).recover());
    }

    // The store, and time

    void hold_store() {
        if (held_ > 0) return;
        note("the store is held");
        held_ = 2 + below(6);
        broker_.commits = false;
    }
    void release_store() {
        held_ = 0;
        if (broker_.commits) return;
        note("the store goes on");
        broker_.commits = true;
        settle_model();
        pump();
        compare();
    }
    void settle_model() {
        while (model_.waiting_records() > 0) {
            model_.durable(true);
            apply_outcomes();
        }
    }
    void advance() {
        constexpr std::int64_t times[] = {1'000, 2'000, SpecModel::timeout_ms / 2, SpecModel::timeout_ms, SpecModel::doomed_ms};
        const auto ms = times[below(5)];
        note("advance " + std::to_string(ms) + " ms");
        model_.advance(ms);
        broker_.clock.advance(std::chrono::milliseconds(ms));
        broker_.core->tick();
        pump();
        compare();
    }

    // Comparison

    /// What a branch has done counts when its tombstone or the decision about it is there.
    void apply_outcomes() {
        for (unsigned xid = 1; xid <= xids; ++xid) {
            const auto state = model_.describe(xid);
            const auto has = [&](const char* what) { return state.find(what) != std::string::npos; };
            const bool committed = has("tombstone committed") || has("heuristic XA_HEURCOM");
            if (committed) {
                expected_.insert(expected_.end(), puts_[xid].begin(), puts_[xid].end());
                for (const auto& text : gets_[xid]) std::erase(waiting_, text);
            }
            if (committed || has("tombstone rolled back") || has("heuristic XA_HEURRB") || state.starts_with("S0")) undo(xid);
        }
    }
    void undo(unsigned xid) {
        puts_[xid].clear();
        gets_[xid].clear();
    }

    void compare() {
        apply_outcomes();
        for (const auto& event : model_.take_events()) {
            std::istringstream words(event);
            std::string what, code;
            std::uint64_t number = 0;
            words >> what >> number >> code;
            if (what == "discard") undo(static_cast<unsigned>(number));
            const auto call = asked_.find(number);
            if (what != "answer" || call == asked_.end()) continue;
            same("the answer to call " + std::to_string(number), code, BranchManager::answer_of(call->second.delivery));
            asked_.erase(call);
        }
        for (const auto& [number, call] : asked_) {
            same("the answer to call " + std::to_string(number), "none", BranchManager::answer_of(call.delivery));
        }
    }

    /// Ids of associations that have ended, or have moved to another link.
    void forget_old_ids() {
        std::erase_if(ids_, [&](const auto& id) {
            const auto state = model_.describe(id.first.second);
            const auto of = " of " + std::to_string(id.first.first) + " ";
            return state.find(of) == std::string::npos;
        });
    }

    std::mt19937 random_;
    Broker broker_;
    SpecModel model_;
    std::vector<std::unique_ptr<Client>> clients_;
    std::vector<std::unique_ptr<BranchManager>> managers_;
    std::vector<pn_link_t*> senders_;
    std::vector<Receiver> receivers_;
    std::map<std::pair<unsigned, unsigned>, std::string> ids_;  // of associations, by session and XID
    std::map<std::uint64_t, Asked> asked_;
    std::map<unsigned, std::vector<std::string>> puts_, gets_;
    std::vector<std::string> expected_, waiting_;
    std::uint64_t calls_ = 0;
    unsigned put_ = 0;
    unsigned held_ = 0;
    std::ostringstream history_;
};

std::uint32_t first_seed() {
    const char* const given = std::getenv("GIROMQ_TEST_SEED");
    return given != nullptr ? static_cast<std::uint32_t>(std::strtoul(given, nullptr, 10)) : std::random_device{}();
}

bool is_long_run() {
    const char* const given = std::getenv("GIROMQ_TEST_LONG");
    return given != nullptr && std::string(given) == "1";
}

}  // namespace

class AmqpBranchSequencesTest : public CppUnit::TestFixture {
    CPPUNIT_TEST_SUITE(AmqpBranchSequencesTest);
    CPPUNIT_TEST(random_calls_over_two_connections_are_answered_as_the_model_says);
    CPPUNIT_TEST_SUITE_END();

    void random_calls_over_two_connections_are_answered_as_the_model_says() {
        const auto first = first_seed();
        const std::uint32_t walks = is_long_run() ? 10'000 : 150;
        for (std::uint32_t seed = first; seed != first + walks; ++seed) {
            Walk walk(seed);
            try {
                for (int step = 0; step < 100; ++step) walk.step();
                walk.finish();
            } catch (const CppUnit::Exception& failure) {
                CPPUNIT_FAIL("GIROMQ_TEST_SEED=" + std::to_string(seed) + ": " + failure.what());
            }
        }
    }
};

CPPUNIT_TEST_SUITE_REGISTRATION(AmqpBranchSequencesTest);

}  // namespace giromq::test
