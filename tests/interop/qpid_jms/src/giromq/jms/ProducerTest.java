package giromq.jms;

import java.util.ArrayList;
import java.util.Collections;
import java.util.List;
import java.util.TreeMap;
import java.util.Map;
import java.util.concurrent.CountDownLatch;
import java.util.concurrent.TimeUnit;
import javax.jms.CompletionListener;
import javax.jms.Connection;
import javax.jms.DeliveryMode;
import javax.jms.Message;
import javax.jms.MessageConsumer;
import javax.jms.MessageProducer;
import javax.jms.Session;
import javax.jms.TextMessage;

/** Sending: synchronous, asynchronous, without a confirmation, to any destination. */
final class ProducerTest extends JmsTest {
    /** Collects what it is told: the text of a confirmed message, or the exception. */
    static final class Completions implements CompletionListener {
        final List<String> told = Collections.synchronizedList(new ArrayList<>());

        @Override
        public void onCompletion(Message message) {
            try {
                told.add(((TextMessage) message).getText());
            } catch (Exception failure) {
                told.add(failure.toString());
            }
        }

        @Override
        public void onException(Message message, Exception exception) {
            told.add(exception.getClass().getSimpleName());
        }
    }

    @Case
    public void completions_come_in_the_order_of_the_sends() throws Exception {
        Session session = session();
        MessageProducer producer = session.createProducer(queue(session));
        Completions completions = new Completions();
        for (String text : numbers(0, 3000)) producer.send(session.createTextMessage(text), completions);
        until(() -> completions.told.size() == 3000, "all sends are confirmed");
        equal(numbers(0, 3000), completions.told);
        equal(numbers(0, 3000), takeAll());
    }

    @Case
    public void closing_a_session_waits_for_its_completions() throws Exception {
        Session session = session();
        MessageProducer producer = session.createProducer(queue(session));
        Completions completions = new Completions();
        for (String text : numbers(0, 500)) producer.send(session.createTextMessage(text), completions);
        session.close();
        equal(numbers(0, 500), completions.told);
        equal(numbers(0, 500), takeAll());
    }

    @Case
    public void closing_a_connection_waits_for_its_completions() throws Exception {
        Connection connection = connect();
        Session session = session(connection);
        MessageProducer producer = session.createProducer(queue(session));
        Completions completions = new Completions();
        for (String text : numbers(0, 500)) producer.send(session.createTextMessage(text), completions);
        connection.close();
        equal(numbers(0, 500), completions.told);
        equal(numbers(0, 500), takeAll());
    }

    @Case
    public void a_listener_may_send_on() throws Exception {
        Session session = session();
        MessageProducer producer = session.createProducer(queue(session));
        CountDownLatch confirmed = new CountDownLatch(1);
        producer.send(session.createTextMessage("first"), new CompletionListener() {
            @Override
            public void onCompletion(Message message) {
                try {
                    producer.send(session.createTextMessage("second"));
                    confirmed.countDown();
                } catch (Exception failure) {
                    failure.printStackTrace();
                }
            }

            @Override
            public void onException(Message message, Exception exception) {}
        });
        check(confirmed.await(20, TimeUnit.SECONDS), "the first send is confirmed");
        equal(List.of("first", "second"), takeAll());
    }

    @Case
    public void every_way_of_sending_arrives_in_order() throws Exception {
        for (String options : List.of("jms.forceSyncSend=true", "jms.forceAsyncSend=true", "jms.forceAsyncAcks=true",
            "jms.presettlePolicy.presettleAll=true", "jms.presettlePolicy.presettleProducers=true",
            "jms.presettlePolicy.presettleConsumers=true", "amqp.maxFrameSize=512")) {
            Connection connection = connect(options);
            Session session = session(connection);
            MessageProducer producer = session.createProducer(queue(session));
            for (int number = 0; number < 200; number++) {
                producer.setDeliveryMode(number % 3 == 0 ? DeliveryMode.NON_PERSISTENT : DeliveryMode.PERSISTENT);
                producer.send(session.createTextMessage(Integer.toString(number)));
            }
            equal(numbers(0, 200), receive(session.createConsumer(queue(session)), 200));
            connection.close();
            equal(List.of(), takeAll());
        }
    }

    @Case
    public void a_producer_without_a_destination_sends_anywhere() throws Exception {
        Session session = session();
        MessageProducer producer = session.createProducer(null);
        for (int number = 0; number < 60; number++) {
            producer.send(session.createQueue(queueName + number % 3), session.createTextMessage(Integer.toString(number)));
        }
        refused(UnsupportedOperationException.class, () -> producer.send(session.createTextMessage("nowhere")));
        for (int rest = 0; rest < 3; rest++) {
            List<String> expected = new ArrayList<>();
            for (int number = rest; number < 60; number += 3) expected.add(Integer.toString(number));
            equal(expected, takeAll(queueName + rest));
        }
    }

