import java.io.PrintStream;
import java.lang.reflect.AccessibleObject;
import java.lang.reflect.Field;
import java.lang.reflect.Method;
import java.util.ArrayList;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import java.util.TreeMap;
import java.util.function.Function;
import org.apache.kafka.common.config.ConfigDef;

/**
 * Prints what one Kafka release knows about its configs as one JSON object: the definitions of each scope in
 * Kafka's own order, the names a running broker may change, and the broker configs behind each topic config.
 * Facts only: Kafka's documentation strings are left out.
 *
 * Runs from source over a release's jars: java -cp 'JARS/*' ConfigDump.java
 *
 * Everything is reached by reflection, because the classes moved between releases (Scala objects up to 3.x,
 * Java classes from then on); the first place that a release has wins, and a scope it has not is left out.
 */
public class ConfigDump {
    private static final PrintStream OUT = System.out;

    public static void main(String[] arguments) throws Exception {
        Map<String, Object> scopes = new LinkedHashMap<>();
        put(scopes, "broker", "org.apache.kafka.server.config.AbstractKafkaConfig#CONFIG_DEF",
            "kafka.server.KafkaConfig$#configDef", "kafka.server.KafkaConfig$#kafka$server$KafkaConfig$$configDef");
        put(scopes, "topic", "org.apache.kafka.storage.internals.log.LogConfig#configDefCopy",
            "kafka.log.LogConfig$#configDefCopy", "kafka.log.LogConfig$#kafka$log$LogConfig$$configDef",
            "kafka.log.LogConfig$#configDef");
        put(scopes, "group", "org.apache.kafka.coordinator.group.GroupConfig#CONFIG_DEF",
            "org.apache.kafka.coordinator.group.GroupConfig#configDef");
        put(scopes, "client-metrics", "org.apache.kafka.server.metrics.ClientMetricsConfigs#configDef");
        putQuotas(scopes, "broker-quotas", "brokerQuotaConfigs", "kafka.server.DynamicConfig$Broker$#brokerConfigDef");
        putQuotas(scopes, "client", "userAndClientQuotaConfigs", "kafka.server.DynamicConfig$Client$#clientConfigs");
        putQuotas(scopes, "user", "scramMechanismsPlusUserAndClientQuotaConfigs",
            "kafka.server.DynamicConfig$User$#userConfigs");
        putQuotas(scopes, "ip", "ipConfigs", "kafka.server.DynamicConfig$Ip$#ipConfigs");

        OUT.print("{\"scopes\": {");
        String separator = "\n";
        for (Map.Entry<String, Object> scope : scopes.entrySet()) {
            OUT.print(separator + "  " + quote(scope.getKey()) + ": [");
            printDefinitions((ConfigDef) scope.getValue());
            OUT.print("]");
            separator = ",\n";
        }
        OUT.print("},\n \"update_modes\": ");
        printMap(first("org.apache.kafka.server.config.DynamicBrokerConfig#dynamicConfigUpdateModes",
            "kafka.server.DynamicBrokerConfig$#dynamicConfigUpdateModes"));
        OUT.print(",\n \"topic_synonyms\": ");
        printMap(synonyms());
        OUT.print(",\n \"group_synonyms\": ");
        printMap(first("org.apache.kafka.coordinator.group.GroupConfig#ALL_GROUP_CONFIG_SYNONYMS"));
        OUT.println("}");
    }

    private static void put(Map<String, Object> scopes, String scope, String... places) throws Exception {
        Object found = first(places);
        if (found != null) {
            scopes.put(scope, found);
        }
    }

    private static void putQuotas(Map<String, Object> scopes, String scope, String method, String oldPlace)
            throws Exception {
        put(scopes, scope, "org.apache.kafka.server.config.QuotaConfig#" + method,
            "org.apache.kafka.server.config.QuotaConfigs#" + method, oldPlace);
    }

