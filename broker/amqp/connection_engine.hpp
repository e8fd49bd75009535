#pragma once

#include <proton/connection_driver.h>
#include <proton/terminus.h>

#include <deque>
#include <memory>
#include <optional>
#include <string>
#include <vector>

#include "amqp/connection.hpp"
#include "amqp/coordinator_link.hpp"
#include "amqp/core_session.hpp"
#include "amqp/frame_guard.hpp"
#include "amqp/link.hpp"
#include "amqp/mailbox.hpp"
#include "amqp/proton_values.hpp"
#include "amqp/receiver_link.hpp"
#include "amqp/sasl_server.hpp"
#include "amqp/sender_link.hpp"

namespace giromq::amqp {

/// The connection over the Qpid Proton C engine: bytes go through the guard into the engine, its events come to one handler each,
/// and what they ask of the core goes there as one task per call. Split over connection_engine.cpp (bytes), connection_ends.cpp (time and
/// ends), connection_events.cpp (the engine's events, connection and sessions) and connection_links.cpp (links and news from the core).
/// Threads: as Connection; on_mail() runs on the same executor.
class ConnectionEngine final : public Connection, public MailReader {
public:
    ConnectionEngine(ConnectionId id, const Services& services, ConnectionSettings settings, Peer peer, Executor& self, Executor& workers,
                     ConnectionHost& host);
    ~ConnectionEngine() override;

    /// Once, when a shared_ptr holds it.
    void start();

    std::span<std::uint8_t> input_buffer() override;
    void input_done(std::size_t bytes) override;
    void input_closed() override;
    std::span<const std::uint8_t> output() override;
    void output_done(std::size_t bytes) override;
    bool finished() const override;
    bool is_ending() const override { return close_deadline_.has_value(); }
    MonotonicTime tick(MonotonicTime now) override;
    void close(std::string condition, std::string description) override;
    void abort() override;
    View view() const override;
    bool may_be_of(std::string_view user) const override;
    void review_permissions() override;

    void on_mail() override;

private:
    /// A place for a link; its generation counts the links that were in it.
    struct Slot {
        std::unique_ptr<Link> link;
        std::uint32_t generation = 0;
        bool listed = false;  // in pending_senders_
    };

    std::vector<SessionView> session_views() const;

    // Bytes
    void process_input();
    /// One step of the guard; false if nothing more can be done with what has come.
    bool process_step(std::size_t& offset);
    void feed(std::span<const std::uint8_t> bytes);
    bool wants_input() const;
    bool is_steady() const { return open_ && !close_deadline_; }
    std::uint64_t buffered_max() const { return 4 * settings_.session_window_bytes; }
    /// Takes out what the engine has to say; true if that has changed anything that it may have more to say about.
    bool drain_engine();
    bool free_ended();
    void send_pending();
    std::size_t unwritten_bytes() const;
    /// What the engine holds of the session's deliveries.
    std::size_t outgoing_bytes(pn_session_t* session) const;
    /// After every call: what came up for the core goes there.
    void finish_call();

    // Ends
    void refuse_header();
    void fail(std::string_view condition, const std::string& description);
    void hang_up() { hung_up_ = true; }
    /// The peer had its time: what is still to be said is dropped.
    void cut();
    MonotonicTime tick_engine(MonotonicTime now);
    void end_in_core(core::CloseReason reason);

    // Authentication
    void look_at_sasl();
    /// The peer has left out SASL, where that is allowed.
    void enter_without_login();
    void verify_password();

    // Events of the engine
    /// True if any was of interest.
    bool process_events();
    bool handle(pn_event_t* event);
    void on_connection_open();
    void refuse_user();
    void refuse_container(const std::string& container);
    void on_connection_close();
    void on_transport_error();
    void on_session_open(pn_session_t* session);
    void on_session_close(pn_session_t* session);
    void on_link_open(pn_link_t* link);
    void on_link_end(pn_link_t* link, bool closed);
    void on_link_flow(pn_link_t* link);
    void on_delivery(pn_delivery_t* delivery);

