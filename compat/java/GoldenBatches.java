import java.nio.ByteBuffer;
import java.nio.charset.StandardCharsets;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.List;
import org.apache.kafka.common.TopicPartition;
import org.apache.kafka.common.compress.Compression;
import org.apache.kafka.common.header.Header;
import org.apache.kafka.common.header.internals.RecordHeader;
import org.apache.kafka.common.record.CompressionType;
import org.apache.kafka.common.record.ControlRecordType;
import org.apache.kafka.common.record.EndTransactionMarker;
import org.apache.kafka.common.record.MemoryRecords;
import org.apache.kafka.common.record.MemoryRecordsBuilder;
import org.apache.kafka.common.record.Record;
import org.apache.kafka.common.record.RecordBatch;
import org.apache.kafka.common.record.TimestampType;
import org.apache.kafka.common.utils.BufferSupplier;
import org.apache.kafka.common.utils.PrimitiveRef;
import org.apache.kafka.common.utils.Time;
import org.apache.kafka.server.common.MetadataVersion;
import org.apache.kafka.storage.internals.log.AppendOrigin;
import org.apache.kafka.storage.internals.log.LogValidator;

/**
 * Batches as Kafka itself writes, converts and reads them. Runs from source over the jars of 3.9.2:
 *
 *   java -cp 'JARS/*' GoldenBatches.java write DIRECTORY   makes the golden files of tests/records/golden
 *   java -cp 'JARS/*' GoldenBatches.java read FILE...      prints what Kafka reads in each, one record a line
 *
 * Files are named magic-codec.bin, down-magic-codec.bin (a magic-2 file after down-conversion from offset 12) and
 * up-magic-codec.bin (a file of magic 0 or 1 as a leader at offset 100 and epoch 9 appends it).
 */
public class GoldenBatches {
    private static final TopicPartition PARTITION = new TopicPartition("t", 0);
    private static final long BASE_OFFSET = 10;
    private static final long START_MS = 1_700_000_000_000L;

    public static void main(String[] arguments) throws Exception {
        if (arguments[0].equals("write"))
            write(Path.of(arguments[1]));
        else
            for (int i = 1; i < arguments.length; i++)
                read(Path.of(arguments[i]));
    }

    private static void write(Path directory) throws Exception {
        for (CompressionType codec : CompressionType.values()) {
            MemoryRecords batch = build((byte) 2, codec, TimestampType.CREATE_TIME, -1);
            save(directory, "2-" + codec.name, batch);
            if (codec == CompressionType.ZSTD)
                continue;
            for (byte magic = 0; magic < 2; magic++) {
                save(directory, "down-" + magic + "-" + codec.name, batch.downConvert(magic, 12, Time.SYSTEM).records());
                MemoryRecords old = build(magic, codec, TimestampType.CREATE_TIME, -1);
                save(directory, magic + "-" + codec.name, old);
                save(directory, "up-" + magic + "-" + codec.name, append(old, codec));
            }
        }
        save(directory, "2-appendtime", build((byte) 2, CompressionType.NONE, TimestampType.LOG_APPEND_TIME, START_MS + 77));
        save(directory, "1-appendtime", build((byte) 1, CompressionType.GZIP, TimestampType.LOG_APPEND_TIME, START_MS + 77));
        MemoryRecordsBuilder transactional = MemoryRecords.builder(ByteBuffer.allocate(4096), (byte) 2, Compression.NONE,
            TimestampType.CREATE_TIME, BASE_OFFSET, -1, 42, (short) 3, Integer.MAX_VALUE - 2, true, 5);
        fill(transactional, (byte) 2);
        save(directory, "2-transactional", transactional.build());
        save(directory, "2-control", MemoryRecords.withEndTransactionMarker(BASE_OFFSET, START_MS, 5, 42, (short) 3,
            new EndTransactionMarker(ControlRecordType.COMMIT, 11)));
    }

    private static MemoryRecords build(byte magic, CompressionType codec, TimestampType type, long appendTimeMs) {
        MemoryRecordsBuilder builder = MemoryRecords.builder(ByteBuffer.allocate(4096), magic,
            Compression.of(codec).build(), type, BASE_OFFSET, appendTimeMs);
        fill(builder, magic);
        return builder.build();
    }

    private static void fill(MemoryRecordsBuilder builder, byte magic) {
        for (int i = 0; i < 6; i++) {
            byte[] key = i % 3 == 0 ? null : bytes("key-" + i);
            byte[] value = i == 4 ? null : bytes(("value-" + i + " ").repeat(i * 4));
            Header[] headers = magic < 2 || i % 2 == 0 ? Record.EMPTY_HEADERS : new Header[] {
                new RecordHeader("h" + i, bytes("x")), new RecordHeader("ü", null), new RecordHeader("", new byte[0])};
            builder.appendWithOffset(BASE_OFFSET + i, START_MS + i * 1000 - (i % 2) * 1500, key, value, headers);
        }
    }

    private static MemoryRecords append(MemoryRecords records, CompressionType codec) {
        LogValidator validator = new LogValidator(records, PARTITION, Time.SYSTEM, codec, Compression.of(codec).build(),
            false, (byte) 2, TimestampType.CREATE_TIME, Long.MAX_VALUE, Long.MAX_VALUE, 9, AppendOrigin.CLIENT,
            MetadataVersion.latestProduction());
        return validator.validateMessagesAndAssignOffsets(PrimitiveRef.ofLong(100), new NoMetrics(),
            BufferSupplier.NO_CACHING).validatedRecords;
    }

    private static void save(Path directory, String name, MemoryRecords records) throws Exception {
        byte[] content = new byte[records.sizeInBytes()];
        records.buffer().duplicate().get(content);
        Files.write(directory.resolve(name + ".bin"), content);
    }

    private static void read(Path file) throws Exception {
        MemoryRecords records = MemoryRecords.readableRecords(ByteBuffer.wrap(Files.readAllBytes(file)));
        for (RecordBatch batch : records.batches()) {
            batch.ensureValid();
            for (Record record : batch) {
                record.ensureValid();
                List<String> headers = new ArrayList<>();
                for (Header header : record.headers())
                    headers.add(header.key() + "=" + text(header.value() == null ? null : ByteBuffer.wrap(header.value())));
                System.out.println(file.getFileName() + " " + record.offset() + " " + record.timestamp() + " "
                    + text(record.key()) + " " + text(record.value()) + " " + headers);
            }
        }
    }

    private static String text(ByteBuffer content) {
        return content == null ? "null" : "'" + StandardCharsets.UTF_8.decode(content.duplicate()) + "'";
    }

    private static byte[] bytes(String text) {
        return text.getBytes(StandardCharsets.UTF_8);
    }

    private static class NoMetrics implements LogValidator.MetricsRecorder {
        public void recordInvalidMagic() { }
        public void recordInvalidOffset() { }
        public void recordInvalidSequence() { }
        public void recordInvalidChecksums() { }
        public void recordNoKeyCompactedTopic() { }
    }
}
