import java.io.BufferedReader;
import java.io.File;
import java.io.InputStreamReader;
import java.io.PrintStream;
import java.lang.reflect.Constructor;
import java.lang.reflect.InvocationTargetException;
import java.lang.reflect.Method;
import java.net.URL;
import java.net.URLClassLoader;
import java.nio.ByteBuffer;
import java.nio.charset.StandardCharsets;
import java.util.ArrayList;
import java.util.HashMap;
import java.util.HexFormat;
import java.util.List;
import java.util.Map;

/**
 * Encodes and decodes Kafka messages with Kafka's own classes, of several releases in one JVM.
 *
 *     java MessageCodec RELEASE=DIRECTORY_OF_JARS ...
 *
 * One request a line on standard input, its parts separated by a tab, one answer a line:
 *
 *     RELEASE  CLASS  VERSION  json  JSON   ->  hex, or "! " and why not
 *     RELEASE  CLASS  VERSION  hex   HEX    ->  JSON, tab, hex of what was read and written again, or "! "
 *
 * The class names of the releases are the same, so each release has a class loader of its own and everything
 * is reached by reflection.
 */
public class MessageCodec {
    private static final String[] PACKAGES = {
        "org.apache.kafka.common.message.",
        "org.apache.kafka.coordinator.group.generated.",
        "org.apache.kafka.coordinator.transaction.generated.",
        "org.apache.kafka.coordinator.share.generated.",
        "org.apache.kafka.server.log.remote.metadata.storage.generated.",
        "org.apache.kafka.raft.generated.",
    };

    private final ClassLoader loader;
    private final Object mapper;
    private final Method readTree;
    private final Method writeValue;
    private final Class<?> readable;
    private final Class<?> writable;
    private final Class<?> cache;
    private final Constructor<?> accessor;
    private final Map<String, Message> messages = new HashMap<>();

    private MessageCodec(String directory) throws Exception {
        List<URL> urls = new ArrayList<>();
        for (File file : new File(directory).listFiles())
            urls.add(file.toURI().toURL());
        loader = new URLClassLoader(urls.toArray(new URL[0]), ClassLoader.getPlatformClassLoader());
        Class<?> mapperClass = loader.loadClass("com.fasterxml.jackson.databind.ObjectMapper");
        mapper = mapperClass.getConstructor().newInstance();
        readTree = mapperClass.getMethod("readTree", String.class);
        writeValue = mapperClass.getMethod("writeValueAsString", Object.class);
        readable = loader.loadClass("org.apache.kafka.common.protocol.Readable");
        writable = loader.loadClass("org.apache.kafka.common.protocol.Writable");
        cache = loader.loadClass("org.apache.kafka.common.protocol.ObjectSerializationCache");
        accessor = loader.loadClass("org.apache.kafka.common.protocol.ByteBufferAccessor")
            .getConstructor(ByteBuffer.class);
    }

    /** The methods of one message class and of its JSON converter. */
    private final class Message {
        final Constructor<?> read;
        final Method size;
        final Method write;
        final Method fromJson;
        final Method toJson;

        Message(String name) throws Exception {
            Class<?> data = find(name);
            Class<?> converter = loader.loadClass(data.getName() + "JsonConverter");
            read = data.getConstructor(readable, short.class);
            size = data.getMethod("size", cache, short.class);
            write = data.getMethod("write", writable, cache, short.class);
            Class<?> node = loader.loadClass("com.fasterxml.jackson.databind.JsonNode");
            fromJson = converter.getMethod("read", node, short.class);
            toJson = converter.getMethod("write", data, short.class, boolean.class);
        }

        private Class<?> find(String name) throws ClassNotFoundException {
            for (String prefix : PACKAGES) {
                try {
                    return loader.loadClass(prefix + name);
                } catch (ClassNotFoundException absent) {
                    continue;
                }
            }
            throw new ClassNotFoundException(name);
        }

        String encode(Object data, short version) throws Exception {
            Object sizes = cache.getConstructor().newInstance();
            ByteBuffer buffer = ByteBuffer.allocate((Integer) size.invoke(data, sizes, version));
            write.invoke(data, accessor.newInstance(buffer), sizes, version);
            if (buffer.hasRemaining())
                throw new IllegalStateException(buffer.remaining() + " bytes fewer than announced");
            return HexFormat.of().formatHex(buffer.array());
        }
    }

    private String answer(String name, short version, String kind, String text) throws Exception {
        Message message = messages.get(name);
        if (message == null)
            messages.put(name, message = new Message(name));
        if (kind.equals("json"))
            return message.encode(message.fromJson.invoke(null, readTree.invoke(mapper, text), version), version);
        ByteBuffer buffer = ByteBuffer.wrap(HexFormat.of().parseHex(text));
        Object data = message.read.newInstance(accessor.newInstance(buffer), version);
        if (buffer.hasRemaining())
            throw new IllegalStateException(buffer.remaining() + " bytes are left over");
        Object json = message.toJson.invoke(null, data, version, false);
        return writeValue.invoke(mapper, json) + "\t" + message.encode(data, version);
    }

    public static void main(String[] arguments) throws Exception {
        Map<String, MessageCodec> releases = new HashMap<>();
        for (String argument : arguments) {
            String[] parts = argument.split("=", 2);
            releases.put(parts[0], new MessageCodec(parts[1]));
        }
        PrintStream out = new PrintStream(System.out, false, StandardCharsets.UTF_8);
        BufferedReader in = new BufferedReader(new InputStreamReader(System.in, StandardCharsets.UTF_8));
        for (String line = in.readLine(); line != null; line = in.readLine()) {
            String[] parts = line.split("\t", 5);
            try {
                MessageCodec codec = releases.get(parts[0]);
                out.println(codec.answer(parts[1], Short.parseShort(parts[2]), parts[3], parts[4]));
            } catch (InvocationTargetException e) {
                out.println("! " + String.valueOf(e.getCause()).replace('\n', ' '));
            } catch (Exception e) {
                out.println("! " + String.valueOf(e).replace('\n', ' '));
            }
            if (!in.ready())
                out.flush();
        }
        out.flush();
    }
}
