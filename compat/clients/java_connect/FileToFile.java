import java.io.IOException;
import java.net.ServerSocket;
import java.nio.file.Files;
import java.nio.file.Path;
import java.nio.file.StandardOpenOption;
import java.time.Duration;
import java.util.ArrayList;
import java.util.List;
import java.util.Map;
import java.util.stream.IntStream;
import org.apache.kafka.clients.admin.Admin;
import org.apache.kafka.clients.consumer.KafkaConsumer;
import org.apache.kafka.common.TopicPartition;
import org.apache.kafka.common.serialization.StringDeserializer;

/** Kafka Connect, standalone: lines of a file become records of a topic, and these the lines of another file. */
public final class FileToFile {
    public static void main(String[] arguments) throws InterruptedException {
        new Feats(75)
            .add("connect-source", FileToFile::source)
            .add("connect-sink", FileToFile::sink)
            .add("connect-restart", FileToFile::restart)
            .main(arguments);
    }

    private static void source(Feats.Run run) throws Exception {
        Files.write(file(run, "in"), lines(0, 50));
        try (Worker worker = new Worker(run, "source")) {
            Feats.equal(lines(0, 50), read(run, 50));
        }
    }

    private static void sink(Feats.Run run) throws Exception {
        Files.write(file(run, "in"), lines(0, 50));
        try (Worker worker = new Worker(run, "source", "sink")) {
            awaitLines(file(run, "out"), lines(0, 50));
            try (Admin admin = Admin.create(Map.of("bootstrap.servers", run.bootstrap()))) {
                TopicPartition partition = new TopicPartition(run.name("topic"), 0);
                String group = "connect-" + run.name("sink");
                while (true) {
                    var committed = admin.listConsumerGroupOffsets(group).partitionsToOffsetAndMetadata().get().get(partition);
                    if (committed != null && committed.offset() == 50) {
                        return;
                    }
                    Thread.sleep(100);
                }
            }
        }
    }

    private static void restart(Feats.Run run) throws Exception {
        Files.write(file(run, "in"), lines(0, 20));
        try (Worker worker = new Worker(run, "source", "sink")) {
            awaitLines(file(run, "out"), lines(0, 20));
        }
        Files.write(file(run, "in"), lines(20, 35), StandardOpenOption.APPEND);
        try (Worker worker = new Worker(run, "source", "sink")) {
            awaitLines(file(run, "out"), lines(0, 35));
            Feats.equal(lines(0, 35), read(run, 35));
        }
    }

    /** ConnectStandalone in a JVM of its own. */
    private static final class Worker implements AutoCloseable {
        private final Process process;

        private Worker(Feats.Run run, String... connectors) throws IOException {
            List<String> command = new ArrayList<>(List.of(
                ProcessHandle.current().info().command().orElseThrow(), "-Xmx200m", "-XX:+UseSerialGC", "-XX:TieredStopAtLevel=1",
                "-cp", System.getProperty("java.class.path"), "org.apache.kafka.connect.cli.ConnectStandalone",
                properties(run, "worker", """
                    bootstrap.servers=%s
                    listeners=http://127.0.0.1:%d
                    key.converter=org.apache.kafka.connect.storage.StringConverter
                    value.converter=org.apache.kafka.connect.storage.StringConverter
                    offset.storage.file.filename=%s
                    offset.flush.interval.ms=500
                    plugin.discovery=service_load
                    """.formatted(run.bootstrap(), freePort(), file(run, "offsets")))));
            for (String connector : connectors) {
                boolean reads = connector.equals("source");
                command.add(properties(run, connector, """
                    name=%s
                    connector.class=%s
                    tasks.max=1
                    file=%s
                    %s=%s
                    """.formatted(run.name(connector), reads ? "FileStreamSource" : "FileStreamSink",
                        file(run, reads ? "in" : "out"), reads ? "topic" : "topics", run.name("topic"))));
            }
            process = new ProcessBuilder(command).redirectErrorStream(true).redirectOutput(file(run, "log").toFile()).start();
        }

        /** SIGTERM: Connect stops its tasks and commits. */
        @Override
        public void close() throws InterruptedException {
            process.destroy();
            process.waitFor();
        }
    }

    private static String properties(Feats.Run run, String name, String text) throws IOException {
        return Files.writeString(file(run, name + ".properties"), text).toString();
    }

    private static Path file(Feats.Run run, String name) {
        return Path.of(System.getenv("CLIENT_SCRATCH"), run.name(name));
    }

    private static int freePort() throws IOException {
        try (ServerSocket socket = new ServerSocket(0)) {
            return socket.getLocalPort();
        }
    }

    private static List<String> lines(int from, int to) {
        return IntStream.range(from, to).mapToObj(number -> "line " + number).toList();
    }

    private static void awaitLines(Path file, List<String> expected) throws Exception {
        while (!Files.exists(file) || Files.readAllLines(file).size() < expected.size()) {
            Thread.sleep(50);
        }
        Feats.equal(expected, Files.readAllLines(file));
    }

    private static List<String> read(Feats.Run run, int count) {
        try (var consumer = new KafkaConsumer<>(Map.of("bootstrap.servers", run.bootstrap()), new StringDeserializer(), new StringDeserializer())) {
            TopicPartition partition = new TopicPartition(run.name("topic"), 0);
            consumer.assign(List.of(partition));
            consumer.seekToBeginning(List.of(partition));
            List<String> values = new ArrayList<>();
            while (values.size() < count) {
                consumer.poll(Duration.ofMillis(100)).forEach(record -> values.add(record.value()));
            }
            return values;
        }
    }
}
