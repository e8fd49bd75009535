package giromq.jms;

import java.io.Serializable;
import java.util.ArrayList;
import java.util.Collections;
import java.util.List;
import java.util.Map;
import javax.jms.DeliveryMode;
import javax.jms.InvalidDestinationRuntimeException;
import javax.jms.JMSConsumer;
import javax.jms.JMSContext;
import javax.jms.JMSProducer;
import javax.jms.JMSRuntimeException;
import javax.jms.Message;
import javax.jms.MessageFormatRuntimeException;
import javax.jms.Queue;
import javax.jms.TemporaryQueue;

/** The simplified API of JMS 2.0. */
final class ContextTest extends JmsTest {
    private JMSContext context(int mode) throws Exception {
        return closing(factory("").createContext(mode));
    }

    private JMSContext context() throws Exception {
        return context(JMSContext.AUTO_ACKNOWLEDGE);
    }

    @Case
    public void bodies_of_every_type_are_sent_and_received_without_a_message() throws Exception {
        JMSContext context = context();
        Queue queue = context.createQueue(queueName);
        JMSProducer producer = context.createProducer();
        JMSConsumer consumer = context.createConsumer(queue);
        producer.send(queue, "text").send(queue, new byte[] {1, 2, 3}).send(queue, Map.of("amount", 12L));
        producer.send(queue, new ArrayList<>(List.of(1, 2)));
        equal("text", consumer.receiveBody(String.class, 20000));
        equal(new byte[] {1, 2, 3}, consumer.receiveBody(byte[].class, 20000));
        equal(Map.of("amount", 12L), consumer.receiveBody(Map.class, 20000));
        equal(List.of(1, 2), consumer.receiveBody(Serializable.class, 20000));
        equal(null, consumer.receiveBodyNoWait(String.class));
    }

    @Case
    public void a_body_of_another_type_is_not_lost() throws Exception {
        JMSContext context = context();
        Queue queue = context.createQueue(queueName);
        context.createProducer().send(queue, "text");
        JMSConsumer consumer = context.createConsumer(queue);
        refused(MessageFormatRuntimeException.class, () -> consumer.receiveBody(Map.class, 20000));
        equal("text", consumer.receiveBody(String.class, 20000));
    }

    @Case
    public void a_producer_sets_headers_and_properties() throws Exception {
        JMSContext context = context();
        Queue queue = context.createQueue(queueName);
        context.createProducer().setProperty("colour", "blue").setProperty("amount", 5).setJMSType("type").setJMSCorrelationID("c")
            .setJMSReplyTo(context.createQueue("replies")).setPriority(9).setTimeToLive(60_000).setDeliveryMode(DeliveryMode.NON_PERSISTENT)
            .send(queue, "x");
        Message message = context.createConsumer(queue).receive(20000);
        equal(List.of("blue", 5, "type", "c", 9, DeliveryMode.NON_PERSISTENT), List.of(message.getStringProperty("colour"),
            message.getIntProperty("amount"), message.getJMSType(), message.getJMSCorrelationID(), message.getJMSPriority(),
            message.getJMSDeliveryMode()));
        check(message.getJMSExpiration() > 0, "it expires");
    }

    @Case
    public void a_context_acknowledges_and_recovers() throws Exception {
        sendNumbers(10);
        JMSContext context = context(JMSContext.CLIENT_ACKNOWLEDGE);
        JMSConsumer consumer = context.createConsumer(context.createQueue(queueName));
        for (String expected : numbers(0, 4)) equal(expected, consumer.receiveBody(String.class, 20000));
        context.recover();
        for (String expected : numbers(0, 6)) equal(expected, consumer.receiveBody(String.class, 20000));
        context.acknowledge();
        consumer.receive(20000);
        context.close();
        equal(numbers(6, 10), takeAll());
    }

    @Case
    public void contexts_of_one_connection_work_side_by_side() throws Exception {
        JMSContext context = context();
        JMSContext other = closing(context.createContext(JMSContext.CLIENT_ACKNOWLEDGE));
        Queue queue = context.createQueue(queueName);
        List<String> seen = Collections.synchronizedList(new ArrayList<>());
        other.createConsumer(queue).setMessageListener(message -> {
            try {
                seen.add(text(message));
                message.acknowledge();
            } catch (Exception failure) {
                seen.add(failure.toString());
            }
        });
        JMSProducer producer = context.createProducer();
        for (String text : numbers(0, 100)) producer.send(queue, text);
        until(() -> seen.size() == 100, "all are seen");
        equal(numbers(0, 100), seen);
    }

    @Case
    public void nothing_comes_before_a_context_without_automatic_start_is_started() throws Exception {
        send("a");
        JMSContext context = context();
        context.setAutoStart(false);
        JMSConsumer consumer = context.createConsumer(context.createQueue(queueName));
        equal(null, consumer.receive(200));
        context.start();
        equal("a", consumer.receiveBody(String.class, 20000));
    }

    @Case
    public void asynchronous_sends_complete_in_order() throws Exception {
        JMSContext context = context();
        ProducerTest.Completions completions = new ProducerTest.Completions();
        JMSProducer producer = context.createProducer().setAsync(completions);
        for (String text : numbers(0, 500)) producer.send(context.createQueue(queueName), text);
        until(() -> completions.told.size() == 500, "all sends are confirmed");
        equal(numbers(0, 500), completions.told);
        equal(numbers(0, 500), takeAll());
    }

    @Case
    public void a_temporary_queue_of_a_context_ends_with_it() throws Exception {
        JMSContext context = context();
        TemporaryQueue replies = context.createTemporaryQueue();
        String name = replies.getQueueName();
        context.createProducer().send(replies, "x");
        equal("x", context.createConsumer(replies).receiveBody(String.class, 20000));
        context.close();
        JMSContext other = context();
        refused(InvalidDestinationRuntimeException.class, () -> other.createProducer().send(other.createQueue(name), "late"));
    }

    @Case
    public void refusals_are_runtime_exceptions() throws Exception {
        JMSContext context = context();
        refused(JMSRuntimeException.class, () -> context.createConsumer(context.createTopic("t")));
        context.createProducer().send(context.createQueue(queueName), "x");
        equal("x", context.createConsumer(context.createQueue(queueName)).receiveBody(String.class, 20000));
    }
}
