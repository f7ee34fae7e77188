import java.nio.charset.StandardCharsets;
import java.time.Duration;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.Collection;
import java.util.Collections;
import java.util.HashMap;
import java.util.HashSet;
import java.util.List;
import java.util.Map;
import java.util.Optional;
import java.util.Set;
import java.util.TreeMap;
import java.util.TreeSet;
import java.util.concurrent.ExecutionException;
import java.util.concurrent.Future;
import java.util.stream.Collectors;
import java.util.stream.IntStream;
import org.apache.kafka.clients.admin.Admin;
import org.apache.kafka.clients.admin.AlterConfigOp;
import org.apache.kafka.clients.admin.ConfigEntry;
import org.apache.kafka.clients.admin.ConsumerGroupDescription;
import org.apache.kafka.clients.admin.NewPartitions;
import org.apache.kafka.clients.admin.NewTopic;
import org.apache.kafka.clients.admin.OffsetSpec;
import org.apache.kafka.clients.admin.RecordsToDelete;
import org.apache.kafka.clients.admin.TopicDescription;
import org.apache.kafka.clients.consumer.ConsumerRebalanceListener;
import org.apache.kafka.clients.consumer.ConsumerRecord;
import org.apache.kafka.clients.consumer.KafkaConsumer;
import org.apache.kafka.clients.consumer.OffsetAndMetadata;
import org.apache.kafka.clients.consumer.OffsetAndTimestamp;
import org.apache.kafka.clients.producer.KafkaProducer;
import org.apache.kafka.clients.producer.ProducerRecord;
import org.apache.kafka.clients.producer.RecordMetadata;
import org.apache.kafka.common.TopicPartition;
import org.apache.kafka.common.config.ConfigResource;
import org.apache.kafka.common.errors.GroupIdNotFoundException;
import org.apache.kafka.common.errors.UnknownTopicOrPartitionException;
import org.apache.kafka.common.header.Header;
import org.apache.kafka.common.serialization.ByteArrayDeserializer;
import org.apache.kafka.common.serialization.ByteArraySerializer;

/** Producer, consumer and admin of kafka-clients; compiled against each release. */
public final class KafkaClients {
    private static final Duration POLL = Duration.ofMillis(100);
    private static final int SESSION_TIMEOUT_MS = 6000;
    private static final String MEMBER = "--member";
    private static final String ASSIGNORS = "org.apache.kafka.clients.consumer.";

    public static void main(String[] arguments) throws InterruptedException {
        if (arguments[0].equals(MEMBER)) {
            new Member(new Feats.Run(arguments[1], arguments[2]), arguments[3], Map.of()).join();
            return;
        }
        Feats feats = new Feats(45);
        for (String acks : List.of("0", "1", "all")) {
            feats.add("produce-acks-" + acks, run -> produceAndConsume(run, Map.of("acks", acks, "enable.idempotence", "false")));
        }
        for (String codec : List.of("gzip", "snappy", "lz4", "zstd")) {
            feats.add("produce-" + codec, run -> produceAndConsume(run, Map.of("compression.type", codec, "linger.ms", "20")));
        }
        feats.add("produce-keys", KafkaClients::keys)
            .add("produce-headers", KafkaClients::headers)
            .add("produce-timestamps", KafkaClients::timestamps)
            .add("produce-empty-and-null", KafkaClients::emptyAndNull)
            .add("produce-1mb", KafkaClients::oneMegabyte)
            .add("produce-idempotent", run -> produceAndConsume(run, Map.of("enable.idempotence", "true",
                "max.in.flight.requests.per.connection", "5", "batch.size", "200")))
            .add("consume-from-beginning", KafkaClients::fromBeginning)
            .add("consume-from-offset", KafkaClients::fromOffset)
            .add("consume-from-time", KafkaClients::fromTime)
            .add("consume-pause", KafkaClients::pause)
            .add("consume-seek", KafkaClients::seek)
            .add("group-join", run -> groupOfThree(run, After.JOIN, Map.of()))
            .add("group-leave", run -> groupOfThree(run, After.LEAVE, Map.of()))
            .add("group-crash", run -> groupOfThree(run, After.CRASH, Map.of()))
            .add("group-static", KafkaClients::staticMember)
            .add("group-range", run -> assignor(run, "RangeAssignor", "range", List.of(Set.of(0, 1, 2), Set.of(3, 4, 5))))
            .add("group-roundrobin", run -> assignor(run, "RoundRobinAssignor", "roundrobin",
                List.of(Set.of(0, 2, 4), Set.of(1, 3, 5))))
            .add("group-sticky", run -> assignor(run, "StickyAssignor", "sticky", List.of()))
            .add("group-cooperative-sticky", run -> assignor(run, "CooperativeStickyAssignor", "cooperative-sticky", List.of()))
            .add("group-commit", KafkaClients::commit)
            .add("group-consumer-protocol", run -> groupOfThree(run, After.LEAVE, Map.of("group.protocol", "consumer")))
            .add("admin-create-topic", KafkaClients::createTopic)
            .add("admin-describe-topic", KafkaClients::describeTopic)
            .add("admin-alter-configs", KafkaClients::alterConfigs)
            .add("admin-add-partitions", KafkaClients::addPartitions)
            .add("admin-delete-records", KafkaClients::deleteRecords)
            .add("admin-delete-topic", KafkaClients::deleteTopic)
            .add("admin-list-groups", KafkaClients::listGroups)
            .add("admin-describe-group", KafkaClients::describeGroup)
            .add("admin-reset-offsets", KafkaClients::resetOffsets)
            .add("admin-delete-group", KafkaClients::deleteGroup)
            .add("transaction-commit", KafkaClients::transactionCommit)
            .add("transaction-abort", KafkaClients::transactionAbort)
            .add("transaction-offsets", KafkaClients::transactionOffsets)
            .main(arguments);
    }

