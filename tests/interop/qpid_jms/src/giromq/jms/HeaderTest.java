package giromq.jms;

import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import java.util.UUID;
import javax.jms.Connection;
import javax.jms.DeliveryMode;
import javax.jms.Message;
import javax.jms.MessageConsumer;
import javax.jms.MessageProducer;
import javax.jms.Queue;
import javax.jms.Session;
import javax.jms.TextMessage;

/** Headers and properties. */
final class HeaderTest extends JmsTest {
    @Case
    public void properties_keep_their_types_and_values() throws Exception {
        Map<String, Object> properties = new LinkedHashMap<>();
        properties.put("yes", true);
        properties.put("no", false);
        for (byte value : new byte[] {Byte.MIN_VALUE, 0, Byte.MAX_VALUE}) properties.put(named("byte", value), value);
        for (short value : new short[] {Short.MIN_VALUE, 0, Short.MAX_VALUE}) properties.put(named("short", value), value);
        for (int value : new int[] {Integer.MIN_VALUE, -129, -1, 127, 128, Integer.MAX_VALUE}) properties.put(named("int", value), value);
        for (long value : new long[] {Long.MIN_VALUE, -129L, 0L, 127L, Long.MAX_VALUE}) properties.put(named("long", value), value);
        properties.put("float", Float.NaN);
        properties.put("double", Double.NEGATIVE_INFINITY);
        properties.put("small", Double.MIN_VALUE);
        properties.put("text", "Zürich \uD83D\uDCB6");
        properties.put("empty", "");
        properties.put("long_text", "x".repeat(5000));
        properties.put("JMS_GIROMQ_own", "namespaced");
        properties.put("$dollar_größe", "identifier");
        Message message = session().createTextMessage("x");
        for (String name : properties.keySet()) message.setObjectProperty(name, properties.get(name));
        message.setObjectProperty("nothing", null);
        Message back = roundTrip(message);
        for (String name : properties.keySet()) equal(properties.get(name), back.getObjectProperty(name));
        check(back.propertyExists("nothing") && back.getObjectProperty("nothing") == null, "a null property is kept");
        equal(false, back.propertyExists("other"));
        List<String> names = names(back.getPropertyNames());
        check(names.containsAll(properties.keySet()), "names are " + names);
    }

    private static String named(String type, long value) {
        return type + "_" + Long.toHexString(value);
    }

    @Case
    public void group_and_delivery_count_are_there() throws Exception {
        Message message = session().createTextMessage("x");
        message.setStringProperty("JMSXGroupID", "account 7");
        message.setIntProperty("JMSXGroupSeq", 42);
        Message back = roundTrip(message);
        equal("account 7", back.getStringProperty("JMSXGroupID"));
        equal(42, back.getIntProperty("JMSXGroupSeq"));
        equal(1, back.getIntProperty("JMSXDeliveryCount"));
        equal(false, back.getJMSRedelivered());
    }

    @Case
    public void the_headers_that_an_application_sets_come_back() throws Exception {
        Session session = session();
        Message message = session.createTextMessage("x");
        message.setJMSType("pacs.008.001.08");
        message.setJMSCorrelationID("E2E-4711/ü");
        message.setJMSReplyTo(session.createQueue("replies"));
        Message back = roundTrip(message);
        equal("pacs.008.001.08", back.getJMSType());
        equal("E2E-4711/ü", back.getJMSCorrelationID());
        equal("replies", ((Queue) back.getJMSReplyTo()).getQueueName());
        equal(queueName, ((Queue) back.getJMSDestination()).getQueueName());
    }

    @Case
    public void the_headers_that_send_sets_are_those_of_the_producer() throws Exception {
        Session session = session();
        MessageProducer producer = session.createProducer(queue(session));
        MessageConsumer consumer = session.createConsumer(queue(session));
        for (int priority = 0; priority <= 9; priority++) {
            int mode = priority % 2 == 0 ? DeliveryMode.PERSISTENT : DeliveryMode.NON_PERSISTENT;
            TextMessage message = session.createTextMessage("x");
            long before = System.currentTimeMillis();
            producer.send(message, mode, priority, 3_600_000);
            Message back = next(consumer);
            equal(priority, back.getJMSPriority());
            equal(mode, back.getJMSDeliveryMode());
            equal(message.getJMSTimestamp(), back.getJMSTimestamp());
            equal(message.getJMSExpiration(), back.getJMSExpiration());
            equal(message.getJMSMessageID(), back.getJMSMessageID());
            check(back.getJMSTimestamp() >= before && back.getJMSExpiration() >= before + 3_600_000, "the times are those of the send");
            check(back.getJMSMessageID().startsWith("ID:"), back.getJMSMessageID());
        }
        producer.send(session.createTextMessage("for ever"));
        equal(0L, next(consumer).getJMSExpiration());
    }

