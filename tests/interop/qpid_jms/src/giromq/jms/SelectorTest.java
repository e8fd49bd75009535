package giromq.jms;

import java.util.ArrayList;
import java.util.Enumeration;
import java.util.List;
import javax.jms.Connection;
import javax.jms.InvalidSelectorException;
import javax.jms.JMSConsumer;
import javax.jms.JMSContext;
import javax.jms.JMSException;
import javax.jms.Message;
import javax.jms.MessageConsumer;
import javax.jms.MessageProducer;
import javax.jms.Queue;
import javax.jms.Session;
import javax.jms.TextMessage;

/** Selectors as JMS defines them (JMS 2.0, 3.8.1), and what GiroMQ adds, through a client that knows only SQL. */
final class SelectorTest extends JmsTest {
    private static final String RED_XML =
        "<selector xmlns=\"urn:giromq:selector:1\"><eq><property name=\"colour\"/><string v=\"red\"/></eq></selector>";

    /** red-0, green-1, red-2 and so on. */
    private void sendColours(int count) throws Exception {
        Session session = session();
        MessageProducer producer = session.createProducer(queue(session));
        for (int number = 0; number < count; number++) {
            String colour = number % 2 == 0 ? "red" : "green";
            TextMessage message = session.createTextMessage(colour + "-" + number);
            message.setStringProperty("colour", colour);
            message.setIntProperty("number", number);
            producer.send(message);
        }
    }

    private static List<String> everything(MessageConsumer consumer) throws JMSException {
        List<String> texts = new ArrayList<>();
        for (Message message = consumer.receiveNoWait(); message != null; message = consumer.receiveNoWait()) texts.add(text(message));
        return texts;
    }

    @Case
    public void a_consumer_gets_what_it_selects_and_others_the_rest_in_order() throws Exception {
        sendColours(6);
        Session session = session();
        MessageConsumer reds = session.createConsumer(queue(session), "colour = 'red' AND number > 0");
        equal(List.of("red-2", "red-4"), everything(reds));
        equal(List.of("red-0", "green-1", "green-3", "green-5"), takeAll());
    }

    @Case
    public void a_message_that_nobody_selects_stalls_nobody() throws Exception {
        for (String prefetch : List.of("0", "1", "1000")) {
            Session session = session(connect("jms.prefetchPolicy.all=" + prefetch));
            MessageConsumer reds = session.createConsumer(queue(session), "colour = 'red'");
            sendColours(4);
            equal(List.of("red-0", "red-2"), receive(reds, 2));
            reds.close();
            equal(List.of("green-1", "green-3"), takeAll());
        }
    }

    @Case
    public void a_browser_shows_what_it_selects() throws Exception {
        sendColours(6);
        Session session = session();
        List<String> texts = new ArrayList<>();
        Enumeration<?> messages = session.createBrowser(queue(session), "colour = 'green'").getEnumeration();
        while (messages.hasMoreElements()) texts.add(text((Message) messages.nextElement()));
        equal(List.of("green-1", "green-3", "green-5"), texts);
        equal(6, takeAll().size());
    }

    @Case
    public void headers_and_provider_properties_can_be_asked_for() throws Exception {
        Session session = session();
        MessageProducer producer = session.createProducer(queue(session));
        TextMessage message = session.createTextMessage("urgent");
        message.setJMSType("order");
        message.setJMSCorrelationID("C-1");
        message.setStringProperty("JMSXGroupID", "group");
        producer.setPriority(8);
        producer.send(message);
        producer.setPriority(1);
        producer.send(session.createTextMessage("other"));
        for (String selector : List.of("JMSType = 'order'", "JMSCorrelationID = 'C-1'", "JMSPriority >= 8", "JMSXGroupID = 'group'",
                "JMSMessageID = '" + message.getJMSMessageID() + "'", "JMSDeliveryMode = 'PERSISTENT' AND JMSPriority > 4",
                "JMSTimestamp = " + message.getJMSTimestamp() + " AND JMSPriority = 8", "JMSXDeliveryCount = 1 AND JMSType IS NOT NULL")) {
            Session looking = session();
            Enumeration<?> found = looking.createBrowser(queue(looking), selector).getEnumeration();
            check(found.hasMoreElements(), selector);
            equal("urgent", text((Message) found.nextElement()));
            check(!found.hasMoreElements(), selector);
        }
    }

    @Case
    public void rolled_back_and_recovered_messages_are_selected_again() throws Exception {
        sendColours(4);
        Connection connection = connect();
        Session session = connection.createSession(false, Session.CLIENT_ACKNOWLEDGE);
        MessageConsumer reds = session.createConsumer(queue(session), "colour = 'red'");
        equal(List.of("red-0", "red-2"), receive(reds, 2));
        session.recover();
        Message again = next(reds);
        equal("red-0", text(again));
        check(again.getJMSRedelivered(), "it was delivered before");
        equal("red-2", text(next(reds)));
        again.acknowledge();
    }

    @Case
    public void xml_is_carried_by_sql() throws Exception {
        sendColours(4);
        Session session = session();
        equal(List.of("red-0", "red-2"), everything(session.createConsumer(queue(session), "JMS_GIROMQ_XML = '" + RED_XML + "'")));
    }

    @Case
    public void a_context_has_consumers_with_selectors() throws Exception {
        sendColours(4);
        try (JMSContext context = factory("").createContext()) {
            JMSConsumer greens = context.createConsumer(context.createQueue(queueName), "colour = 'green'");
            equal("green-1", greens.receiveBody(String.class, 20000));
            equal("green-3", greens.receiveBody(String.class, 20000));
            equal(null, greens.receiveNoWait());
        }
    }

    @Case
    public void a_wrong_selector_is_refused_and_the_connection_goes_on() throws Exception {
        Connection connection = connect();
        Session session = session(connection);
        Queue queue = queue(session);
        refused(InvalidSelectorException.class, () -> session.createConsumer(queue, "colour = "));
        // The client reads SQL itself; what only the broker can know it hears from the broker, with the place and the reason.
        JMSException unknown = refused(JMSException.class, () -> session.createConsumer(queue, "JMS_GIROMQ_SELECTOR = 'nobody'"));
        check(unknown.getMessage().contains("1:1: "), unknown.getMessage());
        works(connection, queueName + ".other");
    }
}