    // Produce

    private static void produceAndConsume(Feats.Run run, Map<String, String> config) throws Exception {
        String topic = topic(run, 1);
        List<RecordMetadata> sent = produce(run, topic, 200, config);
        List<ConsumerRecord<byte[], byte[]>> records = read(run, topic, 200, Map.of());
        for (int i = 0; i < 200; i++) {
            Feats.equal("value " + i, text(records.get(i).value()));
            Feats.equal((long) i, records.get(i).offset());
            if (!"0".equals(config.get("acks"))) {
                Feats.equal((long) i, sent.get(i).offset());
            }
        }
    }

    private static void keys(Feats.Run run) throws Exception {
        String topic = topic(run, 5);
        Map<String, Integer> placed = new HashMap<>();
        try (var producer = producer(run, Map.of())) {
            for (int i = 0; i < 100; i++) {
                String key = "key " + i % 20;
                int partition = producer.send(new ProducerRecord<>(topic, bytes(key), bytes("" + i))).get().partition();
                Integer before = placed.put(key, partition);
                Feats.check(before == null || before == partition, key + " is in partitions " + before + " and " + partition);
            }
        }
        Feats.check(new HashSet<>(placed.values()).size() > 2, "20 keys are in partitions " + placed.values());
        Map<String, Integer> last = new HashMap<>();
        for (var record : read(run, topic, 100, Map.of())) {
            Feats.equal(placed.get(text(record.key())), record.partition());
            int number = Integer.parseInt(text(record.value()));
            Feats.equal(last.getOrDefault(text(record.key()), number - 20), number - 20);
            last.put(text(record.key()), number);
        }
    }

    private static void headers(Feats.Run run) throws Exception {
        String topic = topic(run, 1);
        var record = new ProducerRecord<>(topic, bytes("k"), bytes("v"));
        record.headers().add("a", bytes("1")).add("a", bytes("2")).add("empty", new byte[0]).add("null", null)
            .add("ключ", bytes("значение"));
        try (var producer = producer(run, Map.of())) {
            producer.send(record).get();
        }
        List<String> found = new ArrayList<>();
        for (Header header : read(run, topic, 1, Map.of()).get(0).headers()) {
            found.add(header.key() + "=" + (header.value() == null ? null : text(header.value())));
        }
        Feats.equal(List.of("a=1", "a=2", "empty=", "null=null", "ключ=значение"), found);
    }

    private static void timestamps(Feats.Run run) throws Exception {
        String topic = topic(run, 1);
        long began = System.currentTimeMillis();
        List<Long> times = List.of(began - 86_400_000L, began, began - 5_000L);
        try (var producer = producer(run, Map.of())) {
            for (long time : times) {
                Feats.equal(time, producer.send(new ProducerRecord<>(topic, 0, time, null, bytes("v"))).get().timestamp());
            }
        }
        Feats.equal(times, read(run, topic, 3, Map.of()).stream().map(ConsumerRecord::timestamp).toList());
        String appended = topic(run, "appended", 1, Map.of("message.timestamp.type", "LogAppendTime"));
        try (var producer = producer(run, Map.of())) {
            producer.send(new ProducerRecord<>(appended, 0, 1L, null, bytes("v"))).get();
        }
        var record = read(run, appended, 1, Map.of()).get(0);
        Feats.equal("LogAppendTime", record.timestampType().toString());
        Feats.check(record.timestamp() >= began, "appended at " + record.timestamp() + ", began at " + began);
    }

    private static void emptyAndNull(Feats.Run run) throws Exception {
        String topic = topic(run, 1);
        try (var producer = producer(run, Map.of())) {
            producer.send(new ProducerRecord<>(topic, null, null));
            producer.send(new ProducerRecord<>(topic, new byte[0], new byte[0]));
            producer.send(new ProducerRecord<>(topic, bytes("k"), null)).get();
        }
        List<String> found = read(run, topic, 3, Map.of()).stream().map(each ->
            Arrays.toString(each.key()) + " " + Arrays.toString(each.value())).toList();
        Feats.equal(List.of("null null", "[] []", "[107] null"), found);
    }

