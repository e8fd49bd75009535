package giromq.jms;

import java.util.ArrayList;
import java.util.Collections;
import java.util.List;
import javax.jms.Connection;
import javax.jms.IllegalStateException;
import javax.jms.InvalidClientIDException;
import javax.jms.JMSException;
import javax.jms.MessageConsumer;
import javax.jms.MessageProducer;
import javax.jms.Session;
import javax.jms.TextMessage;

/** Connections: starting, stopping, closing, client identifiers. */
final class ConnectionTest extends JmsTest {
    @Case
    public void nothing_is_delivered_before_the_connection_is_started() throws Exception {
        send("a");
        Connection connection = closing(factory("").createConnection());
        Session session = session(connection);
        MessageConsumer consumer = session.createConsumer(queue(session));
        equal(null, consumer.receive(300));
        equal(null, consumer.receiveNoWait());
        connection.start();
        equal("a", text(next(consumer)));
    }

    @Case
    public void stop_pauses_a_listener_and_start_lets_it_go_on_in_order() throws Exception {
        Connection connection = connect("jms.prefetchPolicy.all=10");
        Session session = session(connection);
        List<String> seen = Collections.synchronizedList(new ArrayList<>());
        session.createConsumer(queue(session)).setMessageListener(message -> {
            try {
                seen.add(text(message));
            } catch (JMSException failure) {
                seen.add(failure.toString());
            }
        });
        send("0", "1", "2");
        until(() -> seen.size() == 3, "three messages are seen");
        connection.stop();
        send(queueName, numbers(3, 40));
        Thread.sleep(300);
        equal(3, seen.size());
        connection.start();
        until(() -> seen.size() == 40, "all messages are seen");
        equal(numbers(0, 40), seen);
    }

    @Case
    public void receive_waits_while_the_connection_is_stopped() throws Exception {
        Connection connection = connect();
        Session session = session(connection);
        MessageConsumer consumer = session.createConsumer(queue(session));
        connection.stop();
        send("a");
        equal(null, consumer.receive(300));
        connection.start();
        equal("a", text(next(consumer)));
    }

    @Case
    public void close_may_be_repeated_and_ends_everything_of_the_connection() throws Exception {
        Connection connection = connect();
        Session session = session(connection);
        MessageProducer producer = session.createProducer(queue(session));
        MessageConsumer consumer = session.createConsumer(queue(session));
        connection.close();
        connection.close();
        refused(IllegalStateException.class, () -> session.createTextMessage("x"));
        refused(IllegalStateException.class, () -> producer.send(null));
        refused(IllegalStateException.class, consumer::receiveNoWait);
        refused(IllegalStateException.class, () -> connection.createSession(false, Session.AUTO_ACKNOWLEDGE));
        send("still there");
        equal(List.of("still there"), takeAll());
    }

    @Case
    public void close_ends_a_receive_that_waits() throws Exception {
        Connection connection = connect();
        Session session = session(connection);
        MessageConsumer consumer = session.createConsumer(queue(session));
        List<Object> outcome = Collections.synchronizedList(new ArrayList<>());
        Thread waiting = new Thread(() -> {
            try {
                outcome.add(String.valueOf(consumer.receive()));
            } catch (JMSException thrown) {
                outcome.add(thrown);
            }
        });
        waiting.start();
        Thread.sleep(100);
        connection.close();
        waiting.join(20000);
        equal(List.of("null"), outcome);
    }

    @Case
    public void a_client_identifier_belongs_to_one_connection_at_a_time() throws Exception {
        Connection first = connect("jms.clientID=bank");
        equal("bank", first.getClientID());
        refused(InvalidClientIDException.class, () -> connect("jms.clientID=bank"));
        works(first, queueName);
        first.close();
        works(connect("jms.clientID=bank"), queueName);
    }

    @Case
    public void a_client_identifier_is_set_before_anything_else_or_not_at_all() throws Exception {
        Connection early = closing(factory("").createConnection());
        early.setClientID("early");
        works(early, queueName);
        refused(IllegalStateException.class, () -> early.setClientID("late"));
        Connection other = closing(factory("").createConnection());
        refused(InvalidClientIDException.class, () -> other.setClientID("early"));
    }

    @Case
    public void a_connection_has_many_sessions_producers_and_consumers() throws Exception {
        Connection connection = connect("jms.prefetchPolicy.all=1");
        List<Session> sessions = new ArrayList<>();
        for (int index = 0; index < 100; index++) {
            Session session = session(connection);
            sessions.add(session);
            MessageProducer producer = session.createProducer(session.createQueue(queueName + index));
            TextMessage message = session.createTextMessage("to " + index);
            producer.send(message);
            session.createProducer(session.createQueue(queueName + index + ".idle"));
        }
        for (int index = 0; index < 100; index++) {
            Session session = sessions.get(index);
            equal("to " + index, text(next(session.createConsumer(session.createQueue(queueName + index)))));
        }
        for (Session session : sessions) session.close();
        works(connection, queueName);
    }

    /** As many as a pool of sessions takes by default, and some: the client does not look at the broker's limit, and would be cut off. */
    @Case
    public void a_pool_of_sessions_fits_into_one_connection() throws Exception {
        Connection connection = connect();
        for (int number = 0; number < 600; number++) session(connection);
        works(connection, queueName);
    }

    @Case
    public void sessions_are_opened_and_closed_again_and_again() throws Exception {
        Connection connection = connect();
        for (int round = 0; round < 600; round++) {
            Session session = session(connection);
            session.createProducer(queue(session)).send(session.createTextMessage("round " + round));
            equal("round " + round, text(next(session.createConsumer(queue(session)))));
            session.close();
        }
    }

    @Case
    public void the_provider_says_what_it_is() throws Exception {
        Connection connection = connect();
        equal("2.0", connection.getMetaData().getJMSVersion());
        List<String> names = names(connection.getMetaData().getJMSXPropertyNames());
        check(names.containsAll(List.of("JMSXGroupID", "JMSXGroupSeq", "JMSXDeliveryCount")), "names are " + names);
    }
}
