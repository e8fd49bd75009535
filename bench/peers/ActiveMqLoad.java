import java.util.ArrayList;
import java.util.Arrays;
import java.util.List;
import java.util.concurrent.Semaphore;
import java.util.concurrent.atomic.AtomicLong;
import javax.jms.BytesMessage;
import javax.jms.Connection;
import javax.jms.DeliveryMode;
import javax.jms.MessageConsumer;
import javax.jms.MessageProducer;
import javax.jms.Session;
import org.apache.activemq.ActiveMQConnectionFactory;
import org.apache.activemq.ActiveMQMessageProducer;
import org.apache.activemq.AsyncCallback;

/**
 * The load of giromq-bench for ActiveMQ, over OpenWire with its own client, because Debian's ActiveMQ has no AMQP 1.0.
 * Arguments: url producers consumers unconfirmed bytes persistent(true|false) warm-up-seconds seconds. Prints one line of JSON.
 */
public final class ActiveMqLoad {
    private static final AtomicLong sent = new AtomicLong();
    private static final AtomicLong received = new AtomicLong();
    private static volatile boolean running = true;
    private static volatile boolean measuring = false;

    public static void main(String[] arguments) throws Exception {
        final String url = arguments[0];
        final int producers = Integer.parseInt(arguments[1]);
        final int consumers = Integer.parseInt(arguments[2]);
        final int unconfirmed = Integer.parseInt(arguments[3]);
        final byte[] body = new byte[Integer.parseInt(arguments[4])];
        final boolean persistent = Boolean.parseBoolean(arguments[5]);
        final long warmUp = Long.parseLong(arguments[6]);
        final long seconds = Long.parseLong(arguments[7]);
        final ActiveMQConnectionFactory factory = new ActiveMQConnectionFactory(url);
        // Each persistent send waits for the disk unless it is asynchronous with a callback, which does so too.
        factory.setUseAsyncSend(false);
        factory.setWatchTopicAdvisories(false);
        final List<long[]> latencies = new ArrayList<>();
        final List<Thread> threads = new ArrayList<>();
        for (int index = 0; index < consumers; index++) {
            threads.add(new Thread(() -> consume(factory)));
        }
        for (int index = 0; index < producers; index++) {
            threads.add(new Thread(() -> produce(factory, unconfirmed, body, persistent, latencies)));
        }
        for (Thread thread : threads) {
            thread.setDaemon(true);
            thread.start();
        }
        Thread.sleep(warmUp * 1000);
        final long sentBefore = sent.get();
        final long receivedBefore = received.get();
        measuring = true;
        final long begin = System.nanoTime();
        Thread.sleep(seconds * 1000);
        final double elapsed = (System.nanoTime() - begin) / 1e9;
        final double sentRate = (sent.get() - sentBefore) / elapsed;
        final double receivedRate = (received.get() - receivedBefore) / elapsed;
        measuring = false;
        running = false;
        Thread.sleep(300);
        double p50 = 0;
        synchronized (latencies) {
            final long[] all = latencies.stream().flatMapToLong(Arrays::stream).sorted().toArray();
            if (all.length > 0) p50 = all[all.length / 2] / 1000.0;
        }
        System.out.printf("{\"sent_per_s\":%.0f,\"received_per_s\":%.0f,\"send_p50_us\":%.1f}%n", sentRate, receivedRate, p50);
        System.exit(0);
    }

    private static void consume(ActiveMQConnectionFactory factory) {
        try {
            final Connection connection = factory.createConnection();
            final Session session = connection.createSession(false, Session.AUTO_ACKNOWLEDGE);
            final MessageConsumer consumer = session.createConsumer(session.createQueue("bench"));
            consumer.setMessageListener(message -> received.incrementAndGet());
            connection.start();
        } catch (Exception failure) {
            failure.printStackTrace();
            System.exit(1);
        }
    }

    private static void produce(ActiveMQConnectionFactory factory, int unconfirmed, byte[] body, boolean persistent,
            List<long[]> latencies) {
        final long[] mine = new long[1 << 20];
        int count = 0;
        try {
            final Connection connection = factory.createConnection();
            connection.start();
            final Session session = connection.createSession(false, Session.AUTO_ACKNOWLEDGE);
            final MessageProducer producer = session.createProducer(session.createQueue("bench"));
            producer.setDeliveryMode(persistent ? DeliveryMode.PERSISTENT : DeliveryMode.NON_PERSISTENT);
            final Semaphore window = new Semaphore(unconfirmed);
            while (running) {
                final BytesMessage message = session.createBytesMessage();
                message.writeBytes(body);
                if (unconfirmed <= 1) {
                    final long begin = System.nanoTime();
                    producer.send(message);
                    sent.incrementAndGet();
                    if (measuring && count < mine.length) mine[count++] = System.nanoTime() - begin;
                } else {
                    window.acquire();
                    ((ActiveMQMessageProducer) producer).send(message, new AsyncCallback() {
                        @Override
                        public void onSuccess() {
                            sent.incrementAndGet();
                            window.release();
                        }

                        @Override
                        public void onException(javax.jms.JMSException failure) {
                            failure.printStackTrace();
                            System.exit(1);
                        }
                    });
                }
            }
        } catch (Exception failure) {
            if (running) {
                failure.printStackTrace();
                System.exit(1);
            }
        }
        synchronized (latencies) {
            latencies.add(Arrays.copyOf(mine, count));
        }
    }
}