    private static void oneMegabyte(Feats.Run run) throws Exception {
        String topic = topic(run, 1);
        byte[] value = new byte[1_000_000];
        for (int i = 0; i < value.length; i++) {
            value[i] = (byte) (i * 31 + i / 251);
        }
        try (var producer = producer(run, Map.of())) {
            producer.send(new ProducerRecord<>(topic, value)).get();
        }
        Feats.check(Arrays.equals(value, read(run, topic, 1, Map.of()).get(0).value()), "other bytes came back");
        try (var producer = producer(run, Map.of("max.request.size", "4000000"))) {
            failsWith(org.apache.kafka.common.errors.RecordTooLargeException.class,
                producer.send(new ProducerRecord<>(topic, new byte[2_000_000])));
        }
    }

    // Consume

    private static void fromBeginning(Feats.Run run) throws Exception {
        String topic = topic(run, 3);
        produce(run, topic, 90, Map.of());
        Set<String> values = new TreeSet<>();
        Map<Integer, Long> next = new HashMap<>();
        for (var record : read(run, topic, 90, Map.of("max.partition.fetch.bytes", "300"))) {
            values.add(text(record.value()));
            Feats.equal(next.getOrDefault(record.partition(), 0L), record.offset());
            next.put(record.partition(), record.offset() + 1);
        }
        Feats.equal(90, values.size());
    }

    private static void fromOffset(Feats.Run run) throws Exception {
        String topic = topic(run, 1);
        produce(run, topic, 50, Map.of());
        try (var consumer = consumer(run, Map.of())) {
            TopicPartition partition = new TopicPartition(topic, 0);
            consumer.assign(List.of(partition));
            consumer.seek(partition, 37);
            var records = poll(consumer, 13);
            Feats.equal(37L, records.get(0).offset());
            Feats.equal("value 49", text(records.get(12).value()));
            Feats.equal(50L, consumer.position(partition));
            Feats.equal(Map.of(partition, 0L), consumer.beginningOffsets(List.of(partition)));
            Feats.equal(Map.of(partition, 50L), consumer.endOffsets(List.of(partition)));
        }
    }

    private static void fromTime(Feats.Run run) throws Exception {
        String topic = topic(run, 1);
        long base = System.currentTimeMillis() - 100_000;
        try (var producer = producer(run, Map.of("batch.size", "0"))) {
            for (int i = 0; i < 20; i++) {
                producer.send(new ProducerRecord<>(topic, 0, base + i * 1000, null, bytes("value " + i))).get();
            }
        }
        try (var consumer = consumer(run, Map.of())) {
            TopicPartition partition = new TopicPartition(topic, 0);
            consumer.assign(List.of(partition));
            OffsetAndTimestamp found = consumer.offsetsForTimes(Map.of(partition, base + 6500)).get(partition);
            Feats.equal(7L, found.offset());
            Feats.equal(base + 7000, found.timestamp());
            consumer.seek(partition, found.offset());
            Feats.equal("value 7", text(poll(consumer, 13).get(0).value()));
            Feats.equal(null, consumer.offsetsForTimes(Map.of(partition, base + 60_000)).get(partition));
        }
    }

    private static void pause(Feats.Run run) throws Exception {
        String topic = topic(run, 2);
        TopicPartition paused = new TopicPartition(topic, 0);
        TopicPartition flowing = new TopicPartition(topic, 1);
        try (var consumer = consumer(run, Map.of()); var producer = producer(run, Map.of())) {
            consumer.assign(List.of(paused, flowing));
            consumer.seekToBeginning(List.of(paused, flowing));
            consumer.pause(List.of(paused));
            for (int i = 0; i < 20; i++) {
                producer.send(new ProducerRecord<>(topic, i % 2, null, bytes("" + i))).get();
            }
            for (var record : poll(consumer, 10)) {
                Feats.equal(1, record.partition());
            }
            Feats.check(consumer.poll(Duration.ofMillis(300)).isEmpty(), "a paused partition gave records");
            consumer.resume(List.of(paused));
            Feats.equal(List.of("0", "2", "4", "6", "8", "10", "12", "14", "16", "18"),
                poll(consumer, 10).stream().map(record -> text(record.value())).toList());
        }
    }

    private static void seek(Feats.Run run) throws Exception {
        String topic = topic(run, 1);
        produce(run, topic, 30, Map.of("batch.size", "100"));
        try (var consumer = consumer(run, Map.of())) {
            TopicPartition partition = new TopicPartition(topic, 0);
            consumer.assign(List.of(partition));
            consumer.seekToBeginning(List.of(partition));
            Feats.equal(29L, poll(consumer, 30).get(29).offset());
            consumer.seek(partition, 3);
            Feats.equal(3L, poll(consumer, 27).get(0).offset());
            consumer.seekToEnd(List.of(partition));
            Feats.equal(30L, consumer.position(partition));
            consumer.seek(partition, 29);
            Feats.equal("value 29", text(poll(consumer, 1).get(0).value()));
        }
    }