    // Links
    /// The peer attaches the name of this link again: to the engine it is detached first (AMQP 1.0 §2.6.1).
    void detach_stolen(WireLink link);
    void attach_producer(pn_link_t* link);
    void attach_coordinator(pn_link_t* link);
    void attach_consumer(pn_link_t* link);
    std::optional<Refusal> refuse_topic(pn_terminus_t* terminus) const;
    Result<selector::ProgramPtr> selector_of(const FilterSet& filters);
    bool may(security::Action action, const std::string& address) const;
    /// The first of them that the user may not do; nothing if it may do all.
    std::optional<security::Action> missing_right(const std::vector<security::Action>& actions, const std::string& address) const;
    void refuse_attach(pn_link_t* link, const Refusal& refusal);
    void detach(Link& link, const Refusal& refusal);
    void detach_if_violated(Link& link);
    /// True if the link has to stay a little longer for the outcomes it owes.
    bool must_linger(const Link& link) const;
    void finish_leaving(Link& link);
    Slot& take_slot(LinkId& id);
    Link* find(LinkId id);
    void remove(Link& link);

    // News of the core
    void on_news(news::Attached& attached);
    void on_news(news::Sent& sent);
    void on_news(news::Window& window);
    void on_news(news::Delivered& delivered);
    void on_news(news::Drained& drained);
    void on_news(news::Settled& settled);
    void on_news(news::Returned& returned);
    void on_news(news::Declared& declared);
    void on_news(news::Discharged& discharged);
    void on_news(news::XaAnswered& answered);
    void on_news(news::Ended& ended);
    void on_news(news::ChunkStored& stored);
    void on_news(news::ChunkRead& read);
    void on_news(news::PasswordVerified& verified);
    ReceiverLink* find_receiver(LinkId id);
    SenderLink* find_sender(LinkId id);
    CoordinatorLink* find_coordinator(LinkId id);
    bool has_partial(TransactionId transaction) const;
    /// The link has something to send.
    void list_sender(LinkId id);

    const ConnectionId id_;
    const Services services_;
    const ConnectionSettings settings_;
    const Peer peer_;
    Executor& workers_;
    ConnectionHost& host_;
    const MonotonicTime created_at_;

    SaslServer sasl_;  // outlives the transport
    mutable pn_connection_driver_t driver_{};
    FrameGuard guard_;
    std::shared_ptr<Mailbox> mailbox_;
    std::shared_ptr<CoreSession> core_session_;
    LinkContext context_;

    std::vector<std::uint8_t> input_;
    std::size_t input_used_ = 0;
    std::size_t input_wanted_ = 0;
    std::uint32_t small_reads_ = 0;  // in a row
    /// Bytes taken out of the engine and not written yet. They stay where they are until they are written, so that output() may be
    /// in the hands of the socket while input is handled.
    std::vector<std::uint8_t> output_;
    std::size_t output_written_ = 0;
    bool is_told_ = false;  // all that the engine and the links had to say is in output_, and nothing has happened since
    std::vector<News> mail_;

    std::vector<Slot> slots_;
    std::vector<std::uint32_t> free_slots_;
    std::uint32_t consumers_ = 0;
    std::uint32_t producers_ = 0;
    std::vector<pn_session_t*> sessions_;
    /// Ended, and freed when everything is out that there is to say about them: a session freed earlier would settle its deliveries
    /// towards the peer, and a link would lose the outcomes of its own.
    std::vector<pn_session_t*> ended_sessions_;
    std::vector<pn_link_t*> ended_links_;
    std::deque<LinkId> pending_senders_;
    WireLink attaching_;        // the attach that the engine has just been given
    bool is_stealing_ = false;  // the link that ends is being stolen

    std::string container_;
    bool container_claimed_ = false;
    bool is_of_user_ = false;  // counted
    bool open_ = false;        // the peer's open has come
    bool login_logged_ = false;
    bool ended_in_core_ = false;
    bool hung_up_ = false;  // nothing more is read, and nothing written but what the engine has to say
    bool is_cut_ = false;   // nor that
    bool aborted_ = false;
    bool was_paused_ = false;                      // reading was held back since the last tick
    std::string_view last_words_;                  // a protocol header to be written before hanging up
    std::optional<MonotonicTime> close_deadline_;  // once it is ending
};

}  // namespace giromq::amqp