    @Case
    public void priorities_do_not_change_the_order() throws Exception {
        Session session = session();
        MessageProducer producer = session.createProducer(queue(session));
        for (int number = 0; number < 30; number++) {
            producer.send(session.createTextMessage(Integer.toString(number)), DeliveryMode.PERSISTENT, number % 10, 0);
        }
        equal(numbers(0, 30), takeAll());
    }

    @Case
    public void identifiers_of_every_form_come_back() throws Exception {
        for (String policy : List.of("DEFAULT", "UUID", "UUID_STRING", "PREFIXED_UUID_STRING")) {
            Connection connection = connect("jms.messageIDPolicy.messageIDType=" + policy);
            Session session = session(connection);
            TextMessage message = session.createTextMessage(policy);
            session.createProducer(queue(session)).send(message);
            MessageConsumer consumer = session.createConsumer(queue(session));
            Message back = next(consumer);
            equal(message.getJMSMessageID(), back.getJMSMessageID());
            // A request's identifier as the answer's correlation.
            TextMessage answer = session.createTextMessage("answer");
            answer.setJMSCorrelationID(back.getJMSMessageID());
            session.createProducer(queue(session)).send(answer);
            // An identifier that has no prefix of its own is shown with one, as a correlation without.
            equal(message.getJMSMessageID().replace("ID:AMQP_NO_PREFIX:", ""), next(consumer).getJMSCorrelationID());
            connection.close();
        }
    }

    @Case
    public void correlations_of_every_form_come_back() throws Exception {
        List<String> forms = List.of("ID:AMQP_ULONG:18446744073709551615", "ID:AMQP_BINARY:00FF10", "ID:AMQP_UUID:" + UUID.randomUUID(),
            "ID:some other provider", "plain");
        for (String form : forms) {
            Message message = session().createTextMessage("x");
            message.setJMSCorrelationID(form);
            equal(form, roundTrip(message).getJMSCorrelationID());
        }
        Message binary = session().createTextMessage("x");
        binary.setJMSCorrelationIDAsBytes(new byte[] {0, 1, -1, -128});
        equal(new byte[] {0, 1, -1, -128}, roundTrip(binary).getJMSCorrelationIDAsBytes());
    }

    @Case
    public void a_producer_may_leave_out_identifier_and_time() throws Exception {
        Session session = session();
        MessageProducer producer = session.createProducer(queue(session));
        producer.setDisableMessageID(true);
        producer.setDisableMessageTimestamp(true);
        producer.send(session.createTextMessage("x"));
        Message back = next(session.createConsumer(queue(session)));
        equal(null, back.getJMSMessageID());
        equal(0L, back.getJMSTimestamp());
    }

    @Case
    public void headers_are_the_same_after_a_redelivery() throws Exception {
        Session session = session();
        TextMessage message = session.createTextMessage("x");
        message.setJMSType("type");
        message.setJMSCorrelationID("correlation");
        message.setIntProperty("number", 7);
        session.createProducer(queue(session)).send(message, DeliveryMode.PERSISTENT, 7, 600_000);
        Session failing = connect().createSession(false, Session.CLIENT_ACKNOWLEDGE);
        next(failing.createConsumer(queue(failing)));
        failing.close();
        Message back = next(session.createConsumer(queue(session)));
        equal(true, back.getJMSRedelivered());
        equal(List.of("type", "correlation", 7, 7, message.getJMSMessageID(), message.getJMSTimestamp(), message.getJMSExpiration()),
            List.of(back.getJMSType(), back.getJMSCorrelationID(), back.getIntProperty("number"), back.getJMSPriority(),
                back.getJMSMessageID(), back.getJMSTimestamp(), back.getJMSExpiration()));
    }

    @Case
    public void destinations_of_another_provider_can_be_answered_to() throws Exception {
        Message message = session().createTextMessage("x");
        message.setJMSReplyTo(Foreign.queue("elsewhere"));
        equal("elsewhere", ((Queue) roundTrip(message).getJMSReplyTo()).getQueueName());
    }
}