    // Groups

    private enum After { JOIN, LEAVE, CRASH }

    /** A group's member on a thread of its own. */
    private static final class Member extends Thread implements ConsumerRebalanceListener {
        private final KafkaConsumer<byte[], byte[]> consumer;
        private final String topic;
        private volatile boolean polling = true;
        private volatile int revocations;
        private volatile RuntimeException failure;
        private final Set<Integer> assigned = Collections.synchronizedSet(new TreeSet<>());
        private final List<String> values = Collections.synchronizedList(new ArrayList<>());

        private Member(Feats.Run run, String topic, Map<String, String> config) {
            this.topic = topic;
            Map<String, String> all = new HashMap<>(config);
            all.putIfAbsent("group.id", run.name("group"));
            if (!"consumer".equals(all.get("group.protocol"))) {
                all.put("session.timeout.ms", "" + SESSION_TIMEOUT_MS);
                all.put("heartbeat.interval.ms", "300");
            }
            this.consumer = consumer(run, all);
            setDaemon(true);
            start();
        }

        @Override
        public void run() {
            try (consumer) {
                consumer.subscribe(List.of(topic), this);
                while (polling) {
                    consumer.poll(POLL).forEach(record -> values.add(text(record.value())));
                }
            } catch (RuntimeException error) {
                failure = error;
            }
        }

        private void end() throws InterruptedException {
            polling = false;
            join();
        }

        private Set<Integer> partitions() {
            synchronized (assigned) {
                return new TreeSet<>(assigned);
            }
        }

        @Override
        public void onPartitionsAssigned(Collection<TopicPartition> partitions) {
            partitions.forEach(each -> assigned.add(each.partition()));
        }

        @Override
        public void onPartitionsRevoked(Collection<TopicPartition> partitions) {
            revocations += 1;
            partitions.forEach(each -> assigned.remove(each.partition()));
        }
    }

    private static void groupOfThree(Feats.Run run, After after, Map<String, String> config) throws Exception {
        String topic = topic(run, 6);
        List<Member> members = new ArrayList<>(List.of(new Member(run, topic, config), new Member(run, topic, config)));
        if (after == After.CRASH) {
            Process crashing = memberProcess(run, topic);
            awaitShares(members, 2);
            crashing.destroyForcibly();
            long began = System.nanoTime();
            awaitShares(members, 3);
            double seconds = (System.nanoTime() - began) / 1e9;
            Feats.check(seconds > 4, "a crash was noticed after only " + seconds + " s");
        } else {
            Member third = new Member(run, topic, config);
            members.add(third);
            awaitShares(members, 2);
            if (after == After.LEAVE) {
                third.end();
                members.remove(third);
                awaitShares(members, 3);
            }
        }
        try (var producer = producer(run, Map.of())) {
            for (int i = 0; i < 60; i++) {
                producer.send(new ProducerRecord<>(topic, i % 6, null, bytes("" + i)));
            }
        }
        Feats.await(() -> members.stream().mapToInt(member -> member.values.size()).sum() >= 60);
        List<Set<Integer>> shares = members.stream().map(Member::partitions).toList();
        for (Member member : members) {
            Set<Integer> origins = member.values.stream().map(value -> Integer.parseInt(value) % 6).collect(Collectors.toSet());
            Feats.equal(shares.get(members.indexOf(member)), origins);
            Feats.equal(60 / members.size(), member.values.size());
        }
        for (Member member : members) {
            member.end();
        }
    }

    /** A member in a JVM of its own, which can be killed. */
    private static Process memberProcess(Feats.Run run, String topic) throws Exception {
        return new ProcessBuilder(ProcessHandle.current().info().command().orElseThrow(), "-Xmx64m", "-XX:TieredStopAtLevel=1",
            "-cp", System.getProperty("java.class.path"), "KafkaClients", MEMBER, run.bootstrap(), run.prefix(), topic)
            .redirectOutput(ProcessBuilder.Redirect.DISCARD).redirectError(ProcessBuilder.Redirect.DISCARD).start();
    }

    private static void awaitShares(List<Member> members, int share) throws InterruptedException {
        Feats.await(() -> {
            Set<Integer> all = new HashSet<>();
            for (Member member : members) {
                if (member.failure != null) {
                    throw member.failure;
                }
                all.addAll(member.partitions());
            }
            return all.size() == members.size() * share
                && members.stream().allMatch(member -> member.partitions().size() == share);
        });
    }

