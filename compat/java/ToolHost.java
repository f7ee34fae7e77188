import java.io.DataInputStream;
import java.io.DataOutputStream;
import java.io.IOException;
import java.io.InputStream;
import java.io.OutputStream;
import java.io.PrintStream;
import java.lang.reflect.InvocationTargetException;
import java.net.InetAddress;
import java.net.ServerSocket;
import java.net.Socket;
import java.net.URL;
import java.net.URLClassLoader;
import java.nio.charset.StandardCharsets;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.List;
import java.util.concurrent.LinkedBlockingQueue;
import org.apache.kafka.common.utils.Exit;

/**
 * Runs Kafka's command-line tools inside one JVM, each as if it had a JVM of its own: arguments, standard streams,
 * exit status and shutdown hooks belong to a session. Sessions may run at the same time.
 *
 * <p>The arguments are the jars of the tools, which must not be on the class path: each session loads them anew,
 * because the tools keep state in static fields (ConsoleConsumer its count of messages). Prints the port it listens
 * on (loopback) and ends when its own standard input does. One connection is one session; both directions carry
 * frames of {@code kind byte | size int32 | payload}:
 *
 * <pre>
 * to the host    A main class and arguments, separated by NUL   I standard input   E its end   C interrupt (Ctrl-C)
 * from the host  O standard output   R standard error   X exit status (int32), always the last
 * </pre>
 *
 * <p>What a thread prints goes to the session it descends from. A tool that exits has its shutdown hooks run and its
 * output frozen at that moment, then an error unwinds the calling thread, so that it still closes its clients. The
 * tools call Kafka's {@code Exit} rather than {@code System.exit}, which makes this possible.
 */
public final class ToolHost {
    private static final long HOOKS_MS = 10_000;
    private static final long LINGERING_THREADS_MS = 30_000;
    private static final InheritableThreadLocal<Session> CURRENT = new InheritableThreadLocal<>();

    private static URL[] toolJars;

    private ToolHost() {
    }

    public static void main(String[] jars) throws IOException {
        toolJars = new URL[jars.length];
        for (int i = 0; i < jars.length; i++) {
            toolJars[i] = Path.of(jars[i]).toUri().toURL();
        }
        PrintStream console = System.out;
        InputStream lifeline = System.in;
        System.setOut(new PrintStream(new SessionOutput('O', System.out), true, StandardCharsets.UTF_8));
        System.setErr(new PrintStream(new SessionOutput('R', System.err), true, StandardCharsets.UTF_8));
        System.setIn(new SessionInput());
        Exit.setExitProcedure((status, message) -> current().exit(status));
        Exit.setHaltProcedure((status, message) -> current().halt(status));
        Exit.setShutdownHookAdder((name, hook) -> current().addHook(hook));
        endWith(lifeline);
        try (ServerSocket server = new ServerSocket(0, 50, InetAddress.getLoopbackAddress())) {
            console.println(server.getLocalPort());
            console.flush();
            while (true) {
                Socket socket = server.accept();
                socket.setTcpNoDelay(true);
                Thread reader = new Thread(() -> serve(socket), "session-reader");
                reader.setDaemon(true);
                reader.start();
            }
        }
    }

    private static void endWith(InputStream lifeline) {
        Thread watcher = new Thread(() -> {
            try {
                while (lifeline.read() >= 0) {
                    continue;
                }
            } catch (IOException gone) {
                // The same as its end.
            }
            Runtime.getRuntime().halt(0);
        }, "lifeline");
        watcher.setDaemon(true);
        watcher.start();
    }

    private static void serve(Socket socket) {
        Session session = null;
        try (socket) {
            DataInputStream in = new DataInputStream(socket.getInputStream());
            session = new Session(new DataOutputStream(socket.getOutputStream()));
            while (true) {
                char kind = (char) in.readByte();
                byte[] payload = in.readNBytes(in.readInt());
                switch (kind) {
                    case 'A' -> session.start(new String(payload, StandardCharsets.UTF_8).split("\0", -1));
                    case 'I' -> session.input.add(payload);
                    case 'E' -> session.input.add(new byte[0]);
                    case 'C' -> session.interrupt();
                    default -> throw new IOException("unknown frame kind " + kind);
                }
            }
        } catch (IOException closed) {
            if (session != null) {
                session.interrupt();
            }
        }
    }

    private static Session current() {
        Session session = CURRENT.get();
        if (session == null) {
            throw new IllegalStateException("a thread outside every session called Exit");
        }
        return session;
    }

    /** Unwinds the thread that called exit; nothing it prints from here on is seen. */
    private static final class ExitCalled extends Error {
        private static final long serialVersionUID = 1L;

        ExitCalled(int status) {
            super("exit " + status, null, false, false);
        }
    }

    private static final class Session {
        /** Chunks of standard input; an empty one is its end. */
        final LinkedBlockingQueue<byte[]> input = new LinkedBlockingQueue<>();
        private final DataOutputStream out;
        private final List<Runnable> hooks = new ArrayList<>();
        private final ThreadGroup group = new ThreadGroup("session");
        private byte[] chunk = {};
        private int read;
        private Thread main;
        private boolean exiting;
        private boolean ended;

        Session(DataOutputStream out) {
            this.out = out;
        }

