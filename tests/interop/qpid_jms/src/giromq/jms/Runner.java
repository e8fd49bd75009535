package giromq.jms;

import java.lang.reflect.InvocationTargetException;
import java.lang.reflect.Method;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.Comparator;
import java.util.List;

/** Runs every case of every class, or those named CLASS or CLASS.case. The last line is what tests/results.py counts. */
public final class Runner {
    private static final List<Class<? extends JmsTest>> CLASSES = List.of(ConnectionTest.class, LoginTest.class, MessageTest.class,
        HeaderTest.class, ProducerTest.class, ConsumerTest.class, AcknowledgeTest.class, RedeliveryTest.class, BrowserTest.class,
        TemporaryQueueTest.class, ContextTest.class, SelectorTest.class, TransactionTest.class, RefusalTest.class, LimitTest.class,
        FailoverTest.class);

    private int passed;
    private final List<String> failed = new ArrayList<>();

    public static void main(String[] names) {
        Runner runner = new Runner();
        for (Class<? extends JmsTest> test : CLASSES) runner.run(test, Arrays.asList(names));
        Broker.closeAll();
        System.exit(runner.report());
    }

    private void run(Class<? extends JmsTest> test, List<String> names) {
        Method[] methods = test.getDeclaredMethods();
        Arrays.sort(methods, Comparator.comparing(Method::getName));
        for (Method method : methods) {
            String name = test.getSimpleName() + "." + method.getName();
            boolean wanted = names.isEmpty() || names.contains(test.getSimpleName()) || names.contains(name);
            if (method.isAnnotationPresent(Case.class) && wanted) run(test, method, name);
        }
    }

    private void run(Class<? extends JmsTest> test, Method method, String name) {
        long began = System.nanoTime();
        Throwable failure = attempt(test, method);
        System.out.printf("%s : %s (%.2f s)%n", name, failure == null ? "OK" : "FAILED", (System.nanoTime() - began) / 1e9);
        if (failure == null) {
            passed++;
        } else {
            failed.add(name);
            failure.printStackTrace(System.out);
        }
    }

    /** In a thread of its own, so that a client that hangs is a failure and not the end. */
    private static Throwable attempt(Class<? extends JmsTest> test, Method method) {
        Throwable[] failure = new Throwable[1];
        Thread thread = new Thread(() -> failure[0] = call(test, method), method.getName());
        thread.setDaemon(true);
        thread.start();
        int seconds = method.getAnnotation(Case.class).seconds();
        try {
            thread.join(seconds * 1000L);
        } catch (InterruptedException interrupted) {
            return interrupted;
        }
        if (!thread.isAlive()) return failure[0];
        AssertionError hung = new AssertionError("it has not ended after " + seconds + " s; it was here:");
        hung.setStackTrace(thread.getStackTrace());
        thread.interrupt();
        return hung;
    }

    private static Throwable call(Class<? extends JmsTest> test, Method method) {
        JmsTest instance = null;
        try {
            instance = test.getDeclaredConstructor().newInstance();
            instance.begin(method.getName());
            method.invoke(instance);
            return null;
        } catch (InvocationTargetException thrown) {
            return thrown.getCause();
        } catch (Throwable thrown) {
            return thrown;
        } finally {
            if (instance != null) instance.end();
        }
    }

    private int report() {
        if (failed.isEmpty() && passed > 0) {
            System.out.println("OK (" + passed + ")");
            return 0;
        }
        for (String name : failed) System.out.println("failed: " + name);
        System.out.println("Run: " + (passed + failed.size()) + "   Failure total: " + failed.size());
        return 1;
    }
}