    private static void staticMember(Feats.Run run) throws Exception {
        String topic = topic(run, 6);
        List<Member> members = new ArrayList<>();
        for (int i = 0; i < 3; i++) {
            members.add(new Member(run, topic, Map.of("group.instance.id", "instance-" + i)));
        }
        awaitShares(members, 2);
        Set<Integer> before = members.get(2).partitions();
        int revocations = members.get(0).revocations + members.get(1).revocations;
        members.get(2).end();
        Member returned = new Member(run, topic, Map.of("group.instance.id", "instance-2"));
        Feats.await(() -> returned.partitions().size() == 2);
        Feats.equal(before, returned.partitions());
        Feats.equal(revocations, members.get(0).revocations + members.get(1).revocations);
        try (Admin admin = admin(run)) {
            Set<String> instances = describeGroup(admin, run.name("group")).members().stream()
                .map(member -> member.groupInstanceId().orElse("none")).collect(Collectors.toCollection(TreeSet::new));
            Feats.equal(new TreeSet<>(Set.of("instance-0", "instance-1", "instance-2")), instances);
            failsNever(admin.removeMembersFromConsumerGroup(run.name("group"),
                new org.apache.kafka.clients.admin.RemoveMembersFromConsumerGroupOptions(List.of(
                    new org.apache.kafka.clients.admin.MemberToRemove("instance-2")))).all());
        }
        returned.polling = false;
        members.get(0).end();
        members.get(1).end();
    }

    private static void assignor(Feats.Run run, String name, String protocol, List<Set<Integer>> expected) throws Exception {
        String topic = topic(run, 6);
        Map<String, String> config = Map.of("partition.assignment.strategy", ASSIGNORS + name);
        List<Member> members = List.of(new Member(run, topic, config), new Member(run, topic, config));
        awaitShares(members, 3);
        Set<Set<Integer>> shares = members.stream().map(Member::partitions).collect(Collectors.toSet());
        Feats.check(expected.isEmpty() || Set.copyOf(expected).equals(shares), "assigned " + shares);
        try (Admin admin = admin(run)) {
            Feats.equal(protocol, describeGroup(admin, run.name("group")).partitionAssignor());
        }
        for (Member member : members) {
            member.end();
        }
    }

    private static void commit(Feats.Run run) throws Exception {
        String topic = topic(run, 1);
        produce(run, topic, 30, Map.of());
        Map<String, String> config = Map.of("group.id", run.name("group"), "max.poll.records", "10",
            "enable.auto.commit", "false");
        TopicPartition partition = new TopicPartition(topic, 0);
        try (var consumer = consumer(run, config)) {
            consumer.subscribe(List.of(topic));
            Feats.equal("value 9", text(poll(consumer, 10).get(9).value()));
            consumer.commitSync(Map.of(partition, new OffsetAndMetadata(10, "ten")));
        }
        try (var consumer = consumer(run, config)) {
            consumer.subscribe(List.of(topic));
            Feats.equal("value 10", text(poll(consumer, 10).get(0).value()));
            Feats.equal("ten", consumer.committed(Set.of(partition)).get(partition).metadata());
            consumer.commitSync();
        }
        try (var consumer = consumer(run, config)) {
            consumer.subscribe(List.of(topic));
            Feats.equal(20L, poll(consumer, 10).get(0).offset());
        }
    }

    // Admin

    private static void createTopic(Feats.Run run) throws Exception {
        try (Admin admin = admin(run)) {
            NewTopic topic = new NewTopic(run.name("topic"), 4, (short) 1).configs(Map.of("retention.ms", "3600000"));
            var created = admin.createTopics(List.of(topic));
            Feats.equal(4, created.numPartitions(topic.name()).get());
            Feats.equal("3600000", created.config(topic.name()).get().get("retention.ms").value());
            Feats.equal(4, describe(admin, topic.name()).partitions().size());
            Feats.check(admin.listTopics().names().get().contains(topic.name()), "it is not in the list");
            failsWith(org.apache.kafka.common.errors.TopicExistsException.class, admin.createTopics(List.of(topic)).all());
        }
    }

    private static void describeTopic(Feats.Run run) throws Exception {
        String topic = topic(run, "topic", 3, Map.of("segment.bytes", "1048576"));
        try (Admin admin = admin(run)) {
            TopicDescription description = describe(admin, topic);
            Feats.equal(List.of(0, 1, 2), description.partitions().stream().map(each -> each.partition()).toList());
            description.partitions().forEach(each -> Feats.equal(List.of(each.leader()), each.isr()));
            Feats.check(!description.topicId().equals(org.apache.kafka.common.Uuid.ZERO_UUID), "no topic id");
            ConfigEntry entry = configs(admin, topic).get("segment.bytes");
            Feats.equal("1048576", entry.value());
            Feats.equal(ConfigEntry.ConfigSource.DYNAMIC_TOPIC_CONFIG, entry.source());
            Feats.equal(1, admin.describeCluster().nodes().get().size());
        }
    }

