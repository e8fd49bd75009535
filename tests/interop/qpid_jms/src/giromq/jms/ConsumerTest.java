package giromq.jms;

import java.util.ArrayList;
import java.util.Collections;
import java.util.List;
import java.util.concurrent.CountDownLatch;
import java.util.concurrent.TimeUnit;
import java.util.concurrent.atomic.AtomicInteger;
import java.util.concurrent.atomic.AtomicReference;
import javax.jms.Connection;
import javax.jms.DeliveryMode;
import javax.jms.IllegalStateException;
import javax.jms.Message;
import javax.jms.MessageConsumer;
import javax.jms.MessageProducer;
import javax.jms.Session;

/** Receiving: waiting or not, with every prefetch, by listeners; and what becomes of messages that were fetched and not looked at. */
final class ConsumerTest extends JmsTest {
    private static final List<String> PREFETCHES = List.of("0", "1", "2", "1000", "32767");

    @Case
    public void receive_without_waiting_is_never_falsely_empty() throws Exception {
        for (String prefetch : PREFETCHES) {
            Session session = session(connect("jms.prefetchPolicy.all=" + prefetch));
            MessageProducer producer = session.createProducer(queue(session));
            MessageConsumer consumer = session.createConsumer(queue(session));
            for (int number = 0; number < 150; number++) {
                producer.send(session.createTextMessage(Integer.toString(number)));
                equal(Integer.toString(number), text(consumer.receiveNoWait()));
                equal(null, consumer.receiveNoWait());
            }
            session.close();
        }
    }

    @Case
    public void receive_without_waiting_empties_a_queue_that_several_share() throws Exception {
        List<String> sent = sendNumbers(1000);
        List<MessageConsumer> consumers = new ArrayList<>();
        for (String prefetch : PREFETCHES) {
            Session session = session(connect("jms.prefetchPolicy.all=" + prefetch));
            consumers.add(session.createConsumer(queue(session)));
        }
        List<String> seen = new ArrayList<>();
        for (boolean more = true; more;) {
            more = false;
            for (MessageConsumer consumer : consumers) {
                Message message = consumer.receiveNoWait();
                if (message == null) continue;
                more = true;
                seen.add(text(message));
            }
        }
        seen.sort((left, right) -> Integer.valueOf(left).compareTo(Integer.valueOf(right)));
        equal(sent, seen);
    }

    @Case
    public void receive_with_a_time_limit_gives_up_and_can_be_tried_again() throws Exception {
        for (String prefetch : PREFETCHES) {
            Session session = session(connect("jms.prefetchPolicy.all=" + prefetch));
            MessageProducer producer = session.createProducer(queue(session));
            MessageConsumer consumer = session.createConsumer(queue(session));
            for (int round = 0; round < 3; round++) {
                equal(null, consumer.receive(20));
                producer.send(session.createTextMessage("round " + round));
                equal("round " + round, text(consumer.receive(20000)));
            }
            session.close();
        }
    }

    @Case
    public void receive_waits_for_a_message_that_comes_later() throws Exception {
        for (String prefetch : PREFETCHES) {
            Session session = session(connect("jms.prefetchPolicy.all=" + prefetch));
            MessageConsumer consumer = session.createConsumer(queue(session));
            Thread later = new Thread(() -> {
                try {
                    Thread.sleep(100);
                    send("later");
                } catch (Exception failure) {
                    failure.printStackTrace();
                }
            });
            later.start();
            equal("later", text(consumer.receive()));
            later.join();
            session.close();
        }
    }

    @Case(seconds = 120)
    public void every_prefetch_receives_everything_in_order() throws Exception {
        for (String prefetch : PREFETCHES) {
            List<String> sent = sendNumbers(3000);
            Session session = session(connect("jms.forceAsyncAcks=true&jms.prefetchPolicy.all=" + prefetch));
            equal(sent, receive(session.createConsumer(queue(session)), 3000));
            session.close();
            equal(List.of(), takeAll());
        }
    }

    @Case
    public void listeners_with_every_prefetch_see_everything_in_order() throws Exception {
        for (String prefetch : PREFETCHES) {
            List<String> sent = sendNumbers(400);
            Connection connection = connect("jms.prefetchPolicy.all=" + prefetch);
            Session session = session(connection);
            List<String> seen = Collections.synchronizedList(new ArrayList<>());
            session.createConsumer(queue(session)).setMessageListener(message -> seen.add(textOf(message)));
            until(() -> seen.size() == 400, "all are seen with prefetch " + prefetch);
            equal(sent, seen);
            connection.close();
            equal(List.of(), takeAll());
        }
    }

    private static String textOf(Message message) {
        try {
            return text(message);
        } catch (Exception failure) {
            return failure.toString();
        }
    }

    @Case
    public void listeners_of_several_sessions_run_at_the_same_time() throws Exception {
        Connection connection = connect("jms.prefetchPolicy.all=1");
        CountDownLatch together = new CountDownLatch(4);
        CountDownLatch done = new CountDownLatch(4);
        for (int number = 0; number < 4; number++) {
            Session session = session(connection);
            session.createConsumer(queue(session)).setMessageListener(message -> {
                together.countDown();
                try {
                    if (together.await(20, TimeUnit.SECONDS)) done.countDown();
                } catch (InterruptedException interrupted) {
                    Thread.currentThread().interrupt();
                }
            });
        }
        send("1", "2", "3", "4");
        check(done.await(30, TimeUnit.SECONDS), "four listeners met");
    }

