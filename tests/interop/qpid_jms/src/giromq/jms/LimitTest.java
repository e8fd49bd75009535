package giromq.jms;

import java.io.IOException;
import java.util.List;
import javax.jms.BytesMessage;
import javax.jms.Connection;
import javax.jms.InvalidDestinationException;
import javax.jms.JMSException;
import javax.jms.MessageConsumer;
import javax.jms.MessageProducer;
import javax.jms.Queue;
import javax.jms.ResourceAllocationException;
import javax.jms.Session;

/** Limits that an administrator sets: queues that are not there, full queues, large messages. */
final class LimitTest extends JmsTest {
    private static Broker broker;

    @Override
    protected Broker broker() throws IOException {
        if (broker == null) {
            broker = Broker.configured(Broker.newFolder(), "<amqp max-message='1MiB'/>"
                + "<sasl mechanisms='anonymous' anonymous-role='administrator'/>"
                + "<queues><queue name='there'/><queue name='full' max-messages='3'/><queue name='held' max-messages='3' overflow='hold'/>"
                + "<queue name='target'/></queues>");
        }
        return broker;
    }

    @Case
    public void a_queue_that_is_not_there_is_an_invalid_destination() throws Exception {
        Connection connection = connect();
        Session session = session(connection);
        Queue missing = session.createQueue("missing");
        refused(InvalidDestinationException.class, () -> session.createProducer(missing));
        refused(InvalidDestinationException.class, () -> session.createConsumer(missing));
        refused(InvalidDestinationException.class, () -> session.createBrowser(missing).getEnumeration());
        MessageProducer anywhere = session.createProducer(null);
        refused(InvalidDestinationException.class, () -> anywhere.send(missing, session.createTextMessage("x")));
        ProducerTest.Completions completions = new ProducerTest.Completions();
        anywhere.send(missing, session.createTextMessage("x"), completions);
        until(() -> completions.told.size() == 1, "the send is refused");
        equal(List.of("InvalidDestinationException"), completions.told);
        works(connection, "there");
    }

    @Case
    public void a_deleted_queue_ends_its_producers_and_consumers() throws Exception {
        broker().createQueue("short.lived", "{}");
        Connection connection = connect();
        Session session = session(connection);
        MessageProducer producer = session.createProducer(session.createQueue("short.lived"));
        MessageConsumer consumer = session.createConsumer(session.createQueue("short.lived"));
        broker().rest("DELETE", "/api/v1/queues/short.lived?evenIfUsed=true", null);
        refused(JMSException.class, () -> {
            for (int attempt = 0; attempt < 100; attempt++) {
                producer.send(session.createTextMessage("x"));
                Thread.sleep(20);
            }
        });
        refused(JMSException.class, () -> {
            for (int attempt = 0; attempt < 100; attempt++) consumer.receive(20);
        });
        works(connection, "there");
    }

    @Case
    public void a_full_queue_refuses_until_there_is_room() throws Exception {
        Connection connection = connect();
        Session session = session(connection);
        MessageProducer producer = session.createProducer(session.createQueue("full"));
        MessageProducer anywhere = session.createProducer(null);
        for (String text : numbers(0, 3)) producer.send(session.createTextMessage(text));
        refused(ResourceAllocationException.class, () -> producer.send(session.createTextMessage("too much")));
        refused(ResourceAllocationException.class, () -> anywhere.send(session.createQueue("full"), session.createTextMessage("too much")));
        ProducerTest.Completions completions = new ProducerTest.Completions();
        producer.send(session.createTextMessage("too much"), completions);
        until(() -> completions.told.size() == 1, "the send is refused");
        equal(List.of("ResourceAllocationException"), completions.told);
        equal("0", text(next(session.createConsumer(session.createQueue("full")))));
        session.close();
        // The client does not wait until its acknowledgement is durable, and room is there only then.
        until(() -> broker().numberOf("full", "messages") == 2, "there is room");
        Session again = session(connection);
        again.createProducer(again.createQueue("full")).send(again.createTextMessage("fits"));
        equal(List.of("1", "2", "fits"), takeAll("full"));
    }

    @Case
    public void a_held_queue_lets_its_producer_wait() throws Exception {
        Connection connection = connect("jms.sendTimeout=20000");
        Session session = session(connection);
        MessageProducer producer = session.createProducer(session.createQueue("held"));
        Thread sending = new Thread(() -> {
            try {
                for (String text : numbers(0, 1500)) producer.send(session.createTextMessage(text));
            } catch (JMSException failure) {
                failure.printStackTrace();
            }
        });
        sending.start();
        Session receiving = session();
        equal(numbers(0, 1500), receive(receiving.createConsumer(receiving.createQueue("held")), 1500));
        sending.join();
    }

    @Case
    public void a_producer_that_waits_for_room_gives_up_in_time() throws Exception {
        broker().createQueue("held.long", "{\"maxMessages\": 1, \"overflow\": \"hold\"}");
        send("held.long", List.of("fits"));
        Connection connection = connect("jms.sendTimeout=500");
        Session session = session(connection);
        MessageProducer producer = session.createProducer(session.createQueue("held.long"));
        refused(JMSException.class, () -> producer.send(session.createTextMessage("waits")));
        works(connection, "there");
        equal(List.of("fits"), takeAll("held.long"));
    }

    @Case
    public void a_message_that_is_too_large_is_refused_and_the_connection_lives() throws Exception {
        Connection connection = connect();
        Session session = session(connection);
        Queue queue = session.createQueue("target");
        BytesMessage message = session.createBytesMessage();
        message.writeBytes(new byte[1024 * 1024]);
        refused(JMSException.class, () -> session.createProducer(queue).send(message));
        MessageProducer producer = session.createProducer(queue);
        producer.send(session.createTextMessage("small"));
        equal(List.of("small"), takeAll("target"));
        works(connection, "there");
    }
}