    private static void alterConfigs(Feats.Run run) throws Exception {
        String topic = topic(run, 1);
        ConfigResource resource = new ConfigResource(ConfigResource.Type.TOPIC, topic);
        try (Admin admin = admin(run)) {
            admin.incrementalAlterConfigs(Map.of(resource, List.of(
                new AlterConfigOp(new ConfigEntry("segment.ms", "1234567"), AlterConfigOp.OpType.SET),
                new AlterConfigOp(new ConfigEntry("cleanup.policy", "compact"), AlterConfigOp.OpType.APPEND)))).all().get();
            awaitConfig(admin, topic, "segment.ms", "1234567");
            Feats.equal("delete,compact", configs(admin, topic).get("cleanup.policy").value());
            admin.incrementalAlterConfigs(Map.of(resource, List.of(
                new AlterConfigOp(new ConfigEntry("segment.ms", ""), AlterConfigOp.OpType.DELETE)))).all().get();
            awaitConfig(admin, topic, "segment.ms", "604800000");
            failsWith(org.apache.kafka.common.errors.InvalidConfigurationException.class,
                admin.incrementalAlterConfigs(Map.of(resource, List.of(
                    new AlterConfigOp(new ConfigEntry("segment.ms", "soon"), AlterConfigOp.OpType.SET)))).all());
        }
    }

    private static void addPartitions(Feats.Run run) throws Exception {
        String topic = topic(run, 2);
        try (Admin admin = admin(run)) {
            admin.createPartitions(Map.of(topic, NewPartitions.increaseTo(5))).all().get();
            Feats.await(() -> partitionCount(admin, topic) == 5);
            failsWith(org.apache.kafka.common.errors.InvalidPartitionsException.class,
                admin.createPartitions(Map.of(topic, NewPartitions.increaseTo(3))).all());
        }
        try (var producer = producer(run, Map.of())) {
            Feats.equal(0L, producer.send(new ProducerRecord<>(topic, 4, null, bytes("v"))).get().offset());
        }
    }

    private static void deleteRecords(Feats.Run run) throws Exception {
        String topic = topic(run, 1);
        produce(run, topic, 20, Map.of());
        TopicPartition partition = new TopicPartition(topic, 0);
        try (Admin admin = admin(run)) {
            var deleted = admin.deleteRecords(Map.of(partition, RecordsToDelete.beforeOffset(12)));
            Feats.equal(12L, deleted.lowWatermarks().get(partition).get().lowWatermark());
            Feats.equal(12L, admin.listOffsets(Map.of(partition, OffsetSpec.earliest())).partitionResult(partition).get().offset());
        }
        Feats.equal("value 12", text(read(run, topic, 8, Map.of()).get(0).value()));
    }

    private static void deleteTopic(Feats.Run run) throws Exception {
        String topic = topic(run, 2);
        produce(run, topic, 5, Map.of());
        try (Admin admin = admin(run)) {
            admin.deleteTopics(List.of(topic)).all().get();
            Feats.await(() -> partitionCount(admin, topic) == 0);
            failsWith(UnknownTopicOrPartitionException.class, admin.deleteTopics(List.of(topic)).all());
        }
    }

    @SuppressWarnings("deprecation")
    private static void listGroups(Feats.Run run) throws Exception {
        Member member = new Member(run, topic(run, 1), Map.of());
        awaitShares(List.of(member), 1);
        try (Admin admin = admin(run)) {
            var listed = admin.listConsumerGroups().all().get().stream()
                .filter(group -> group.groupId().equals(run.name("group"))).toList();
            Feats.equal(1, listed.size());
            Feats.equal("Stable", listed.get(0).state().orElseThrow().toString());
        }
        member.end();
    }

    private static void describeGroup(Feats.Run run) throws Exception {
        String topic = topic(run, 3);
        Member member = new Member(run, topic, Map.of("client.id", "it is me"));
        awaitShares(List.of(member), 3);
        try (Admin admin = admin(run)) {
            ConsumerGroupDescription group = describeGroup(admin, run.name("group"));
            Feats.equal(1, group.members().size());
            var described = group.members().iterator().next();
            Feats.equal("it is me", described.clientId());
            Feats.check(described.consumerId().startsWith("it is me-"), described.consumerId());
            Feats.equal("/127.0.0.1", described.host());
            Feats.equal(IntStream.range(0, 3).mapToObj(each -> new TopicPartition(topic, each)).collect(Collectors.toSet()),
                described.assignment().topicPartitions());
            Feats.equal("range", group.partitionAssignor());
        }
        member.end();
    }

