package giromq.jms;

import java.util.List;
import javax.jms.Connection;
import javax.jms.JMSException;
import javax.jms.MessageConsumer;
import javax.jms.MessageProducer;
import javax.jms.Session;
import javax.jms.Topic;

/** What the broker does not do yet is refused at the call that asks for it, and the connection goes on. */
final class RefusalTest extends JmsTest {
    @Case
    public void topics_are_refused_when_a_link_to_one_is_made() throws Exception {
        Connection connection = closing(factory("").createConnection());
        connection.setClientID("subscriber");
        connection.start();
        Session session = session(connection);
        Topic topic = session.createTopic(queueName);
        refused(JMSException.class, () -> session.createProducer(topic));
        refused(JMSException.class, () -> session.createConsumer(topic));
        refused(JMSException.class, () -> session.createDurableConsumer(topic, "durable"));
        refused(JMSException.class, () -> session.createSharedConsumer(topic, "shared"));
        refused(JMSException.class, () -> session.createSharedDurableConsumer(topic, "both"));
        refused(JMSException.class, () -> session.unsubscribe("durable"));
        refused(JMSException.class, session::createTemporaryTopic);
        works(connection, queueName + ".queue");
    }

    @Case
    public void a_send_to_a_topic_is_refused() throws Exception {
        Connection connection = connect();
        Session session = session(connection);
        MessageProducer producer = session.createProducer(null);
        refused(JMSException.class, () -> producer.send(session.createTopic(queueName), session.createTextMessage("x")));
        producer.send(queue(session), session.createTextMessage("y"));
        equal(List.of("y"), takeAll());
        works(connection, queueName);
    }

    @Case
    public void a_queue_does_not_mind_a_consumer_that_wants_nothing_of_its_own() throws Exception {
        Connection connection = connect();
        Session session = session(connection);
        MessageConsumer consumer = session.createConsumer(queue(session), null, true);
        send("from another connection");
        equal("from another connection", text(next(consumer)));
    }

    @Case
    public void a_delivery_delay_is_refused_by_the_send() throws Exception {
        Connection connection = connect();
        Session session = session(connection);
        MessageProducer producer = session.createProducer(queue(session));
        producer.setDeliveryDelay(1000);
        refused(JMSException.class, () -> producer.send(session.createTextMessage("later")));
        producer.setDeliveryDelay(0);
        producer.send(session.createTextMessage("now"));
        equal(List.of("now"), takeAll());
    }
}