    /** Topic config to "broker config[*factor], ..." in order of precedence. */
    private static Map<String, String> synonyms() throws Exception {
        Map<?, ?> all = (Map<?, ?>) first(
            "org.apache.kafka.server.config.ServerTopicConfigSynonyms#ALL_TOPIC_CONFIG_SYNONYMS");
        Map<String, String> printed = new TreeMap<>();
        if (all == null) {
            return printed;
        }
        for (Map.Entry<?, ?> entry : all.entrySet()) {
            List<String> names = new ArrayList<>();
            for (Object synonym : (List<?>) entry.getValue()) {
                String name = (String) call(synonym, "name");
                @SuppressWarnings("unchecked")
                Function<String, String> converter = (Function<String, String>) call(synonym, "converter");
                String factor = converter.apply("1");
                names.add(factor.equals("1") ? name : name + "*" + factor);
            }
            printed.put((String) entry.getKey(), String.join(",", names));
        }
        return printed;
    }

    private static void printDefinitions(ConfigDef definition) {
        String separator = "\n";
        for (ConfigDef.ConfigKey key : definition.configKeys().values()) {
            OUT.print(separator + "    {\"name\": " + quote(key.name));
            OUT.print(", \"type\": " + quote(key.type.name()));
            OUT.print(", \"has_default\": " + key.hasDefault());
            OUT.print(", \"default\": "
                + quote(key.hasDefault() ? ConfigDef.convertToString(key.defaultValue, key.type) : null));
            OUT.print(", \"validator\": " + quote(key.validator == null ? null : key.validator.toString()));
            OUT.print(", \"validator_class\": "
                + quote(key.validator == null ? null : key.validator.getClass().getSimpleName()));
            OUT.print(", \"validator_flags\": " + quote(flags(key.validator)));
            OUT.print(", \"importance\": " + quote(key.importance.name()));
            OUT.print(", \"internal\": " + key.internalConfig + "}");
            separator = ",\n";
        }
    }

    /** The names of a validator's boolean fields that are true: whether it allows null, or an empty list. */
    private static String flags(Object validator) {
        List<String> set = new ArrayList<>();
        if (validator != null) {
            for (Field field : validator.getClass().getDeclaredFields()) {
                try {
                    field.setAccessible(true);
                    if (Boolean.TRUE.equals(field.get(validator))) {
                        set.add(field.getName());
                    }
                } catch (ReflectiveOperationException | RuntimeException unreadable) {
                    continue;
                }
            }
        }
        return String.join(",", set);
    }

    private static void printMap(Object map) {
        OUT.print("{");
        String separator = "\n";
        if (map != null) {
            for (Map.Entry<?, ?> entry : new TreeMap<Object, Object>((Map<?, ?>) map).entrySet()) {
                OUT.print(separator + "    " + quote(entry.getKey().toString()) + ": "
                    + quote(entry.getValue().toString()));
                separator = ",\n";
            }
        }
        OUT.print("}");
    }

    /** The value of the first "class#member" that exists; a class named X$ is a Scala object. */
    private static Object first(String... places) throws Exception {
        for (String place : places) {
            String[] parts = place.split("#");
            Class<?> type;
            try {
                type = Class.forName(parts[0]);
            } catch (ClassNotFoundException elsewhere) {
                continue;
            }
            Object module = null;
            if (parts[0].endsWith("$")) {
                module = type.getField("MODULE$").get(null);
            }
            AccessibleObject member = member(type, parts[1]);
            if (member == null) {
                continue;
            }
            member.setAccessible(true);
            return member instanceof Field ? ((Field) member).get(module) : ((Method) member).invoke(module);
        }
        return null;
    }

    private static AccessibleObject member(Class<?> type, String name) {
        for (Method method : type.getDeclaredMethods()) {
            if (method.getName().equals(name) && method.getParameterCount() == 0) {
                return method;
            }
        }
        for (Field field : type.getDeclaredFields()) {
            if (field.getName().equals(name)) {
                return field;
            }
        }
        return null;
    }

    private static Object call(Object target, String method) throws Exception {
        Method found = target.getClass().getMethod(method);
        found.setAccessible(true);
        return found.invoke(target);
    }

    private static String quote(String text) {
        if (text == null) {
            return "null";
        }
        StringBuilder quoted = new StringBuilder("\"");
        for (char c : text.toCharArray()) {
            if (c == '"' || c == '\\') {
                quoted.append('\\').append(c);
            } else if (c < ' ') {
                quoted.append(String.format("\\u%04x", (int) c));
            } else {
                quoted.append(c);
            }
        }
        return quoted.append('"').toString();
    }
}
