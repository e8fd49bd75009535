package giromq.jms;

import java.io.IOException;
import java.nio.file.Path;
import java.util.List;
import javax.jms.Connection;
import javax.jms.JMSException;
import javax.jms.JMSSecurityException;
import org.apache.qpid.jms.JmsConnectionFactory;

/** Logins and TLS, against a broker that lets nobody in unknown. */
final class LoginTest extends JmsTest {
    private static final String PASSWORD = "correct horse battery 9";
    private static Broker broker;
    private static int tlsPort;
    private static Path trustStore;

    @Override
    protected Broker broker() throws IOException {
        if (broker != null) return broker;
        Path folder = Broker.newFolder();
        String certificate = folder.resolve("server.pem").toString();
        String key = folder.resolve("server.key").toString();
        trustStore = folder.resolve("trust.p12");
        tlsPort = Broker.freePort();
        run("openssl", "req", "-x509", "-newkey", "ec", "-pkeyopt", "ec_paramgen_curve:P-256", "-nodes", "-days", "2", "-subj",
            "/CN=localhost", "-addext", "subjectAltName=DNS:localhost,IP:127.0.0.1", "-keyout", key, "-out", certificate);
        run("keytool", "-importcert", "-noprompt", "-alias", "broker", "-file", certificate, "-keystore", trustStore.toString(),
            "-storetype", "PKCS12", "-storepass", "changeit");
        broker = Broker.configured(folder, "<amqp><listener host='127.0.0.1' port='" + tlsPort + "' tls='true'/></amqp>"
            + "<tls certificate-file='" + certificate + "' private-key-file='" + key + "'/><core create-queues='true'/>");
        try {
            broker.createUser("payer", PASSWORD);
        } catch (InterruptedException interrupted) {
            throw new IOException(interrupted);
        }
        return broker;
    }

    private static void run(String... command) throws IOException {
        Process process = new ProcessBuilder(command).redirectErrorStream(true).start();
        String output = new String(process.getInputStream().readAllBytes());
        if (process.onExit().join().exitValue() != 0) throw new IOException(List.of(command) + ": " + output);
    }

    private Connection login(String options, String user, String password) throws Exception {
        return login(new JmsConnectionFactory(broker().uri() + "?" + options), user, password);
    }

    private Connection login(JmsConnectionFactory factory, String user, String password) throws Exception {
        Connection connection = closing(user == null ? factory.createConnection() : factory.createConnection(user, password));
        connection.start();
        return connection;
    }

    @Case
    public void plain_and_scram_let_a_user_in() throws Exception {
        for (String mechanism : List.of("PLAIN", "SCRAM-SHA-256")) {
            works(login("amqp.saslMechanisms=" + mechanism, "payer", PASSWORD), queueName);
        }
    }

    @Case
    public void the_mechanism_that_the_client_chooses_by_itself_works() throws Exception {
        works(login("", "payer", PASSWORD), queueName);
    }

    @Case
    public void a_wrong_password_or_user_is_a_security_exception() throws Exception {
        for (String mechanism : List.of("PLAIN", "SCRAM-SHA-256")) {
            String options = "amqp.saslMechanisms=" + mechanism;
            refused(JMSSecurityException.class, () -> login(options, "payer", "wrong horse"));
            refused(JMSSecurityException.class, () -> login(options, "nobody", PASSWORD));
        }
        works(login("", "payer", PASSWORD), queueName);
    }

    @Case
    public void nobody_gets_in_without_a_login() throws Exception {
        refused(JMSSecurityException.class, () -> login("", null, null));
        refused(JMSSecurityException.class, () -> login("amqp.saslMechanisms=ANONYMOUS", "payer", PASSWORD));
    }

    @Case
    public void a_client_without_sasl_gets_nowhere() throws Exception {
        refused(JMSException.class, () -> login("amqp.saslLayer=false&jms.connectTimeout=5000", "payer", PASSWORD));
    }

    private JmsConnectionFactory encrypted(String options) throws IOException {
        broker();
        return new JmsConnectionFactory("amqps://localhost:" + tlsPort + "?" + options);
    }

    private String trusted() throws IOException {
        broker();
        return "transport.trustStoreLocation=" + trustStore + "&transport.trustStorePassword=changeit";
    }

    @Case
    public void a_client_that_trusts_the_broker_comes_in_over_tls() throws Exception {
        for (String protocol : List.of("TLSv1.2", "TLSv1.3")) {
            works(login(encrypted(trusted() + "&transport.enabledProtocols=" + protocol), "payer", PASSWORD), queueName);
        }
        works(login(encrypted(trusted() + "&amqp.saslMechanisms=PLAIN"), "payer", PASSWORD), queueName);
    }

    @Case
    public void a_wrong_password_over_tls_is_a_security_exception() throws Exception {
        refused(JMSSecurityException.class, () -> login(encrypted(trusted()), "payer", "wrong horse"));
    }

    @Case
    public void a_broker_that_is_not_trusted_is_not_talked_to() throws Exception {
        refused(JMSException.class, () -> login(encrypted("jms.connectTimeout=5000"), "payer", PASSWORD));
    }

    @Case
    public void the_user_of_a_message_travels_with_it() throws Exception {
        Connection connection = login("jms.populateJMSXUserID=true", "payer", PASSWORD);
        var session = session(connection);
        session.createProducer(queue(session)).send(session.createTextMessage("whose?"));
        equal("payer", next(session.createConsumer(queue(session))).getStringProperty("JMSXUserID"));
    }
}
