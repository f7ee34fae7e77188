import java.util.ArrayList;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import java.util.Objects;
import java.util.concurrent.ExecutionException;
import java.util.concurrent.ExecutorService;
import java.util.concurrent.Executors;
import java.util.concurrent.Future;
import java.util.concurrent.TimeUnit;
import java.util.concurrent.TimeoutException;
import java.util.function.BooleanSupplier;

/**
 * What every Java client's program shares: feats by name, a deadline for each, one JSON line for each on
 * standard output. Arguments: the broker's host:port, a prefix for names, the feats separated by commas.
 */
public final class Feats {
    /** A feat throws when what it sees is not what it must see. */
    @FunctionalInterface
    public interface Feat {
        void run(Run run) throws Exception;
    }

    /** One feat's own names and the broker's address. */
    public record Run(String bootstrap, String prefix) {
        public String name(String part) {
            return prefix + "-" + part;
        }
    }

    private static final int AT_ONCE = 3;

    private final Map<String, Feat> feats = new LinkedHashMap<>();
    private final long timeoutSeconds;

    public Feats(long timeoutSeconds) {
        this.timeoutSeconds = timeoutSeconds;
    }

    public Feats add(String name, Feat feat) {
        feats.put(name, feat);
        return this;
    }

    /** Runs what was asked for, a few at once, and ends the JVM whatever threads are left. */
    public void main(String[] arguments) throws InterruptedException {
        List<String> asked = new ArrayList<>(List.of(arguments[2].split(",")));
        asked.retainAll(feats.keySet());
        ExecutorService slots = Executors.newFixedThreadPool(AT_ONCE);
        for (String name : asked) {
            slots.execute(() -> report(name, new Run(arguments[0], arguments[1] + "-" + name)));
        }
        slots.shutdown();
        slots.awaitTermination(1, TimeUnit.HOURS);
        Runtime.getRuntime().halt(0);
    }

    private void report(String name, Run run) {
        long began = System.nanoTime();
        ExecutorService own = Executors.newSingleThreadExecutor();
        Future<?> done = own.submit(() -> {
            feats.get(name).run(run);
            return null;
        });
        String wrong = "";
        try {
            done.get(timeoutSeconds, TimeUnit.SECONDS);
        } catch (TimeoutException late) {
            wrong = "not done after " + timeoutSeconds + " s";
        } catch (ExecutionException failed) {
            wrong = described(failed.getCause());
        } catch (InterruptedException interrupted) {
            wrong = "interrupted";
        }
        own.shutdownNow();
        double seconds = (System.nanoTime() - began) / 1e9;
        synchronized (System.out) {
            System.out.printf("{\"feat\": \"%s\", \"ok\": %s, \"detail\": %s, \"seconds\": %.2f}%n",
                name, wrong.isEmpty(), quoted(wrong), seconds);
        }
    }

    /** The error, and the line of the program where it arose. */
    private static String described(Throwable error) {
        for (StackTraceElement frame : error.getStackTrace()) {
            if (!frame.getClassName().contains(".") && !frame.getClassName().equals("Feats")) {
                return error + " (" + frame.getFileName() + ":" + frame.getLineNumber() + ")";
            }
        }
        return error.toString();
    }

    private static String quoted(String text) {
        StringBuilder out = new StringBuilder("\"");
        for (char c : text.toCharArray()) {
            if (c == '"' || c == '\\') {
                out.append('\\').append(c);
            } else if (c < ' ') {
                out.append(String.format("\\u%04x", (int) c));
            } else {
                out.append(c);
            }
        }
        return out.append('"').toString();
    }

    public static void equal(Object expected, Object found) {
        if (!Objects.equals(expected, found)) {
            throw new AssertionError("expected " + expected + ", found " + found);
        }
    }

    public static void check(boolean holds, String otherwise) {
        if (!holds) {
            throw new AssertionError(otherwise);
        }
    }

    /** Waits until something that other threads bring about; the feat's deadline bounds it. */
    public static void await(BooleanSupplier holds) throws InterruptedException {
        while (!holds.getAsBoolean()) {
            Thread.sleep(20);
        }
    }
}
