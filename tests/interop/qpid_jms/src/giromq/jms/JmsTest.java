package giromq.jms;

import java.io.IOException;
import java.util.ArrayList;
import java.util.Enumeration;
import java.util.List;
import java.util.Objects;
import java.util.concurrent.Callable;
import javax.jms.Connection;
import javax.jms.JMSException;
import javax.jms.Message;
import javax.jms.MessageConsumer;
import javax.jms.MessageProducer;
import javax.jms.Queue;
import javax.jms.Session;
import javax.jms.TextMessage;
import org.apache.qpid.jms.JmsConnectionFactory;

/** What the tests share: a broker, a queue of its own for each case, connections that are closed at the end, and assertions. */
abstract class JmsTest {
    /** Sessions of Qpid JMS beyond the standard's: each message by itself, and none at all. */
    static final int INDIVIDUAL_ACKNOWLEDGE = 101;
    static final int NO_ACKNOWLEDGE = 257;

    private static Broker shared;

    protected String queueName;
    private final List<AutoCloseable> resources = new ArrayList<>();

    interface Action {
        void run() throws Exception;
    }

    void begin(String name) {
        queueName = "jms." + name;
    }

    void end() {
        for (int index = resources.size() - 1; index >= 0; index--) {
            try {
                resources.get(index).close();
            } catch (Exception ignored) {
                // A test that breaks connections leaves some that cannot be closed.
            }
        }
    }

    /** The broker of most tests; a class that needs another one says so. */
    protected Broker broker() throws IOException {
        if (shared == null) shared = Broker.forDevelopment();
        return shared;
    }

    protected <T extends AutoCloseable> T closing(T resource) {
        resources.add(resource);
        return resource;
    }

    // Connections and sessions

    protected JmsConnectionFactory factory(String options) throws IOException {
        return new JmsConnectionFactory(broker().uri() + (options.isEmpty() ? "" : "?" + options));
    }

    protected Connection connect(String options) throws Exception {
        Connection connection = closing(factory(options).createConnection());
        connection.start();
        return connection;
    }

    protected Connection connect() throws Exception {
        return connect("");
    }

    protected static Session session(Connection connection) throws JMSException {
        return connection.createSession(false, Session.AUTO_ACKNOWLEDGE);
    }

    protected Session session() throws Exception {
        return session(connect());
    }

    protected Queue queue(Session session) throws JMSException {
        return session.createQueue(queueName);
    }

    // Messages

    protected void send(String name, List<String> texts) throws Exception {
        try (Connection connection = factory("").createConnection()) {
            Session session = session(connection);
            MessageProducer producer = session.createProducer(session.createQueue(name));
            for (String text : texts) producer.send(session.createTextMessage(text));
        }
    }

    protected void send(String... texts) throws Exception {
        send(queueName, List.of(texts));
    }

    /** "0" to "count - 1", sent quickly and then confirmed. */
    protected List<String> sendNumbers(int count) throws Exception {
        List<String> texts = numbers(0, count);
        try (Connection connection = factory("jms.forceAsyncSend=true").createConnection()) {
            Session session = session(connection);
            MessageProducer producer = session.createProducer(queue(session));
            for (String text : texts) producer.send(session.createTextMessage(text));
            producer.close();
        }
        return texts;
    }

    protected static List<String> numbers(int from, int to) {
        List<String> numbers = new ArrayList<>();
        for (int number = from; number < to; number++) numbers.add(Integer.toString(number));
        return numbers;
    }

    protected static String text(Message message) throws JMSException {
        if (message == null) throw new AssertionError("no message came");
        return ((TextMessage) message).getText();
    }

    /** The names that JMS enumerates without saying that they are strings. */
    protected static List<String> names(Enumeration<?> enumeration) {
        List<String> names = new ArrayList<>();
        while (enumeration.hasMoreElements()) names.add((String) enumeration.nextElement());
        return names;
    }

    /** The next message, which must come. */
    protected static Message next(MessageConsumer consumer) throws JMSException {
        Message message = consumer.receive(20000);
        if (message == null) throw new AssertionError("no message came within 20 s");
        return message;
    }

    protected static List<String> receive(MessageConsumer consumer, int count) throws JMSException {
        List<String> texts = new ArrayList<>();
        while (texts.size() < count) texts.add(text(next(consumer)));
        return texts;
    }

    /** Everything that is in the queue, taken by a consumer of its own. */
    protected List<String> takeAll(String name) throws Exception {
        try (Connection connection = factory("").createConnection()) {
            connection.start();
            Session session = session(connection);
            MessageConsumer consumer = session.createConsumer(session.createQueue(name));
            List<String> texts = new ArrayList<>();
            for (Message message = consumer.receiveNoWait(); message != null; message = consumer.receiveNoWait()) texts.add(text(message));
            return texts;
        }
    }

    protected List<String> takeAll() throws Exception {
        return takeAll(queueName);
    }

    /** What comes out of the queue when this goes in. */
    protected Message roundTrip(Message message) throws Exception {
        try (Connection connection = factory("").createConnection()) {
            connection.start();
            Session session = session(connection);
            session.createProducer(queue(session)).send(message);
            return next(session.createConsumer(queue(session)));
        }
    }

    // Assertions

    protected static void equal(Object expected, Object actual) {
        if (!Objects.deepEquals(expected, actual)) throw new AssertionError("expected " + shown(expected) + ", but it is " + shown(actual));
    }

    protected static void check(boolean holds, String what) {
        if (!holds) throw new AssertionError(what);
    }

    private static String shown(Object value) {
        String text = value instanceof byte[] ? ((byte[]) value).length + " bytes" : String.valueOf(value);
        return "<" + (text.length() > 600 ? text.substring(0, 600) + "..." : text) + ">";
    }

    protected static <T extends Throwable> T refused(Class<T> kind, Action action) throws Exception {
        try {
            action.run();
        } catch (Throwable thrown) {
            if (kind.isInstance(thrown)) return kind.cast(thrown);
            throw new AssertionError("expected " + kind.getSimpleName() + ", but it is " + thrown, thrown);
        }
        throw new AssertionError("expected " + kind.getSimpleName() + ", but nothing was thrown");
    }

    protected static void until(Callable<Boolean> condition, String what) throws Exception {
        long deadline = System.nanoTime() + 30_000_000_000L;
        while (!condition.call()) {
            if (System.nanoTime() > deadline) throw new AssertionError("waited 30 s until " + what);
            Thread.sleep(2);
        }
    }

    /** The connection can still be used. */
    protected static void works(Connection connection, String name) throws Exception {
        connection.start();
        Session session = session(connection);
        Queue queue = session.createQueue(name);
        session.createProducer(queue).send(session.createTextMessage("works"));
        equal("works", text(next(session.createConsumer(queue))));
        session.close();
    }
}
