package giromq.jms;

import java.util.ArrayList;
import java.util.HashSet;
import java.util.List;
import java.util.Set;
import javax.jms.Connection;
import javax.jms.InvalidDestinationException;
import javax.jms.JMSException;
import javax.jms.Message;
import javax.jms.MessageConsumer;
import javax.jms.MessageProducer;
import javax.jms.QueueConnection;
import javax.jms.QueueRequestor;
import javax.jms.QueueSession;
import javax.jms.Session;
import javax.jms.TemporaryQueue;
import javax.jms.TextMessage;

/** Temporary queues, and requests that are answered over them. */
final class TemporaryQueueTest extends JmsTest {
    /** Answers every message with its text in brackets, to where it says. */
    private void startServer() throws Exception {
        Session session = session();
        MessageProducer answers = session.createProducer(null);
        session.createConsumer(queue(session)).setMessageListener(request -> {
            try {
                TextMessage answer = session.createTextMessage("[" + text(request) + "]");
                answer.setJMSCorrelationID(request.getJMSMessageID());
                answers.send(request.getJMSReplyTo(), answer);
            } catch (JMSException failure) {
                failure.printStackTrace();
            }
        });
    }

    @Case
    public void requests_are_answered_over_a_temporary_queue() throws Exception {
        startServer();
        Session session = session();
        TemporaryQueue replies = session.createTemporaryQueue();
        MessageConsumer consumer = session.createConsumer(replies);
        MessageProducer producer = session.createProducer(queue(session));
        for (int number = 0; number < 100; number++) {
            TextMessage request = session.createTextMessage("request " + number);
            request.setJMSReplyTo(replies);
            producer.send(request);
            Message answer = next(consumer);
            equal("[request " + number + "]", text(answer));
            equal(request.getJMSMessageID(), answer.getJMSCorrelationID());
            equal(replies, answer.getJMSDestination());
        }
    }

    @Case
    public void a_requestor_gets_its_answer() throws Exception {
        startServer();
        QueueConnection connection = closing(factory("").createQueueConnection());
        connection.start();
        QueueSession session = connection.createQueueSession(false, Session.AUTO_ACKNOWLEDGE);
        QueueRequestor requestor = new QueueRequestor(session, queue(session));
        for (String number : numbers(0, 10)) equal("[" + number + "]", text(requestor.request(session.createTextMessage(number))));
        requestor.close();
    }

    @Case
    public void the_type_of_the_answer_s_destination_is_kept() throws Exception {
        Session session = session();
        TemporaryQueue replies = session.createTemporaryQueue();
        TextMessage message = session.createTextMessage("x");
        message.setJMSReplyTo(replies);
        session.createProducer(queue(session)).send(message);
        Message received = next(session.createConsumer(queue(session)));
        check(received.getJMSReplyTo() instanceof TemporaryQueue, "it is a " + received.getJMSReplyTo().getClass());
        equal(replies.getQueueName(), ((TemporaryQueue) received.getJMSReplyTo()).getQueueName());
    }

    @Case
    public void each_temporary_queue_is_another() throws Exception {
        Connection connection = connect();
        Session session = session(connection);
        Set<String> names = new HashSet<>();
        List<TemporaryQueue> queues = new ArrayList<>();
        for (int count = 0; count < 50; count++) {
            queues.add(session.createTemporaryQueue());
            names.add(queues.get(count).getQueueName());
        }
        equal(50, names.size());
        for (TemporaryQueue queue : queues) queue.delete();
        works(connection, queueName);
    }

    @Case
    public void a_temporary_queue_is_consumed_by_its_connection_only() throws Exception {
        TemporaryQueue replies = session().createTemporaryQueue();
        Connection other = connect();
        Session session = session(other);
        refused(JMSException.class, () -> session.createConsumer(replies));
        // Also one that hides what it is.
        refused(JMSException.class, () -> session.createConsumer(session.createQueue(replies.getQueueName())));
        works(other, queueName);
    }

    @Case
    public void a_deleted_temporary_queue_takes_no_messages() throws Exception {
        Connection connection = connect();
        Session session = session(connection);
        TemporaryQueue replies = session.createTemporaryQueue();
        MessageConsumer consumer = session.createConsumer(replies);
        refused(JMSException.class, replies::delete);
        consumer.close();
        String name = replies.getQueueName();
        replies.delete();
        Connection other = connect();
        Session sending = session(other);
        refused(InvalidDestinationException.class, () -> sending.createProducer(sending.createQueue(name)));
        MessageProducer anywhere = sending.createProducer(null);
        refused(InvalidDestinationException.class, () -> anywhere.send(sending.createQueue(name), sending.createTextMessage("late")));
        works(other, queueName);
    }

    @Case
    public void a_temporary_queue_ends_with_its_connection() throws Exception {
        Connection connection = connect();
        TemporaryQueue replies = session(connection).createTemporaryQueue();
        String name = replies.getQueueName();
        Session sending = session();
        MessageProducer producer = sending.createProducer(sending.createQueue(name));
        producer.send(sending.createTextMessage("in time"));
        connection.close();
        refused(JMSException.class, () -> {
            for (int attempt = 0; attempt < 100; attempt++) {
                producer.send(sending.createTextMessage("late"));
                Thread.sleep(20);
            }
        });
    }
}