        void start(String[] command) {
            main = new Thread(group, () -> {
                CURRENT.set(this);
                runMain(command[0], Arrays.copyOfRange(command, 1, command.length));
            }, "main");
            main.start();
        }

        private void runMain(String className, String[] arguments) {
            int status = 0;
            try {
                ClassLoader tools = new URLClassLoader(toolJars, ToolHost.class.getClassLoader());
                Thread.currentThread().setContextClassLoader(tools);
                Class.forName(className, true, tools).getMethod("main", String[].class).invoke(null, (Object) arguments);
            } catch (InvocationTargetException thrown) {
                if (thrown.getCause() instanceof ExitCalled) {
                    return;
                }
                System.err.print("Exception in thread \"main\" ");
                thrown.getCause().printStackTrace();
                status = 1;
            } catch (ReflectiveOperationException unknown) {
                System.err.println("Error: no such tool " + className);
                status = 1;
            }
            awaitNonDaemonThreads();
            finish(status);
        }

        /** As a JVM does after main has returned. */
        private void awaitNonDaemonThreads() {
            long deadline = System.currentTimeMillis() + LINGERING_THREADS_MS;
            Thread[] threads = new Thread[group.activeCount() + 16];
            int count = group.enumerate(threads);
            for (int i = 0; i < count; i++) {
                if (threads[i] != Thread.currentThread() && !threads[i].isDaemon()) {
                    join(threads[i], Math.max(1, deadline - System.currentTimeMillis()));
                }
            }
        }

        void exit(int status) {
            finish(status);
            throw new ExitCalled(status);
        }

        void halt(int status) {
            end(status);
            throw new ExitCalled(status);
        }

        void interrupt() {
            Thread interrupter = new Thread(group, () -> {
                CURRENT.set(this);
                runHooks();
                if (!hooks.isEmpty()) {
                    // A hook tells main to end, and need not wait for it.
                    join(main, HOOKS_MS);
                }
                end(130);
                main.interrupt();
            }, "interrupt");
            interrupter.setDaemon(true);
            interrupter.start();
        }

        synchronized void addHook(Runnable hook) {
            hooks.add(hook);
        }

        private void finish(int status) {
            if (runHooks()) {
                end(status);
            }
        }

        /** Runs them once; false when somebody else already has. */
        private boolean runHooks() {
            List<Thread> running = new ArrayList<>();
            synchronized (this) {
                if (exiting) {
                    return false;
                }
                exiting = true;
                for (Runnable hook : hooks) {
                    Thread thread = new Thread(group, hook, "shutdown-hook");
                    thread.setDaemon(true);
                    running.add(thread);
                }
            }
            running.forEach(Thread::start);
            running.forEach(thread -> join(thread, HOOKS_MS));
            return true;
        }

        private synchronized void end(int status) {
            if (!ended) {
                byte[] payload = {(byte) (status >> 24), (byte) (status >> 16), (byte) (status >> 8), (byte) status};
                send('X', payload, 0, payload.length);
                ended = true;
                exiting = true;
            }
        }

        synchronized void send(char kind, byte[] bytes, int from, int size) {
            if (ended) {
                return;
            }
            try {
                out.writeByte(kind);
                out.writeInt(size);
                out.write(bytes, from, size);
                out.flush();
            } catch (IOException clientGone) {
                ended = true;
            }
        }

        /** As {@code InputStream.read}; only the thread that reads standard input calls it. */
        int read(byte[] bytes, int from, int size) throws IOException {
            if (read == chunk.length) {
                try {
                    chunk = input.take();
                    read = 0;
                } catch (InterruptedException interrupted) {
                    throw new IOException("interrupted", interrupted);
                }
                if (chunk.length == 0) {
                    input.add(chunk);
                    return -1;
                }
            }
            int count = Math.min(size, chunk.length - read);
            System.arraycopy(chunk, read, bytes, from, count);
            read += count;
            return count;
        }

        int buffered() {
            return chunk.length - read;
        }

        private static void join(Thread thread, long timeoutMs) {
            try {
                thread.join(timeoutMs);
            } catch (InterruptedException interrupted) {
                Thread.currentThread().interrupt();
            }
        }
    }

    /** Standard output or error of whichever session the printing thread belongs to. */
    private static final class SessionOutput extends OutputStream {
        private final char kind;
        private final PrintStream outside;

        SessionOutput(char kind, PrintStream outside) {
            this.kind = kind;
            this.outside = outside;
        }

        @Override
        public void write(int value) {
            write(new byte[] {(byte) value}, 0, 1);
        }

        @Override
        public void write(byte[] bytes, int from, int size) {
            Session session = CURRENT.get();
            if (session != null) {
                session.send(kind, bytes, from, size);
            } else if (kind == 'R') {
                outside.write(bytes, from, size);
            }
        }
    }

    /** Standard input of whichever session the reading thread belongs to. */
    private static final class SessionInput extends InputStream {
        @Override
        public int read() throws IOException {
            byte[] one = new byte[1];
            return read(one, 0, 1) < 0 ? -1 : one[0] & 0xff;
        }

        @Override
        public int read(byte[] bytes, int from, int size) throws IOException {
            return current().read(bytes, from, size);
        }

        @Override
        public int available() {
            return current().buffered();
        }
    }
}
