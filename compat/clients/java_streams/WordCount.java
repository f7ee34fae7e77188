import java.nio.file.Path;
import java.time.Duration;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.HashMap;
import java.util.List;
import java.util.Map;
import java.util.Properties;
import java.util.Set;
import java.util.TreeMap;
import org.apache.kafka.clients.admin.Admin;
import org.apache.kafka.clients.admin.NewTopic;
import org.apache.kafka.clients.consumer.ConsumerRecord;
import org.apache.kafka.clients.consumer.KafkaConsumer;
import org.apache.kafka.clients.producer.KafkaProducer;
import org.apache.kafka.clients.producer.ProducerRecord;
import org.apache.kafka.common.TopicPartition;
import org.apache.kafka.common.serialization.Deserializer;
import org.apache.kafka.common.serialization.LongDeserializer;
import org.apache.kafka.common.serialization.Serdes;
import org.apache.kafka.common.serialization.StringDeserializer;
import org.apache.kafka.common.serialization.StringSerializer;
import org.apache.kafka.streams.KafkaStreams;
import org.apache.kafka.streams.StoreQueryParameters;
import org.apache.kafka.streams.StreamsBuilder;
import org.apache.kafka.streams.StreamsConfig;
import org.apache.kafka.streams.kstream.Grouped;
import org.apache.kafka.streams.kstream.Materialized;
import org.apache.kafka.streams.kstream.Produced;
import org.apache.kafka.streams.state.QueryableStoreTypes;

/** Kafka Streams: lines are split into words, grouped anew (repartition topic) and counted (changelog topic). */
public final class WordCount {
    private static final List<String> LINES = List.of("odradek is a spool", "a spool is a star", "is odradek a star");
    private static final Map<String, Long> COUNTS = Map.of("odradek", 2L, "is", 3L, "a", 4L, "spool", 2L, "star", 2L);

    public static void main(String[] arguments) throws InterruptedException {
        new Feats(60)
            .add("streams-word-count", WordCount::wordCount)
            .add("streams-restore", WordCount::restore)
            .main(arguments);
    }

    private static void wordCount(Feats.Run run) throws Exception {
        topics(run);
        produce(run, LINES);
        try (KafkaStreams streams = start(run, "first")) {
            awaitCounts(run, COUNTS);
        }
        String application = run.name("application");
        try (Admin admin = admin(run)) {
            Set<String> names = admin.listTopics().names().get();
            String changelog = application + "-counts-changelog";
            Feats.check(names.contains(changelog), "no changelog topic");
            Feats.check(names.contains(application + "-words-repartition"), "no repartition topic");
            var description = admin.describeTopics(List.of(changelog)).allTopicNames().get().get(changelog);
            Feats.equal(2, description.partitions().size());
            Map<String, Long> logged = new HashMap<>();
            for (var record : read(run, changelog, new LongDeserializer())) {
                logged.put(record.key(), record.value());
            }
            Feats.equal(new TreeMap<>(COUNTS), new TreeMap<>(logged));
            // Streams deletes what it has read from its repartition topic.
            Feats.equal(true, admin.listConsumerGroups().all().get().stream().anyMatch(group -> group.groupId().equals(application)));
        }
    }

    private static void restore(Feats.Run run) throws Exception {
        topics(run);
        produce(run, LINES);
        try (KafkaStreams streams = start(run, "first")) {
            awaitCounts(run, COUNTS);
        }
        try (KafkaStreams streams = start(run, "second")) {
            Feats.await(() -> streams.state() == KafkaStreams.State.RUNNING);
            var counts = streams.store(StoreQueryParameters.fromNameAndType("counts", QueryableStoreTypes.<String, Long>keyValueStore()));
            for (var each : COUNTS.entrySet()) {
                Feats.equal(each.getValue(), counts.get(each.getKey()));
            }
            produce(run, List.of("a spool"));
            Map<String, Long> grown = new HashMap<>(COUNTS);
            grown.put("a", 5L);
            grown.put("spool", 3L);
            awaitCounts(run, grown);
        }
    }

    private static KafkaStreams start(Feats.Run run, String instance) {
        StreamsBuilder builder = new StreamsBuilder();
        builder.<String, String>stream(run.name("lines"))
            .flatMapValues(line -> Arrays.asList(line.split(" ")))
            .groupBy((key, word) -> word, Grouped.with("words", Serdes.String(), Serdes.String()))
            .count(Materialized.as("counts"))
            .toStream()
            .to(run.name("counts"), Produced.with(Serdes.String(), Serdes.Long()));
        Properties config = new Properties();
        config.put(StreamsConfig.APPLICATION_ID_CONFIG, run.name("application"));
        config.put(StreamsConfig.BOOTSTRAP_SERVERS_CONFIG, run.bootstrap());
        config.put(StreamsConfig.STATE_DIR_CONFIG, Path.of(System.getenv("CLIENT_SCRATCH"), run.name(instance)).toString());
        config.put(StreamsConfig.DEFAULT_KEY_SERDE_CLASS_CONFIG, Serdes.StringSerde.class);
        config.put(StreamsConfig.DEFAULT_VALUE_SERDE_CLASS_CONFIG, Serdes.StringSerde.class);
        config.put(StreamsConfig.COMMIT_INTERVAL_MS_CONFIG, "200");
        config.put(StreamsConfig.consumerPrefix("auto.offset.reset"), "earliest");
        // Streams members do not leave when they close: the second instance waits for the session of the first.
        config.put(StreamsConfig.consumerPrefix("session.timeout.ms"), "6000");
        KafkaStreams streams = new KafkaStreams(builder.build(), config);
        streams.start();
        return streams;
    }

    private static void topics(Feats.Run run) throws Exception {
        try (Admin admin = admin(run)) {
            admin.createTopics(List.of(new NewTopic(run.name("lines"), 2, (short) 1), new NewTopic(run.name("counts"), 2, (short) 1)))
                .all().get();
        }
    }

    private static Admin admin(Feats.Run run) {
        return Admin.create(Map.of("bootstrap.servers", run.bootstrap()));
    }

    private static void produce(Feats.Run run, List<String> lines) {
        try (var producer = new KafkaProducer<>(Map.of("bootstrap.servers", run.bootstrap()), new StringSerializer(), new StringSerializer())) {
            lines.forEach(line -> producer.send(new ProducerRecord<>(run.name("lines"), line)));
        }
    }

    private static void awaitCounts(Feats.Run run, Map<String, Long> expected) {
        Map<String, Long> counts = new TreeMap<>();
        while (!counts.equals(expected)) {
            for (var record : read(run, run.name("counts"), new LongDeserializer())) {
                counts.put(record.key(), record.value());
            }
        }
    }

    /** Everything that is in a topic now. */
    private static <V> List<ConsumerRecord<String, V>> read(Feats.Run run, String topic, Deserializer<V> values) {
        try (var consumer = new KafkaConsumer<>(Map.of("bootstrap.servers", run.bootstrap()), new StringDeserializer(), values)) {
            List<TopicPartition> partitions = List.of(new TopicPartition(topic, 0), new TopicPartition(topic, 1));
            consumer.assign(partitions);
            consumer.seekToBeginning(partitions);
            Map<TopicPartition, Long> ends = consumer.endOffsets(partitions);
            List<ConsumerRecord<String, V>> records = new ArrayList<>();
            while (partitions.stream().anyMatch(each -> consumer.position(each) < ends.get(each))) {
                consumer.poll(Duration.ofMillis(100)).forEach(records::add);
            }
            return records;
        }
    }
}
