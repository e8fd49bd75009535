package giromq.jms;

import java.util.ArrayList;
import java.util.Collections;
import java.util.Enumeration;
import java.util.List;
import javax.jms.Connection;
import javax.jms.Message;
import javax.jms.MessageConsumer;
import javax.jms.QueueBrowser;
import javax.jms.Session;

/** Browsers look and take nothing. */
final class BrowserTest extends JmsTest {
    private static List<String> browse(QueueBrowser browser) throws Exception {
        List<String> texts = new ArrayList<>();
        Enumeration<?> messages = browser.getEnumeration();
        while (messages.hasMoreElements()) texts.add(text((Message) messages.nextElement()));
        return texts;
    }

    @Case
    public void a_browser_shows_everything_in_order_again_and_again() throws Exception {
        for (String prefetch : List.of("0", "1", "7", "1000")) {
            sendNumbers(100);
            Session session = session(connect("jms.prefetchPolicy.all=" + prefetch));
            QueueBrowser browser = session.createBrowser(queue(session));
            equal(numbers(0, 100), browse(browser));
            equal(numbers(0, 100), browse(browser));
            browser.close();
            equal(numbers(0, 100), takeAll());
        }
    }

    @Case
    public void a_browser_of_an_empty_queue_ends_at_once() throws Exception {
        Session session = session();
        QueueBrowser browser = session.createBrowser(queue(session));
        for (int round = 0; round < 20; round++) equal(List.of(), browse(browser));
    }

    @Case
    public void a_browser_sees_more_than_the_broker_keeps_in_memory() throws Exception {
        List<String> sent = sendNumbers(9000);
        Session session = session();
        equal(sent, browse(session.createBrowser(queue(session))));
        equal(9000, takeAll().size());
    }

    @Case
    public void browsing_neither_counts_nor_marks() throws Exception {
        send("a");
        Session session = session();
        QueueBrowser browser = session.createBrowser(queue(session));
        for (int round = 0; round < 3; round++) {
            Message seen = (Message) browser.getEnumeration().nextElement();
            equal(1, seen.getIntProperty("JMSXDeliveryCount"));
            browse(browser);
        }
        Message message = next(session.createConsumer(queue(session)));
        equal(1, message.getIntProperty("JMSXDeliveryCount"));
        equal(false, message.getJMSRedelivered());
    }

    @Case
    public void a_browser_does_not_see_what_is_taken() throws Exception {
        sendNumbers(10);
        Connection connection = connect("jms.prefetchPolicy.queuePrefetch=4");
        Session session = connection.createSession(false, Session.CLIENT_ACKNOWLEDGE);
        MessageConsumer consumer = session.createConsumer(queue(session));
        receive(consumer, 1);
        Session looking = session();
        equal("9", browse(looking.createBrowser(queue(looking))).get(5));
        session.close();
        equal(numbers(0, 10), browse(looking.createBrowser(queue(looking))));
    }

    @Case
    public void several_browsers_do_not_disturb_each_other() throws Exception {
        sendNumbers(200);
        List<Enumeration<?>> open = new ArrayList<>();
        for (int index = 0; index < 5; index++) {
            Session session = session(connect("jms.prefetchPolicy.all=" + (index * 3 + 1)));
            open.add(session.createBrowser(queue(session)).getEnumeration());
        }
        for (String expected : numbers(0, 200)) {
            for (Enumeration<?> messages : open) equal(expected, text((Message) messages.nextElement()));
        }
        for (Enumeration<?> messages : open) equal(false, messages.hasMoreElements());
    }

    @Case
    public void browsing_goes_on_while_others_send_and_receive() throws Exception {
        List<Object> failures = Collections.synchronizedList(new ArrayList<>());
        Thread busy = new Thread(() -> {
            try {
                Session session = session();
                var producer = session.createProducer(queue(session));
                MessageConsumer consumer = session.createConsumer(queue(session));
                for (int number = 0; number < 1500; number++) {
                    producer.send(session.createTextMessage(Integer.toString(number)));
                    if (number % 3 != 0) next(consumer);
                }
                session.close();
            } catch (Exception failure) {
                failures.add(failure);
            }
        });
        busy.start();
        Session session = session();
        QueueBrowser browser = session.createBrowser(queue(session));
        while (busy.isAlive()) {
            int last = -1;
            for (String text : browse(browser)) {
                check(Integer.parseInt(text) > last, text + " after " + last);
                last = Integer.parseInt(text);
            }
        }
        equal(List.of(), failures);
        equal(500, takeAll().size());
    }

    @Case
    public void an_expired_message_is_not_shown() throws Exception {
        Session session = session();
        session.createProducer(queue(session)).send(session.createTextMessage("short"), 2, 4, 100);
        send("long");
        Thread.sleep(300);
        equal(List.of("long"), browse(session.createBrowser(queue(session))));
    }
}
