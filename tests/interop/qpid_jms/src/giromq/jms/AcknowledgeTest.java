package giromq.jms;

import java.util.ArrayList;
import java.util.Collections;
import java.util.List;
import javax.jms.Connection;
import javax.jms.Message;
import javax.jms.MessageConsumer;
import javax.jms.Session;

/** The ways of acknowledging. */
final class AcknowledgeTest extends JmsTest {
    private Session session(int mode) throws Exception {
        return connect("jms.prefetchPolicy.all=20").createSession(false, mode);
    }

    @Case
    public void auto_and_lazy_acknowledgement_take_what_was_received_and_no_more() throws Exception {
        for (int mode : new int[] {Session.AUTO_ACKNOWLEDGE, Session.DUPS_OK_ACKNOWLEDGE}) {
            sendNumbers(30);
            Session session = session(mode);
            equal(numbers(0, 10), receive(session.createConsumer(queue(session)), 10));
            session.close();
            equal(numbers(10, 30), takeAll());
        }
    }

    @Case
    public void a_client_acknowledges_everything_that_its_session_has_received() throws Exception {
        sendNumbers(10);
        send(queueName + ".other", numbers(10, 20));
        Session session = session(Session.CLIENT_ACKNOWLEDGE);
        MessageConsumer consumer = session.createConsumer(queue(session));
        MessageConsumer other = session.createConsumer(session.createQueue(queueName + ".other"));
        receive(consumer, 3);
        receive(other, 3);
        Message last = next(consumer);
        receive(other, 1);
        last.acknowledge();
        receive(consumer, 2);
        session.close();
        equal(numbers(4, 10), takeAll());
        equal(numbers(14, 20), takeAll(queueName + ".other"));
    }

    @Case
    public void what_a_client_has_not_acknowledged_comes_again_marked_and_first() throws Exception {
        sendNumbers(30);
        Session session = session(Session.CLIENT_ACKNOWLEDGE);
        receive(session.createConsumer(queue(session)), 5);
        session.close();
        Session again = session(Session.AUTO_ACKNOWLEDGE);
        MessageConsumer consumer = again.createConsumer(queue(again));
        for (int number = 0; number < 30; number++) {
            Message message = next(consumer);
            equal(Integer.toString(number), text(message));
            equal(number < 5, message.getJMSRedelivered());
            equal(number < 5 ? 2 : 1, message.getIntProperty("JMSXDeliveryCount"));
        }
    }

    @Case
    public void a_consumer_that_was_closed_can_still_be_acknowledged_for() throws Exception {
        sendNumbers(10);
        Session session = session(Session.CLIENT_ACKNOWLEDGE);
        MessageConsumer consumer = session.createConsumer(queue(session));
        receive(consumer, 3);
        Message last = next(consumer);
        consumer.close();
        last.acknowledge();
        equal(numbers(4, 10), takeAll());
    }

    @Case
    public void individual_acknowledgement_takes_just_one() throws Exception {
        sendNumbers(6);
        Session session = session(INDIVIDUAL_ACKNOWLEDGE);
        MessageConsumer consumer = session.createConsumer(queue(session));
        List<Message> messages = new ArrayList<>();
        for (int count = 0; count < 6; count++) messages.add(next(consumer));
        messages.get(4).acknowledge();
        messages.get(1).acknowledge();
        session.close();
        equal(List.of("0", "2", "3", "5"), takeAll());
    }

    @Case
    public void without_acknowledgement_a_message_is_gone_once_it_is_sent() throws Exception {
        sendNumbers(30);
        Session session = connect("jms.prefetchPolicy.all=0").createSession(false, NO_ACKNOWLEDGE);
        MessageConsumer consumer = session.createConsumer(queue(session));
        equal(numbers(0, 10), receive(consumer, 10));
        session.close();
        equal(numbers(10, 30), takeAll());
    }

    @Case
    public void a_client_may_collect_thousands_before_it_acknowledges() throws Exception {
        sendNumbers(5000);
        Connection connection = connect("jms.forceAsyncAcks=true");
        Session session = connection.createSession(false, Session.CLIENT_ACKNOWLEDGE);
        MessageConsumer consumer = session.createConsumer(queue(session));
        List<String> seen = new ArrayList<>();
        Message last = null;
        for (Message message = consumer.receiveNoWait(); message != null; message = consumer.receiveNoWait()) {
            seen.add(text(message));
            last = message;
        }
        equal(numbers(0, 5000), seen);
        last.acknowledge();
        connection.close();
        equal(List.of(), takeAll());
    }

    @Case
    public void recover_starts_again_with_the_oldest_message() throws Exception {
        for (int mode : new int[] {Session.CLIENT_ACKNOWLEDGE, INDIVIDUAL_ACKNOWLEDGE}) {
            sendNumbers(30);
            Session session = session(mode);
            MessageConsumer consumer = session.createConsumer(queue(session));
            receive(consumer, 8);
            session.recover();
            List<Message> again = new ArrayList<>();
            for (int number = 0; number < 30; number++) {
                Message message = next(consumer);
                again.add(message);
                equal(Integer.toString(number), text(message));
                equal(number < 8, message.getJMSRedelivered());
                equal(number < 8 ? 2 : 1, message.getIntProperty("JMSXDeliveryCount"));
            }
            for (Message message : again) message.acknowledge();
            session.close();
            equal(List.of(), takeAll());
        }
    }

    @Case
    public void recover_in_a_listener_starts_again_with_the_oldest_message() throws Exception {
        sendNumbers(10);
        Session session = session(Session.CLIENT_ACKNOWLEDGE);
        List<String> seen = Collections.synchronizedList(new ArrayList<>());
        session.createConsumer(queue(session)).setMessageListener(message -> {
            try {
                seen.add(text(message));
                if (seen.size() == 4) session.recover();
                if (seen.size() == 14) message.acknowledge();
            } catch (Exception failure) {
                seen.add(failure.toString());
            }
        });
        until(() -> seen.size() >= 14, "all are seen");
        session.close();
        List<String> expected = numbers(0, 4);
        expected.addAll(numbers(0, 10));
        equal(expected, seen);
        equal(List.of(), takeAll());
    }

    @Case
    public void a_listener_that_throws_gets_the_message_again() throws Exception {
        sendNumbers(6);
        Session session = session(Session.AUTO_ACKNOWLEDGE);
        List<String> seen = Collections.synchronizedList(new ArrayList<>());
        session.createConsumer(queue(session)).setMessageListener(message -> {
            try {
                seen.add(text(message));
            } catch (Exception failure) {
                seen.add(failure.toString());
            }
            if (seen.size() == 1) throw new IllegalArgumentException("on purpose");
        });
        until(() -> seen.size() == 7, "one is seen twice");
        equal(2, Collections.frequency(seen, "0"));
        session.close();
        equal(List.of(), takeAll());
    }

    @Case
    public void an_acknowledged_message_stays_acknowledged_when_the_broker_is_killed() throws Exception {
        sendNumbers(20);
        Connection connection = connect("jms.prefetchPolicy.all=20");
        Session session = connection.createSession(false, Session.CLIENT_ACKNOWLEDGE);
        MessageConsumer consumer = session.createConsumer(queue(session));
        receive(consumer, 9);
        next(consumer).acknowledge();
        // The client does not wait for the broker's answer.
        until(() -> broker().numberOf(queueName, "messages") == 10, "the acknowledgement has arrived");
        broker().restart();
        equal(numbers(10, 20), takeAll());
    }
}
