package giromq.jms;

import java.util.ArrayList;
import java.util.Arrays;
import java.util.HashMap;
import java.util.List;
import java.util.Map;
import java.util.Random;
import javax.jms.BytesMessage;
import javax.jms.DeliveryMode;
import javax.jms.MapMessage;
import javax.jms.Message;
import javax.jms.MessageConsumer;
import javax.jms.MessageProducer;
import javax.jms.ObjectMessage;
import javax.jms.Session;
import javax.jms.StreamMessage;
import javax.jms.TextMessage;

/** The bodies of the message types, to the byte. */
final class MessageTest extends JmsTest {
    private static byte[] randomBytes(int count) {
        byte[] bytes = new byte[count];
        new Random(4711).nextBytes(bytes);
        return bytes;
    }

    @Case
    public void texts_come_back_as_they_were() throws Exception {
        List<String> texts = List.of("", "a", "Zürich → 東京 \uD83D\uDCB6", "\u0000\u0001\n\t\"<&>", "x".repeat(255), "x".repeat(256),
            "ü".repeat(70_000), "0123456789".repeat(100_000));
        Session session = session();
        MessageProducer producer = session.createProducer(queue(session));
        for (String text : texts) producer.send(session.createTextMessage(text));
        equal(texts, receive(session.createConsumer(queue(session)), texts.size()));
    }

    @Case
    public void a_text_message_without_text_is_not_one_with_an_empty_text() throws Exception {
        TextMessage none = (TextMessage) roundTrip(session().createTextMessage());
        equal(null, none.getText());
        equal("", text(roundTrip(session().createTextMessage(""))));
    }

    @Case
    public void a_message_without_a_body_comes_back_as_one() throws Exception {
        Message message = session().createMessage();
        message.setStringProperty("only", "properties");
        Message back = roundTrip(message);
        check(!(back instanceof TextMessage) && !(back instanceof BytesMessage), "it is a " + back.getClass());
        equal("properties", back.getStringProperty("only"));
    }

    @Case
    public void everything_written_into_a_bytes_message_can_be_read_again() throws Exception {
        BytesMessage message = session().createBytesMessage();
        message.writeBoolean(true);
        message.writeByte(Byte.MIN_VALUE);
        message.writeShort(Short.MIN_VALUE);
        message.writeChar('ü');
        message.writeInt(Integer.MIN_VALUE);
        message.writeLong(Long.MIN_VALUE);
        message.writeFloat(Float.MIN_VALUE);
        message.writeDouble(-Double.MAX_VALUE);
        message.writeUTF("größer");
        message.writeBytes(new byte[] {0, -1, 127, -128});
        BytesMessage back = (BytesMessage) roundTrip(message);
        equal(true, back.readBoolean());
        equal(Byte.MIN_VALUE, back.readByte());
        equal(Short.MIN_VALUE, back.readShort());
        equal('ü', back.readChar());
        equal(Integer.MIN_VALUE, back.readInt());
        equal(Long.MIN_VALUE, back.readLong());
        equal(Float.MIN_VALUE, back.readFloat());
        equal(-Double.MAX_VALUE, back.readDouble());
        equal("größer", back.readUTF());
        byte[] rest = new byte[10];
        equal(4, back.readBytes(rest));
        equal(new byte[] {0, -1, 127, -128}, Arrays.copyOf(rest, 4));
    }

    @Case
    public void bytes_of_every_length_come_back() throws Exception {
        Session session = session();
        MessageProducer producer = session.createProducer(queue(session));
        MessageConsumer consumer = session.createConsumer(queue(session));
        for (int length : new int[] {0, 1, 255, 256, 65_535, 65_536, 256 * 1024 - 1, 256 * 1024, 256 * 1024 + 1, 1_000_000}) {
            byte[] body = randomBytes(length);
            BytesMessage message = session.createBytesMessage();
            message.writeBytes(body);
            producer.send(message);
            BytesMessage back = (BytesMessage) next(consumer);
            equal((long) length, back.getBodyLength());
            byte[] found = new byte[length];
            back.readBytes(found);
            equal(body, found);
        }
    }

