import bitronix.tm.BitronixTransactionManager;
import bitronix.tm.Configuration;
import bitronix.tm.TransactionManagerServices;
import bitronix.tm.resource.ehcache.EhCacheXAResourceProducer;
import bitronix.tm.resource.jdbc.PoolingDataSource;
import java.sql.Connection;
import java.sql.PreparedStatement;
import java.sql.SQLException;

/**
 * Takes an order from one queue, writes it into PostgreSQL and sends a receipt to another queue, in one transaction of Bitronix.
 *
 * <p>Teller FOLDER LIBRARY BRIDGE OPEN-STRING POSTGRESQL-PORT WHAT..., where each WHAT is commit, rollback, messages (no database),
 * nothing (no work), recover, dieAt=POINT or waitAt=POINT (SwitchResource); the last two hold for what comes behind them.
 */
final class Teller {
    private final BitronixTransactionManager manager;
    private final SwitchResource broker;
    private final PoolingDataSource database;

    private Teller(BitronixTransactionManager manager, SwitchResource broker, PoolingDataSource database) {
        this.manager = manager;
        this.broker = broker;
        this.database = database;
    }

    public static void main(String[] arguments) throws Exception {
        System.load(arguments[2]);
        if (!SwitchResource.load(arguments[1], arguments[3])) throw new IllegalStateException("the switch cannot be loaded");
        String dieAt = "", waitAt = "";
        for (String argument : arguments) {
            if (argument.startsWith("dieAt=")) dieAt = argument.substring(6);
            if (argument.startsWith("waitAt=")) waitAt = argument.substring(7);
        }
        Configuration configuration = TransactionManagerServices.getConfiguration();
        configuration.setServerId("teller");
        configuration.setLogPart1Filename(arguments[0] + "/part1.btm");
        configuration.setLogPart2Filename(arguments[0] + "/part2.btm");
        configuration.setDisableJmx(true);
        configuration.setGracefulShutdownInterval(5);
        configuration.setBackgroundRecoveryIntervalSeconds(3600);  // the test says when
        SwitchResource broker = new SwitchResource(dieAt, waitAt);
        PoolingDataSource database = database(Integer.parseInt(arguments[4]));
        EhCacheXAResourceProducer.registerXAResource("giromq", broker);
        // Recovers what an earlier life has left.
        BitronixTransactionManager manager = TransactionManagerServices.getTransactionManager();
        System.out.println("up");
        Teller teller = new Teller(manager, broker, database);
        for (int index = 5; index < arguments.length; ++index) teller.run(arguments[index]);
        manager.shutdown();
        database.close();
        System.out.println("down");
        System.exit(0);
    }

    private static PoolingDataSource database(int port) {
        PoolingDataSource source = new PoolingDataSource();
        source.setUniqueName("postgresql");
        source.setClassName("org.postgresql.xa.PGXADataSource");
        source.setMaxPoolSize(3);
        source.setAllowLocalTransactions(true);
        source.getDriverProperties().setProperty("serverName", "127.0.0.1");
        source.getDriverProperties().setProperty("portNumber", Integer.toString(port));
        source.getDriverProperties().setProperty("databaseName", "postgres");
        source.getDriverProperties().setProperty("user", "postgres");
        source.init();
        return source;
    }

    private void run(String what) throws Exception {
        if (what.contains("=")) return;
        if (what.equals("recover")) {
            TransactionManagerServices.getRecoverer().run();
            System.out.println("recovered");
            return;
        }
        manager.setTransactionTimeout(60);
        manager.begin();
        manager.getTransaction().enlistResource(broker);
        String order = what.equals("nothing") ? null : SwitchResource.receive("orders", 10000);
        if (order != null) {
            if (!what.equals("messages")) write(order);
            check(SwitchResource.send("receipts", order));
        }
        try {
            if (what.equals("rollback")) {
                manager.rollback();
            } else {
                manager.commit();
            }
            System.out.println(what + " done: " + order);
        } catch (Exception exception) {
            System.out.println(what + " failed: " + exception);
        }
    }

    private void write(String order) throws SQLException {
        try (Connection connection = database.getConnection();
             PreparedStatement insert = connection.prepareStatement("INSERT INTO booked VALUES (?)")) {
            insert.setString(1, order);
            insert.executeUpdate();
        }
    }

    private static void check(int code) {
        if (code != 0) throw new IllegalStateException("code " + code + ": " + SwitchResource.lastError());
    }
}