    private static void resetOffsets(Feats.Run run) throws Exception {
        String topic = topic(run, 1);
        produce(run, topic, 20, Map.of());
        TopicPartition partition = new TopicPartition(topic, 0);
        String group = run.name("group");
        Member member = new Member(run, topic, Map.of());
        Feats.await(() -> member.values.size() == 20);
        member.end();
        try (Admin admin = admin(run)) {
            Feats.equal(20L, admin.listConsumerGroupOffsets(group).partitionsToOffsetAndMetadata().get().get(partition).offset());
            admin.alterConsumerGroupOffsets(group, Map.of(partition, new OffsetAndMetadata(15))).all().get();
        }
        try (var consumer = consumer(run, Map.of("group.id", group))) {
            consumer.subscribe(List.of(topic));
            Feats.equal("value 15", text(poll(consumer, 5).get(0).value()));
        }
        try (Admin admin = admin(run)) {
            admin.deleteConsumerGroupOffsets(group, Set.of(partition)).all().get();
            Feats.equal(Map.of(), admin.listConsumerGroupOffsets(group).partitionsToOffsetAndMetadata().get());
        }
    }

    private static void deleteGroup(Feats.Run run) throws Exception {
        Member member = new Member(run, topic(run, 1), Map.of());
        awaitShares(List.of(member), 1);
        String group = run.name("group");
        try (Admin admin = admin(run)) {
            failsWith(org.apache.kafka.common.errors.GroupNotEmptyException.class, admin.deleteConsumerGroups(List.of(group)).all());
            member.end();
            admin.deleteConsumerGroups(List.of(group)).all().get();
            failsWith(GroupIdNotFoundException.class, admin.deleteConsumerGroups(List.of(group)).all());
        }
    }

    // Transactions

    private static void transactionCommit(Feats.Run run) throws Exception {
        String topic = topic(run, 2);
        try (var producer = producer(run, Map.of("transactional.id", run.name("id")))) {
            producer.initTransactions();
            producer.beginTransaction();
            for (int i = 0; i < 20; i++) {
                producer.send(new ProducerRecord<>(topic, i % 2, null, bytes("" + i))).get();
            }
            Feats.equal(List.of(), readCommitted(run, topic));
            producer.commitTransaction();
        }
        Feats.equal(20, read(run, topic, 20, Map.of("isolation.level", "read_committed")).size());
    }

    private static void transactionAbort(Feats.Run run) throws Exception {
        String topic = topic(run, 1);
        try (var producer = producer(run, Map.of("transactional.id", run.name("id")))) {
            producer.initTransactions();
            producer.beginTransaction();
            producer.send(new ProducerRecord<>(topic, bytes("aborted"))).get();
            producer.abortTransaction();
            producer.beginTransaction();
            producer.send(new ProducerRecord<>(topic, bytes("committed"))).get();
            producer.commitTransaction();
        }
        var records = read(run, topic, 1, Map.of("isolation.level", "read_committed"));
        Feats.equal("committed", text(records.get(0).value()));
        Feats.equal(2L, records.get(0).offset());
        Feats.equal(List.of("aborted", "committed"),
            read(run, topic, 2, Map.of()).stream().map(record -> text(record.value())).toList());
    }

    private static void transactionOffsets(Feats.Run run) throws Exception {
        String source = topic(run, "source", 1, Map.of());
        String sink = topic(run, "sink", 1, Map.of());
        produce(run, source, 10, Map.of());
        TopicPartition partition = new TopicPartition(source, 0);
        Map<String, String> group = Map.of("group.id", run.name("group"), "enable.auto.commit", "false");
        try (var producer = producer(run, Map.of("transactional.id", run.name("id"))); var consumer = consumer(run, group)) {
            producer.initTransactions();
            consumer.subscribe(List.of(source));
            var records = poll(consumer, 10);
            for (boolean commits : List.of(false, true)) {
                producer.beginTransaction();
                for (var record : records) {
                    producer.send(new ProducerRecord<>(sink, bytes(text(record.value()) + " seen")));
                }
                producer.sendOffsetsToTransaction(Map.of(partition, new OffsetAndMetadata(10)), consumer.groupMetadata());
                if (commits) {
                    producer.commitTransaction();
                } else {
                    producer.abortTransaction();
                    Feats.equal(null, consumer.committed(Set.of(partition)).get(partition));
                }
            }
            // The offset counts once the coordinator has written its marker, after the producer was answered.
            Feats.await(() -> {
                OffsetAndMetadata committed = consumer.committed(Set.of(partition)).get(partition);
                return committed != null && committed.offset() == 10;
            });
        }
        var seen = read(run, sink, 10, Map.of("isolation.level", "read_committed"));
        Feats.equal("value 9 seen", text(seen.get(9).value()));
    }

    private static List<String> readCommitted(Feats.Run run, String topic) {
        try (var consumer = consumer(run, Map.of("isolation.level", "read_committed"))) {
            List<TopicPartition> partitions = List.of(new TopicPartition(topic, 0), new TopicPartition(topic, 1));
            consumer.assign(partitions);
            consumer.seekToBeginning(partitions);
            List<String> values = new ArrayList<>();
            consumer.poll(Duration.ofSeconds(1)).forEach(record -> values.add(text(record.value())));
            return values;
        }
    }

