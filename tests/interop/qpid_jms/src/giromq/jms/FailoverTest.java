package giromq.jms;

import java.io.IOException;
import java.util.ArrayList;
import java.util.Collections;
import java.util.List;
import java.util.TreeSet;
import java.util.concurrent.atomic.AtomicBoolean;
import java.util.concurrent.atomic.AtomicReference;
import javax.jms.Connection;
import javax.jms.JMSException;
import javax.jms.Message;
import javax.jms.MessageConsumer;
import javax.jms.MessageProducer;
import javax.jms.Session;
import javax.jms.TemporaryQueue;
import javax.jms.TextMessage;
import org.apache.qpid.jms.JmsConnectionFactory;

/** The broker is killed and started again under clients that reconnect by themselves, and under one that does not. */
final class FailoverTest extends JmsTest {
    private static Broker broker;

    @Override
    protected Broker broker() throws IOException {
        if (broker == null) broker = Broker.forDevelopment();
        return broker;
    }

    private Connection steady(String options) throws Exception {
        String uri = "failover:(" + broker().uri() + ")?failover.initialReconnectDelay=20&failover.reconnectDelay=20"
            + "&failover.useReconnectBackOff=false" + options;
        Connection connection = closing(new JmsConnectionFactory(uri).createConnection());
        connection.start();
        return connection;
    }

    /** Kills and restarts the broker several times while the task runs. */
    private void killWhile(Action task, int kills) throws Exception {
        AtomicBoolean running = new AtomicBoolean(true);
        AtomicReference<Throwable> failure = new AtomicReference<>();
        Thread working = new Thread(() -> {
            try {
                task.run();
            } catch (Throwable thrown) {
                failure.set(thrown);
            }
            running.set(false);
        });
        working.start();
        int killed = 0;
        for (; killed < kills && running.get(); killed++) {
            Thread.sleep(300);
            broker().restart();
        }
        working.join(60000);
        if (failure.get() != null) throw new AssertionError(failure.get());
        check(!running.get(), "the work is done");
        check(killed > 0, "the broker was killed at least once");
    }

    @Case(seconds = 120)
    public void confirmed_sends_survive_kills_once_and_in_order() throws Exception {
        int count = 1500;
        Connection connection = steady("");
        Session session = session(connection);
        MessageProducer producer = session.createProducer(queue(session));
        killWhile(() -> {
            for (String text : numbers(0, count)) {
                TextMessage message = session.createTextMessage(text);
                // The client sends again what was not confirmed; the identifier is what lets the broker recognise it.
                message.setStringProperty("GIROMQ_DUPLICATE_ID", text);
                producer.send(message);
                Thread.sleep(1);
            }
        }, 4);
        equal(numbers(0, count), takeAll());
    }

    @Case(seconds = 120)
    public void asynchronous_sends_survive_kills() throws Exception {
        int count = 4000;
        Connection connection = steady("");
        Session session = session(connection);
        MessageProducer producer = session.createProducer(queue(session));
        ProducerTest.Completions completions = new ProducerTest.Completions();
        List<String> confirmed = completions.told;
        killWhile(() -> {
            for (String text : numbers(0, count)) {
                TextMessage message = session.createTextMessage(text);
                message.setStringProperty("GIROMQ_DUPLICATE_ID", text);
                producer.send(message, completions);
                if (Integer.parseInt(text) % 10 == 0) Thread.sleep(5);
            }
            until(() -> confirmed.size() >= count, "every send has ended");
        }, 4);
        List<String> found = takeAll();
        equal(found.size(), new TreeSet<>(found).size());
        List<String> lost = new ArrayList<>(confirmed);
        lost.removeIf(text -> text.endsWith("Exception"));
        lost.removeAll(new TreeSet<>(found));
        equal(List.of(), lost);
    }

    @Case(seconds = 120)
    public void a_consumer_gets_everything_although_the_broker_is_killed() throws Exception {
        int count = 1500;
        sendNumbers(count);
        Connection connection = steady("&jms.prefetchPolicy.all=50");
        Session session = connection.createSession(false, Session.CLIENT_ACKNOWLEDGE);
        MessageConsumer consumer = session.createConsumer(queue(session));
        List<Integer> seen = Collections.synchronizedList(new ArrayList<>());
        killWhile(() -> {
            while (new TreeSet<>(seen).size() < count) {
                Message message = consumer.receive(10000);
                if (message == null) throw new AssertionError("no more came after " + seen.size());
                int number = Integer.parseInt(text(message));
                // What came before may come again, and is marked then; nothing is ever left out.
                if (seen.contains(number)) {
                    check(message.getJMSRedelivered(), number + " came again and is not marked");
                } else {
                    equal(new TreeSet<>(seen).size(), number);
                }
                seen.add(number);
                acknowledge(message);
                Thread.sleep(1);
            }
        }, 4);
        connection.close();
        List<String> left = takeAll();
        for (String text : left) check(seen.contains(Integer.valueOf(text)), text + " was never seen");
    }

    private static void acknowledge(Message message) {
        try {
            message.acknowledge();
        } catch (JMSException lost) {
            // The broker is gone: it comes again.
        }
    }

    @Case
    public void a_listener_and_a_temporary_queue_are_there_again_after_a_kill() throws Exception {
        Connection connection = steady("");
        Session session = session(connection);
        List<String> seen = Collections.synchronizedList(new ArrayList<>());
        session.createConsumer(queue(session)).setMessageListener(message -> {
            try {
                seen.add(text(message));
            } catch (JMSException failure) {
                seen.add(failure.toString());
            }
        });
        Session other = session(connection);
        TemporaryQueue replies = other.createTemporaryQueue();
        MessageConsumer answers = other.createConsumer(replies);
        send("before");
        until(() -> seen.contains("before"), "the first is seen");
        broker().restart();
        send("after");
        until(() -> seen.contains("after"), "the second is seen");
        other.createProducer(replies).send(other.createTextMessage("answer"));
        equal("answer", text(next(answers)));
    }

    @Case
    public void a_client_identifier_can_be_used_again_at_once_after_a_kill() throws Exception {
        Connection connection = steady("&jms.clientID=steady");
        works(connection, queueName);
        for (int round = 0; round < 3; round++) {
            broker().restart();
            works(connection, queueName);
        }
    }

    @Case
    public void a_client_that_does_not_reconnect_hears_of_it() throws Exception {
        Connection connection = connect();
        AtomicReference<JMSException> heard = new AtomicReference<>();
        connection.setExceptionListener(heard::set);
        Session session = session(connection);
        MessageProducer producer = session.createProducer(queue(session));
        producer.send(session.createTextMessage("kept"));
        broker().restart();
        until(() -> heard.get() != null, "the listener is told");
        refused(JMSException.class, () -> producer.send(session.createTextMessage("lost")));
        equal(List.of("kept"), takeAll());
    }
}
