package giromq.jms;

import java.io.BufferedReader;
import java.io.File;
import java.io.IOException;
import java.io.InputStreamReader;
import java.io.UncheckedIOException;
import java.net.InetAddress;
import java.net.ServerSocket;
import java.net.URI;
import java.net.http.HttpClient;
import java.net.http.HttpRequest;
import java.net.http.HttpResponse;
import java.nio.charset.StandardCharsets;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.Base64;
import java.util.Comparator;
import java.util.List;
import java.util.concurrent.CompletableFuture;
import java.util.concurrent.ExecutionException;
import java.util.concurrent.ExecutorService;
import java.util.concurrent.Executors;
import java.util.concurrent.ThreadLocalRandom;
import java.util.concurrent.TimeUnit;
import java.util.concurrent.TimeoutException;
import java.util.stream.Stream;

/** A real giromqd with a folder of its own. It can be killed and started again on the same ports. */
final class Broker {
    private static final Path PROGRAM = Path.of(System.getenv("GIROMQ_BUILD_DIR"), "bin", "giromqd");
    private static final List<Broker> ALL = new ArrayList<>();
    /** The broker dies with the thread that started it, so that it never outlives a test run that is killed. This one lives to the end. */
    private static final ExecutorService STARTER = Executors.newSingleThreadExecutor(task -> {
        Thread thread = new Thread(task, "starter");
        thread.setDaemon(true);
        return thread;
    });

    final Path folder;
    final int port = freePort();
    final int httpPort = freePort();
    private final List<String> options;
    private Process process;

    private Broker(Path folder, List<String> options) throws IOException {
        this.folder = folder;
        this.options = options;
        ALL.add(this);
        start();
    }

    /** Anonymous users are administrators, and queues are made on first use. */
    static Broker forDevelopment() throws IOException {
        return new Broker(newFolder(), List.of("--dev"));
    }

    /** With a configuration file that holds these elements. */
    static Broker configured(Path folder, String elements) throws IOException {
        Path file = folder.resolve("giromq.xml");
        Files.writeString(file, "<giromq xmlns=\"urn:giromq:config:1\">" + elements + "</giromq>");
        Broker broker = new Broker(folder, List.of("--config", file.toString()));
        broker.makeAdministrator();
        return broker;
    }

    static Path newFolder() throws IOException {
        return Files.createTempDirectory("giromq-jms-");
    }

    String uri() {
        return "amqp://127.0.0.1:" + port;
    }

    void start() throws IOException {
        List<String> command = new ArrayList<>();
        if (new File("/usr/bin/setpriv").canExecute()) command.addAll(List.of("/usr/bin/setpriv", "--pdeathsig", "KILL"));
        command.add(PROGRAM.toString());
        command.addAll(options);
        command.addAll(List.of("--data", folder.resolve("data").toString(), "--http", "127.0.0.1:" + httpPort));
        command.addAll(List.of("--amqp", "127.0.0.1:" + port));
        File log = folder.resolve("giromqd.log").toFile();
        ProcessBuilder builder = new ProcessBuilder(command).redirectError(ProcessBuilder.Redirect.appendTo(log));
        CompletableFuture<Void> ready = new CompletableFuture<>();
        try {
            process = STARTER.submit(builder::start).get();
            Process started = process;
            Thread reader = new Thread(() -> readOutput(started, ready), "giromqd output");
            reader.setDaemon(true);
            reader.start();
            ready.get(60, TimeUnit.SECONDS);
        } catch (InterruptedException | ExecutionException | TimeoutException failure) {
            throw new IOException("giromqd was not ready: " + logTail(), failure);
        }
    }

    private static void readOutput(Process process, CompletableFuture<Void> ready) {
        try (BufferedReader output = new BufferedReader(new InputStreamReader(process.getInputStream(), StandardCharsets.UTF_8))) {
            for (String line = output.readLine(); line != null; line = output.readLine()) {
                if (line.startsWith("giromqd ready")) ready.complete(null);
            }
            ready.completeExceptionally(new IOException("it has ended"));
        } catch (IOException failure) {
            ready.completeExceptionally(failure);
        }
    }