    // What the feats are made of

    private static String topic(Feats.Run run, int partitions) throws Exception {
        return topic(run, "topic", partitions, Map.of());
    }

    private static String topic(Feats.Run run, String part, int partitions, Map<String, String> configs) throws Exception {
        try (Admin admin = admin(run)) {
            String name = run.name(part);
            admin.createTopics(List.of(new NewTopic(name, partitions, (short) 1).configs(configs))).all().get();
            Feats.await(() -> partitionCount(admin, name) == partitions);
            return name;
        }
    }

    private static Admin admin(Feats.Run run) {
        return Admin.create(Map.of("bootstrap.servers", run.bootstrap()));
    }

    private static KafkaProducer<byte[], byte[]> producer(Feats.Run run, Map<String, String> config) {
        Map<String, Object> all = new HashMap<>(config);
        all.put("bootstrap.servers", run.bootstrap());
        all.put("max.block.ms", "20000");
        return new KafkaProducer<>(all, new ByteArraySerializer(), new ByteArraySerializer());
    }

    private static KafkaConsumer<byte[], byte[]> consumer(Feats.Run run, Map<String, String> config) {
        Map<String, Object> all = new HashMap<>(Map.of("auto.offset.reset", "earliest"));
        all.putAll(config);
        all.put("bootstrap.servers", run.bootstrap());
        return new KafkaConsumer<>(all, new ByteArrayDeserializer(), new ByteArrayDeserializer());
    }

    private static List<RecordMetadata> produce(Feats.Run run, String topic, int count, Map<String, String> config) throws Exception {
        List<Future<RecordMetadata>> sent = new ArrayList<>();
        try (var producer = producer(run, config)) {
            for (int i = 0; i < count; i++) {
                sent.add(producer.send(new ProducerRecord<>(topic, bytes("value " + i))));
            }
        }
        List<RecordMetadata> answers = new ArrayList<>();
        for (var each : sent) {
            answers.add(each.get());
        }
        return answers;
    }

    /** Everything in a topic, which must be exactly `count` records. */
    private static List<ConsumerRecord<byte[], byte[]>> read(Feats.Run run, String topic, int count, Map<String, String> config) {
        try (var consumer = consumer(run, config)) {
            List<TopicPartition> partitions = consumer.partitionsFor(topic).stream()
                .map(each -> new TopicPartition(topic, each.partition())).toList();
            consumer.assign(partitions);
            consumer.seekToBeginning(partitions);
            var records = poll(consumer, count);
            Feats.check(consumer.poll(POLL).isEmpty(), "more than " + count + " records");
            return records;
        }
    }

    private static List<ConsumerRecord<byte[], byte[]>> poll(KafkaConsumer<byte[], byte[]> consumer, int count) {
        List<ConsumerRecord<byte[], byte[]>> records = new ArrayList<>();
        while (records.size() < count) {
            consumer.poll(POLL).forEach(records::add);
        }
        Feats.equal(count, records.size());
        return records;
    }

    private static TopicDescription describe(Admin admin, String topic) throws Exception {
        return admin.describeTopics(List.of(topic)).allTopicNames().get().get(topic);
    }

    private static int partitionCount(Admin admin, String topic) {
        try {
            return describe(admin, topic).partitions().size();
        } catch (Exception unknown) {
            Feats.check(unknown.getCause() instanceof UnknownTopicOrPartitionException, "" + unknown.getCause());
            return 0;
        }
    }

    private static Map<String, ConfigEntry> configs(Admin admin, String topic) throws Exception {
        ConfigResource resource = new ConfigResource(ConfigResource.Type.TOPIC, topic);
        Map<String, ConfigEntry> entries = new TreeMap<>();
        admin.describeConfigs(List.of(resource)).all().get().get(resource).entries().forEach(each -> entries.put(each.name(), each));
        return entries;
    }

    private static void awaitConfig(Admin admin, String topic, String name, String value) throws Exception {
        while (!value.equals(configs(admin, topic).get(name).value())) {
            Thread.sleep(20);
        }
    }

    private static ConsumerGroupDescription describeGroup(Admin admin, String group) throws Exception {
        return admin.describeConsumerGroups(List.of(group)).all().get().get(group);
    }

    private static void failsWith(Class<? extends Exception> expected, Future<?> done) throws Exception {
        try {
            done.get();
        } catch (ExecutionException failed) {
            Feats.equal(Optional.of(expected), Optional.of(failed.getCause().getClass()));
            return;
        }
        throw new AssertionError("it must fail with " + expected.getSimpleName());
    }

    private static void failsNever(Future<?> done) throws Exception {
        done.get();
    }

    private static byte[] bytes(String text) {
        return text.getBytes(StandardCharsets.UTF_8);
    }

    private static String text(byte[] bytes) {
        return new String(bytes, StandardCharsets.UTF_8);
    }
}