    @Case
    public void a_producer_without_a_destination_sends_asynchronously_and_large() throws Exception {
        Session session = session();
        MessageProducer producer = session.createProducer(null);
        Completions completions = new Completions();
        List<String> texts = new ArrayList<>();
        for (int number = 0; number < 30; number++) texts.add(number + (number % 5 == 0 ? "x".repeat(600_000) : ""));
        for (String text : texts) producer.send(queue(session), session.createTextMessage(text), completions);
        until(() -> completions.told.size() == texts.size(), "all sends are confirmed");
        equal(texts, completions.told);
        equal(texts, takeAll());
    }

    @Case
    public void persistent_and_other_messages_keep_one_order() throws Exception {
        Session session = session();
        MessageProducer producer = session.createProducer(queue(session));
        Completions completions = new Completions();
        for (int number = 0; number < 600; number++) {
            int mode = number % 7 < 3 ? DeliveryMode.PERSISTENT : DeliveryMode.NON_PERSISTENT;
            producer.send(session.createTextMessage(Integer.toString(number)), mode, 4, 0, completions);
        }
        until(() -> completions.told.size() == 600, "all sends are confirmed");
        equal(numbers(0, 600), takeAll());
    }

    @Case(seconds = 120)
    public void many_producers_and_consumers_share_a_queue() throws Exception {
        int producers = 8;
        int each = 400;
        Map<String, List<Integer>> seen = new TreeMap<>();
        CountDownLatch all = new CountDownLatch(producers * each);
        for (int consumer = 0; consumer < 8; consumer++) {
            Session session = session(connect("jms.prefetchPolicy.all=" + (consumer + 1) * 5));
            session.createConsumer(queue(session)).setMessageListener(message -> {
                try {
                    String producer = message.getStringProperty("producer");
                    synchronized (seen) {
                        seen.computeIfAbsent(producer, name -> new ArrayList<>()).add(Integer.valueOf(text(message)));
                    }
                    all.countDown();
                } catch (Exception failure) {
                    failure.printStackTrace();
                }
            });
        }
        List<Thread> threads = new ArrayList<>();
        for (int number = 0; number < producers; number++) {
            String name = "producer " + number;
            Session session = session(connect());
            MessageProducer producer = session.createProducer(queue(session));
            threads.add(new Thread(() -> sendAs(session, producer, name, each)));
        }
        for (Thread thread : threads) thread.start();
        for (Thread thread : threads) thread.join();
        check(all.await(60, TimeUnit.SECONDS), all.getCount() + " messages are missing");
        Thread.sleep(200);
        synchronized (seen) {
            equal(producers, seen.size());
            for (List<Integer> of : seen.values()) {
                Collections.sort(of);
                equal(numbers(0, each), of.stream().map(String::valueOf).toList());
            }
        }
    }

    private static void sendAs(Session session, MessageProducer producer, String name, int count) {
        try {
            for (int number = 0; number < count; number++) {
                TextMessage message = session.createTextMessage(Integer.toString(number));
                message.setStringProperty("producer", name);
                producer.send(message);
            }
        } catch (Exception failure) {
            failure.printStackTrace();
        }
    }

    @Case
    public void one_consumer_sees_each_producer_in_order() throws Exception {
        List<Thread> threads = new ArrayList<>();
        for (int number = 0; number < 6; number++) {
            String name = "producer " + number;
            Session session = session(connect("jms.forceAsyncSend=true"));
            MessageProducer producer = session.createProducer(queue(session));
            Thread thread = new Thread(() -> sendAs(session, producer, name, 300));
            threads.add(thread);
            thread.start();
        }
        Session session = session();
        MessageConsumer consumer = session.createConsumer(queue(session));
        Map<String, List<String>> seen = new TreeMap<>();
        for (int count = 0; count < 1800; count++) {
            Message message = next(consumer);
            seen.computeIfAbsent(message.getStringProperty("producer"), name -> new ArrayList<>()).add(text(message));
        }
        for (Thread thread : threads) thread.join();
        for (List<String> of : seen.values()) equal(numbers(0, 300), of);
    }

    @Case
    public void a_message_with_a_known_duplicate_identifier_is_confirmed_and_not_stored_again() throws Exception {
        Session session = session();
        MessageProducer producer = session.createProducer(queue(session));
        for (String text : List.of("first", "second")) {
            TextMessage message = session.createTextMessage(text);
            message.setStringProperty("GIROMQ_DUPLICATE_ID", "payment 1");
            producer.send(message);
        }
        equal(List.of("first"), takeAll());
    }
}