    boolean isRunning() {
        return process.isAlive();
    }

    /** SIGKILL: nothing is flushed, nobody is told. */
    void kill() {
        process.destroyForcibly();
        process.onExit().join();
    }

    void restart() throws IOException {
        kill();
        start();
    }

    void close() {
        if (process != null) kill();
        if (System.getenv("GIROMQ_TEST_KEEP") != null) return;
        try (Stream<Path> files = Files.walk(folder)) {
            files.sorted(Comparator.reverseOrder()).forEach(path -> path.toFile().delete());
        } catch (IOException | UncheckedIOException ignored) {
            // Left behind in the folder for temporary files.
        }
    }

    static void closeAll() {
        for (Broker broker : ALL) broker.close();
        ALL.clear();
    }

    String logTail() {
        try {
            List<String> lines = Files.readAllLines(folder.resolve("giromqd.log"));
            return String.join("\n", lines.subList(Math.max(0, lines.size() - 30), lines.size()));
        } catch (IOException failure) {
            return "";
        }
    }

    // REST

    private String administrator;

    /** The first one of a broker that was started without --dev, by the token that is in its data directory. */
    private void makeAdministrator() throws IOException {
        String token = Files.readString(folder.resolve("data").resolve("first-login-token")).strip();
        try {
            rest("POST", "/api/v1/session", "{\"token\":\"" + token + "\",\"user\":\"admin\",\"password\":\"a good password 1\"}");
        } catch (InterruptedException interrupted) {
            throw new IOException(interrupted);
        }
        administrator = "admin:a good password 1";
    }

    /** The body of a successful call. */
    String rest(String method, String target, String body) throws IOException, InterruptedException {
        HttpRequest.Builder request = HttpRequest.newBuilder(URI.create("http://127.0.0.1:" + httpPort + target));
        request.header("Content-Type", "application/json");
        if (administrator != null) {
            request.header("Authorization", "Basic " + Base64.getEncoder().encodeToString(administrator.getBytes(StandardCharsets.UTF_8)));
        }
        request.method(method, body == null ? HttpRequest.BodyPublishers.noBody() : HttpRequest.BodyPublishers.ofString(body));
        HttpResponse<String> answer = HttpClient.newHttpClient().send(request.build(), HttpResponse.BodyHandlers.ofString());
        if (answer.statusCode() / 100 != 2) throw new IOException(method + " " + target + ": " + answer.statusCode() + " " + answer.body());
        return answer.body();
    }

    /** A number that the broker tells about a queue: "messages", "delivering" and so on. */
    int numberOf(String queue, String field) throws IOException, InterruptedException {
        String view = rest("GET", "/api/v1/queues/" + queue, null);
        return Integer.parseInt(view.replaceFirst("(?s).*\"" + field + "\":\\s*(\\d+).*", "$1"));
    }

    void createUser(String name, String password) throws IOException, InterruptedException {
        rest("PUT", "/api/v1/users/" + name, "{\"role\": \"application\", \"password\": \"" + password + "\"}");
        rest("POST", "/api/v1/permissions", "{\"grantee\": {\"kind\": \"user\", \"name\": \"" + name + "\"}, \"pattern\": \"#\", "
                + "\"actions\": [\"send\", \"receive\", \"browse\", \"read-body\", \"create\"]}");
    }

    void createQueue(String name, String settings) throws IOException, InterruptedException {
        rest("PUT", "/api/v1/queues/" + name, settings);
    }

    /** Below the range of outgoing connections: a client that reconnects must not be given the very port that it tries to reach. */
    static int freePort() {
        while (true) {
            int port = ThreadLocalRandom.current().nextInt(20000, 32000);
            try (ServerSocket probe = new ServerSocket(port, 1, InetAddress.getLoopbackAddress())) {
                return probe.getLocalPort();
            } catch (IOException taken) {
                // Another one.
            }
        }
    }
}