    @Case
    public void listeners_of_one_session_take_turns() throws Exception {
        Session session = session();
        AtomicInteger inside = new AtomicInteger();
        AtomicInteger most = new AtomicInteger();
        AtomicInteger count = new AtomicInteger();
        for (int number = 0; number < 3; number++) {
            session.createConsumer(session.createQueue(queueName + number)).setMessageListener(message -> {
                most.accumulateAndGet(inside.incrementAndGet(), Math::max);
                Thread.yield();
                inside.decrementAndGet();
                count.incrementAndGet();
            });
        }
        for (int number = 0; number < 3; number++) send(queueName + number, numbers(0, 50));
        until(() -> count.get() == 150, "all are seen");
        equal(1, most.get());
    }

    @Case
    public void a_listener_may_close_its_consumer_but_not_its_session() throws Exception {
        sendNumbers(20);
        Connection connection = connect("jms.prefetchPolicy.all=10");
        Session session = session(connection);
        MessageConsumer consumer = session.createConsumer(queue(session));
        AtomicReference<Exception> closingSession = new AtomicReference<>();
        AtomicReference<Exception> closingConsumer = new AtomicReference<>();
        CountDownLatch closed = new CountDownLatch(1);
        AtomicInteger seen = new AtomicInteger();
        consumer.setMessageListener(message -> {
            if (seen.incrementAndGet() < 5) return;
            closingSession.set(thrownBy(session::close));
            closingConsumer.set(thrownBy(consumer::close));
            closed.countDown();
        });
        check(closed.await(20, TimeUnit.SECONDS), "the listener has closed its consumer");
        check(closingSession.get() instanceof IllegalStateException, "closing the session: " + closingSession.get());
        equal(null, closingConsumer.get());
        session.close();
        equal(5, seen.get());
        equal(numbers(5, 20), takeAll());
    }

    private static Exception thrownBy(Action action) {
        try {
            action.run();
            return null;
        } catch (Exception thrown) {
            return thrown;
        }
    }

    @Case
    public void fetched_messages_return_in_order_and_unmarked_when_their_consumer_closes() throws Exception {
        for (String what : List.of("consumer", "session", "connection")) {
            sendNumbers(100);
            Connection connection = connect("jms.prefetchPolicy.all=50");
            Session session = session(connection);
            MessageConsumer consumer = session.createConsumer(queue(session));
            equal(numbers(0, 10), receive(consumer, 10));
            if (what.equals("consumer")) consumer.close();
            if (what.equals("session")) session.close();
            if (what.equals("connection")) connection.close();
            Session rest = session();
            MessageConsumer other = rest.createConsumer(queue(rest));
            for (String expected : numbers(10, 100)) {
                Message message = next(other);
                equal(expected, text(message));
                equal(false, message.getJMSRedelivered());
                equal(1, message.getIntProperty("JMSXDeliveryCount"));
            }
            equal(null, other.receiveNoWait());
            rest.close();
        }
    }

    @Case
    public void a_consumer_that_hoards_does_not_keep_others_from_later_messages() throws Exception {
        sendNumbers(5);
        Session hoarding = session(connect("jms.prefetchPolicy.all=5"));
        hoarding.createConsumer(queue(hoarding));
        until(() -> broker().numberOf(queueName, "delivering") == 5, "all are fetched");
        send("5", "6", "7", "8");
        Session other = session();
        equal(numbers(5, 9), receive(other.createConsumer(queue(other)), 4));
    }

    @Case
    public void expired_messages_are_never_delivered() throws Exception {
        Session session = session(connect("jms.localMessageExpiry=false"));
        MessageProducer producer = session.createProducer(queue(session));
        for (int mode : new int[] {DeliveryMode.PERSISTENT, DeliveryMode.NON_PERSISTENT}) {
            producer.send(session.createTextMessage("short"), mode, 4, 100);
            producer.send(session.createTextMessage("long"), mode, 4, 600_000);
        }
        Thread.sleep(300);
        equal(List.of("long", "long"), receive(session.createConsumer(queue(session)), 2));
        equal(List.of(), takeAll());
    }

    @Case
    public void what_expires_while_it_is_fetched_is_not_shown_and_gone() throws Exception {
        Session session = session();
        MessageProducer producer = session.createProducer(queue(session));
        producer.send(session.createTextMessage("long"));
        producer.send(session.createTextMessage("short"), DeliveryMode.PERSISTENT, 4, 200);
        MessageConsumer consumer = session.createConsumer(queue(session));
        equal("long", text(next(consumer)));
        Thread.sleep(400);
        equal(null, consumer.receiveNoWait());
        consumer.close();
        equal(List.of(), takeAll());
    }

    @Case
    public void consumers_of_one_session_on_several_queues_do_not_mix() throws Exception {
        send(queueName + ".a", numbers(0, 50));
        send(queueName + ".b", numbers(50, 100));
        Session session = session();
        MessageConsumer first = session.createConsumer(session.createQueue(queueName + ".a"));
        MessageConsumer second = session.createConsumer(session.createQueue(queueName + ".b"));
        for (int number = 0; number < 50; number++) {
            equal(Integer.toString(number), text(next(first)));
            equal(Integer.toString(50 + number), text(next(second)));
        }
    }
}
