package giromq.jms;

import java.util.List;
import javax.jms.Connection;
import javax.jms.Message;
import javax.jms.MessageConsumer;
import javax.jms.Session;
import javax.jms.TextMessage;

/** Messages that fail: counts, order, the dead-letter queue, and the client's own policy. */
final class RedeliveryTest extends JmsTest {
    private void emptyDeadLetters() throws Exception {
        takeAll("DLQ");
    }

    @Case
    public void the_tenth_failed_delivery_is_the_last() throws Exception {
        emptyDeadLetters();
        Session sending = session();
        TextMessage bad = sending.createTextMessage("bad");
        bad.setStringProperty("end_to_end", "E2E-1");
        bad.setJMSCorrelationID("correlation");
        sending.createProducer(queue(sending)).send(bad);
        send("good");
        Connection connection = connect();
        for (int delivery = 1; delivery <= 10; delivery++) {
            Session session = connection.createSession(false, Session.CLIENT_ACKNOWLEDGE);
            Message message = next(session.createConsumer(queue(session)));
            equal("bad", text(message));
            equal(delivery, message.getIntProperty("JMSXDeliveryCount"));
            equal(delivery > 1, message.getJMSRedelivered());
            session.close();
        }
        equal(List.of("good"), takeAll());
        Session session = session();
        Message dead = next(session.createConsumer(session.createQueue("DLQ")));
        equal("bad", text(dead));
        equal(List.of("E2E-1", "correlation", bad.getJMSMessageID()),
            List.of(dead.getStringProperty("end_to_end"), dead.getJMSCorrelationID(), dead.getJMSMessageID()));
    }

    @Case
    public void counts_survive_a_kill_of_the_broker() throws Exception {
        send("a");
        for (int delivery = 1; delivery <= 3; delivery++) {
            Connection connection = connect();
            Session session = connection.createSession(false, Session.CLIENT_ACKNOWLEDGE);
            Message message = next(session.createConsumer(queue(session)));
            check(message.getIntProperty("JMSXDeliveryCount") >= delivery, "delivery " + delivery + " is counted");
            equal(delivery > 1, message.getJMSRedelivered());
            connection.close();
            // Confirmed after the count is durable: commits keep their order.
            send(queueName + ".after", List.of("x"));
            broker().restart();
        }
        equal(List.of("a"), takeAll());
    }

    @Case
    public void a_rejected_message_goes_to_the_dead_letter_queue() throws Exception {
        emptyDeadLetters();
        send("bad", "good");
        Connection connection = connect("jms.redeliveryPolicy.maxRedeliveries=2&jms.redeliveryPolicy.outcome=REJECTED");
        Session session = connection.createSession(false, Session.CLIENT_ACKNOWLEDGE);
        MessageConsumer consumer = session.createConsumer(queue(session));
        for (int delivery = 1; delivery <= 3; delivery++) {
            equal("bad", text(next(consumer)));
            session.recover();
        }
        equal("good", text(next(consumer)));
        until(() -> broker().numberOf("DLQ", "messages") == 1, "the rejected message is there");
        connection.close();
        equal(List.of("good"), takeAll());
        equal(List.of("bad"), takeAll("DLQ"));
    }

    @Case
    public void a_message_that_a_client_gives_up_is_for_others() throws Exception {
        send("difficult", "easy");
        Connection connection = connect("jms.redeliveryPolicy.maxRedeliveries=1");
        Session session = connection.createSession(false, Session.CLIENT_ACKNOWLEDGE);
        MessageConsumer consumer = session.createConsumer(queue(session));
        for (int delivery = 1; delivery <= 2; delivery++) {
            equal("difficult", text(next(consumer)));
            session.recover();
        }
        Message easy = next(consumer);
        equal("easy", text(easy));
        easy.acknowledge();
        equal(null, consumer.receiveNoWait());
        Session other = session();
        Message message = next(other.createConsumer(queue(other)));
        equal("difficult", text(message));
        equal(true, message.getJMSRedelivered());
    }

    @Case
    public void a_message_that_a_client_accepts_unread_is_gone() throws Exception {
        send("a", "b");
        Connection connection = connect("jms.redeliveryPolicy.maxRedeliveries=0&jms.redeliveryPolicy.outcome=ACCEPTED");
        Session session = connection.createSession(false, Session.CLIENT_ACKNOWLEDGE);
        MessageConsumer consumer = session.createConsumer(queue(session));
        equal("a", text(next(consumer)));
        session.recover();
        equal("b", text(next(consumer)));
        connection.close();
        equal(List.of("b"), takeAll());
    }

    @Case
    public void failed_messages_of_several_consumers_come_back_in_their_places() throws Exception {
        sendNumbers(40);
        Connection connection = connect("jms.prefetchPolicy.all=5");
        Session[] sessions = new Session[4];
        for (int index = 0; index < sessions.length; index++) {
            sessions[index] = connection.createSession(false, Session.CLIENT_ACKNOWLEDGE);
            receive(sessions[index].createConsumer(queue(sessions[index])), 5);
        }
        for (int index = sessions.length - 1; index >= 0; index--) sessions[index].close();
        equal(numbers(0, 40), takeAll());
    }
}
