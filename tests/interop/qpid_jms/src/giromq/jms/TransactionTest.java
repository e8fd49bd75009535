package giromq.jms;

import java.util.List;
import javax.jms.Connection;
import javax.jms.JMSContext;
import javax.jms.Message;
import javax.jms.MessageConsumer;
import javax.jms.MessageProducer;
import javax.jms.Queue;
import javax.jms.Session;
import javax.jms.TransactionRolledBackException;

/** SESSION_TRANSACTED: what is sent and received between two commits is done together, or not at all. */
final class TransactionTest extends JmsTest {
    private static Session transacted(Connection connection) throws Exception {
        return connection.createSession(true, Session.SESSION_TRANSACTED);
    }

    @Case
    public void what_is_sent_is_there_after_the_commit() throws Exception {
        Session session = transacted(connect());
        MessageProducer producer = session.createProducer(queue(session));
        for (String text : numbers(0, 20)) producer.send(session.createTextMessage(text));
        equal(List.of(), takeAll());
        session.commit();
        equal(numbers(0, 20), takeAll());
    }

    @Case
    public void what_is_sent_and_rolled_back_is_never_there() throws Exception {
        Session session = transacted(connect());
        MessageProducer producer = session.createProducer(queue(session));
        producer.send(session.createTextMessage("never"));
        session.rollback();
        producer.send(session.createTextMessage("then"));
        session.commit();
        equal(List.of("then"), takeAll());
    }

    @Case
    public void what_is_received_and_rolled_back_comes_again_in_order_and_counted() throws Exception {
        send("a", "b", "c");
        Session session = transacted(connect());
        MessageConsumer consumer = session.createConsumer(queue(session));
        equal(List.of("a", "b"), receive(consumer, 2));
        session.rollback();
        Message first = next(consumer);
        equal("a", text(first));
        equal(2, first.getIntProperty("JMSXDeliveryCount"));
        check(first.getJMSRedelivered(), "a is redelivered");
        equal(List.of("b", "c"), receive(consumer, 2));
        session.commit();
        session.close();
        equal(List.of(), takeAll());
    }

    @Case
    public void receiving_and_sending_are_one_transaction() throws Exception {
        send(numbers(0, 10).toArray(new String[0]));
        Connection connection = connect();
        Session session = transacted(connection);
        Queue to = session.createQueue(queueName + ".to");
        MessageConsumer consumer = session.createConsumer(queue(session));
        MessageProducer producer = session.createProducer(to);
        for (int number = 0; number < 10; number++) {
            producer.send(session.createTextMessage(text(next(consumer))));
            if (number % 2 == 1) session.commit();
        }
        session.close();
        equal(List.of(), takeAll());
        equal(numbers(0, 10), takeAll(queueName + ".to"));
    }

    @Case
    public void a_message_that_is_rolled_back_ten_times_is_a_dead_letter() throws Exception {
        takeAll("DLQ");
        send("bad", "good");
        Session session = transacted(connect());
        MessageConsumer consumer = session.createConsumer(queue(session));
        for (int delivery = 1; delivery <= 10; delivery++) {
            Message message = next(consumer);
            equal("bad", text(message));
            equal(delivery, message.getIntProperty("JMSXDeliveryCount"));
            session.rollback();
        }
        equal("good", text(next(consumer)));
        session.commit();
        equal(List.of("bad"), takeAll("DLQ"));
    }

    @Case
    public void closing_the_session_rolls_back() throws Exception {
        send("a");
        Connection connection = connect();
        Session session = transacted(connection);
        equal("a", text(next(session.createConsumer(queue(session)))));
        session.createProducer(queue(session)).send(session.createTextMessage("never"));
        session.close();
        equal(List.of("a"), takeAll());
    }

    @Case
    public void a_context_is_transacted_too() throws Exception {
        send("a");
        try (JMSContext context = factory("").createContext(JMSContext.SESSION_TRANSACTED)) {
            Queue queue = context.createQueue(queueName);
            equal("a", context.createConsumer(queue).receiveBody(String.class, 20000));
            context.createProducer().send(context.createQueue(queueName + ".to"), "b");
            context.commit();
        }
        equal(List.of(), takeAll());
        equal(List.of("b"), takeAll(queueName + ".to"));
    }

    @Case
    public void sessions_of_one_connection_have_transactions_of_their_own() throws Exception {
        Connection connection = connect();
        Session first = transacted(connection);
        Session second = transacted(connection);
        first.createProducer(queue(first)).send(first.createTextMessage("first"));
        second.createProducer(queue(second)).send(second.createTextMessage("second"));
        second.rollback();
        first.commit();
        equal(List.of("first"), takeAll());
    }

    @Case
    public void a_commit_after_a_kill_of_the_broker_is_refused() throws Exception {
        send("a");
        Connection connection =
            closing(new org.apache.qpid.jms.JmsConnectionFactory("failover:(" + broker().uri() + ")").createConnection());
        connection.start();
        Session session = transacted(connection);
        equal("a", text(next(session.createConsumer(queue(session)))));
        session.createProducer(queue(session)).send(session.createTextMessage("never"));
        broker().restart();
        refused(TransactionRolledBackException.class, session::commit);
        session.close();
        equal(List.of("a"), takeAll());
    }
}