    @Case
    public void ten_mebibytes_come_back_to_the_byte_and_survive_a_release() throws Exception {
        byte[] body = randomBytes(10 * 1024 * 1024);
        Session session = session();
        MessageProducer producer = session.createProducer(queue(session));
        for (int mode : new int[] {DeliveryMode.PERSISTENT, DeliveryMode.NON_PERSISTENT}) {
            BytesMessage message = session.createBytesMessage();
            message.writeBytes(body);
            producer.setDeliveryMode(mode);
            producer.send(message);
        }
        producer.send(session.createTextMessage("behind them"));
        Session reading = connect().createSession(false, Session.CLIENT_ACKNOWLEDGE);
        next(reading.createConsumer(queue(reading)));
        reading.close();
        MessageConsumer consumer = session.createConsumer(queue(session));
        for (int count = 0; count < 2; count++) equal(body, next(consumer).getBody(byte[].class));
        equal("behind them", text(next(consumer)));
    }

    @Case
    public void map_entries_keep_their_types() throws Exception {
        MapMessage message = session().createMapMessage();
        message.setBoolean("boolean", true);
        message.setByte("byte", Byte.MAX_VALUE);
        message.setShort("short", Short.MAX_VALUE);
        message.setChar("char", '€');
        message.setInt("int", Integer.MAX_VALUE);
        message.setLong("long", Long.MAX_VALUE);
        message.setFloat("float", 1.5f);
        message.setDouble("double", Math.PI);
        message.setString("string", "IBAN");
        message.setString("nothing", null);
        message.setBytes("bytes", new byte[] {1, 2, 3});
        MapMessage back = (MapMessage) roundTrip(message);
        Map<String, Object> found = new HashMap<>();
        for (String name : names(back.getMapNames())) found.put(name, back.getObject(name));
        equal(new byte[] {1, 2, 3}, found.remove("bytes"));
        Map<String, Object> expected = new HashMap<>(Map.of("boolean", true, "byte", Byte.MAX_VALUE, "short", Short.MAX_VALUE, "char", '€',
            "int", Integer.MAX_VALUE, "long", Long.MAX_VALUE, "float", 1.5f, "double", Math.PI, "string", "IBAN"));
        expected.put("nothing", null);
        equal(expected, found);
    }

    @Case
    public void stream_entries_keep_their_types_and_order() throws Exception {
        List<Object> values = Arrays.asList(true, (byte) -5, (short) -500, 'ü', -70_000, 1L << 40, 0.5f, -0.25, "text", null, "");
        StreamMessage message = session().createStreamMessage();
        for (Object value : values) message.writeObject(value);
        message.writeBytes(new byte[] {9, 8, 7});
        StreamMessage back = (StreamMessage) roundTrip(message);
        List<Object> found = new ArrayList<>();
        for (int index = 0; index < values.size(); index++) found.add(back.readObject());
        equal(values, found);
        equal(new byte[] {9, 8, 7}, back.readObject());
    }

    @Case
    public void objects_come_back_equal() throws Exception {
        ArrayList<Object> order = new ArrayList<>(List.of("pacs.008", 12345L, new java.math.BigDecimal("0.10"), new Random(5).nextLong()));
        ObjectMessage back = (ObjectMessage) roundTrip(session().createObjectMessage(order));
        equal(order, back.getObject());
        equal(null, ((ObjectMessage) roundTrip(session().createObjectMessage())).getObject());
    }

    @Case
    public void objects_as_amqp_types_come_back_equal() throws Exception {
        ObjectMessage message = session().createObjectMessage();
        message.setBooleanProperty("JMS_AMQP_TYPED_ENCODING", true);
        HashMap<String, Object> body = new HashMap<>(Map.of("one", 1, "text", "two", "list", new ArrayList<>(List.of(1L, "x"))));
        message.setObject(body);
        equal(body, ((ObjectMessage) roundTrip(message)).getObject());
    }

    @Case
    public void a_received_message_can_be_sent_on() throws Exception {
        Session session = session();
        TextMessage first = (TextMessage) roundTrip(session.createTextMessage("on and on"));
        String identifier = first.getJMSMessageID();
        Message second = roundTrip(first);
        equal("on and on", text(second));
        check(!identifier.equals(second.getJMSMessageID()), "a second send has an identifier of its own");
        equal(1, second.getIntProperty("JMSXDeliveryCount"));
        equal(false, second.getJMSRedelivered());
    }

    @Case
    public void messages_of_another_provider_can_be_sent() throws Exception {
        TextMessage back = (TextMessage) roundTrip(Foreign.textMessage("from elsewhere", Map.of("colour", "blue", "amount", 12L)));
        equal("from elsewhere", back.getText());
        equal("blue", back.getStringProperty("colour"));
        equal(12L, back.getObjectProperty("amount"));
    }
}
