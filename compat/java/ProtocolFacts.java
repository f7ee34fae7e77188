import java.lang.reflect.Method;
import org.apache.kafka.common.message.ApiMessageType.ListenerType;
import org.apache.kafka.common.protocol.ApiKeys;
import org.apache.kafka.common.protocol.Errors;
import org.apache.kafka.common.requests.ApiVersionsResponse;
import org.apache.kafka.common.errors.RetriableException;
import org.apache.kafka.server.common.MetadataVersion;

/**
 * Prints what one Kafka release says about its protocol, one fact a line, parts separated by tabs:
 *
 *     error    CODE  NAME  RETRIABLE  MESSAGE
 *     api      KEY   NAME
 *     header   KEY   VERSION  REQUEST_HEADER_VERSION  RESPONSE_HEADER_VERSION
 *     offered  LISTENER  KEY  LOWEST  HIGHEST
 *     spoken   INTER_BROKER_PROTOCOL_VERSION  FETCH_VERSION  LIST_OFFSETS_VERSION
 *
 * Offered is what an ApiVersions response lists, without unstable versions and with client telemetry.
 */
public class ProtocolFacts {
    public static void main(String[] arguments) throws Exception {
        for (Errors error : Errors.values())
            print("error", error.code(), error.name(), error.exception() instanceof RetriableException,
                error.message());
        for (ApiKeys api : ApiKeys.values()) {
            print("api", api.id, api.name());
            for (short version = api.oldestVersion(); version <= api.latestVersion(true); version++)
                print("header", api.id, version, api.requestHeaderVersion(version),
                    api.responseHeaderVersion(version));
        }
        for (ListenerType listener : ListenerType.values())
            for (Object offered : offered(listener))
                print("offered", listener.name(), get(offered, "apiKey"), get(offered, "minVersion"),
                    get(offered, "maxVersion"));
        for (MetadataVersion version : MetadataVersion.VERSIONS)
            print("spoken", version.version(), version.fetchRequestVersion(), version.listOffsetRequestVersion());
    }

    /** ApiVersionsResponse.filterApis, whose parameters differ between releases. */
    private static Iterable<?> offered(ListenerType listener) throws Exception {
        for (Method method : ApiVersionsResponse.class.getMethods()) {
            if (!method.getName().equals("filterApis"))
                continue;
            Class<?>[] types = method.getParameterTypes();
            Object[] values = new Object[types.length];
            for (int i = 0; i < types.length; i++) {
                if (types[i] == ListenerType.class)
                    values[i] = listener;
                else if (types[i] == boolean.class)
                    values[i] = i == types.length - 1;
                else
                    values[i] = types[i].getEnumConstants()[types[i].getEnumConstants().length - 1];
            }
            return (Iterable<?>) method.invoke(null, values);
        }
        throw new NoSuchMethodException("filterApis");
    }

    private static Object get(Object from, String name) throws Exception {
        return from.getClass().getMethod(name).invoke(from);
    }

    private static void print(Object... parts) {
        StringBuilder line = new StringBuilder();
        for (Object part : parts)
            line.append(line.length() == 0 ? "" : "\t").append(part);
        System.out.println(line);
    }
}
