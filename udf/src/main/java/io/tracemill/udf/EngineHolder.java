package io.tracemill.udf;

import io.tracemill.engine.EngineDescription;
import io.tracemill.engine.EngineSnapshot;
import io.tracemill.engine.Feeder;
import io.tracemill.engine.api.KvPolicySettings;
import io.tracemill.engine.error.ErrorCode;
import io.tracemill.engine.error.ReasoningException;
import java.util.Optional;
import java.util.concurrent.CountDownLatch;
import java.util.function.BooleanSupplier;
import java.util.function.Consumer;
import java.util.function.Supplier;

/**
 * Holds the one engine of this JVM. The first task that needs it has it opened in a thread of its
 * own, the others join; it stays open for later tasks and is closed at the end of the JVM, on
 * {@link #closeIdle}, or when a task comes with other settings while nobody uses it.
 *
 * <p>An engine that dies takes its executor along, see {@link DyingProcess}: tasks that have all
 * their results may write them, the others wait for the end, so that Spark repeats each of them
 * once and not here. In local mode they fail at once, and the next run opens a new engine.
 */
public final class EngineHolder {
  /** The system property that names the owner of this JVM's engine, see {@link EngineOwner}. */
  static final String OWNER_PROPERTY = "io.tracemill.engine.owner";

  private static final Object LOCK = new Object();

  // Both are read and written under LOCK.
  private static Held held;
  private static boolean hookInstalled;

  private EngineHolder() {}

  /**
   * Joins this JVM's engine, opening it where there is none, and waits until it is ready.
   *
   * @param cancelled asked a few times a second while waiting
   * @return a lease that the caller closes
   * @throws ReasoningException where the engine cannot be opened, another copy of this class owns
   *     one, one with other settings is in use, or {@code cancelled} became true
   */
  public static Lease lease(
      EngineSettings settings, EngineOpener opener, BooleanSupplier cancelled) {
    return lease(join(settings, () -> opener.open(settings)), engine -> {}, cancelled);
  }

  /**
   * As above, for requests whose KV policy is known.
   *
   * @throws ReasoningException also where the engine, which others may have opened, cannot run it
   */
  public static Lease lease(
      EngineSettings settings,
      EngineOpener opener,
      KvPolicySettings policy,
      BooleanSupplier cancelled) {
    return lease(
        join(settings, () -> opener.open(settings, policy)),
        engine -> engine.requirePolicy(policy),
        cancelled);
  }

  private static Lease lease(Held joined, Consumer<SharedEngine> check, BooleanSupplier cancelled) {
    try {
      SharedEngine engine = joined.opening.await(cancelled);
      check.accept(engine);
      return new Lease(joined, engine);
    } catch (RuntimeException e) {
      leave(joined);
      throw e;
    }
  }

  /** Starts opening the engine in the background, so that loading overlaps other work. */
  public static void warmUp(EngineSettings settings, EngineOpener opener) {
    leave(join(settings, () -> opener.open(settings)));
  }

  /** Counters of the engine; empty where none is open. */
  public static Optional<EngineSnapshot> snapshot() {
    OpeningEngine opening;
    synchronized (LOCK) {
      if (held == null) {
        return Optional.empty();
      }
      opening = held.opening;
    }
    return opening.ifOpen().map(SharedEngine::snapshot);
  }

  /** Closes the engine where no lease is open; otherwise does nothing. */
  public static void closeIdle() {
    synchronized (LOCK) {
      if (held != null && held.leases == 0) {
        shutDown();
      }
    }
  }

  private static Held join(EngineSettings settings, Supplier<SharedEngine> opener) {
    synchronized (LOCK) {
      if (held != null && (held.opening.hasFailed() || held.isBuried())) {
        shutDown();
      }
      if (held != null && !held.settings.equals(settings)) {
        if (held.leases > 0) {
          throw new ReasoningException(
              ErrorCode.BACKEND_UNAVAILABLE,
              "Another run with other engine settings is using this executor's engine; wait for it"
                  + " or start a separate Spark application.");
        }
        shutDown();
      }
      if (held == null) {
        EngineOwner.claim();
        closeAtExit();
        held = new Held(settings, OpeningEngine.start(opener));
      }
      held.leases++;
      return held;
    }
  }

  private static void leave(Held left) {
    synchronized (LOCK) {
      left.leases--;
      if (left.leases == 0) {
        left.identical.forget();
      }
    }
  }

  private static void closeAtExit() {
    if (!hookInstalled) {
      hookInstalled = true;
      Runtime.getRuntime().addShutdownHook(new Thread(EngineHolder::atExit, "tracemill-exit"));
    }
  }

  private static void atExit() {
    synchronized (LOCK) {
      // A dead one may hang in the driver; the end of the process frees its memory.
      if (held != null && !held.dead) {
        shutDown();
      }
    }
  }

  /** What a task throws that met a dead engine; in an executor it waits here for the end. */
  private static ReasoningException died(Held held, ReasoningException cause) {
    boolean first;
    synchronized (LOCK) {
      first = !held.dead;
      held.dead = true;
    }
    if (!DyingProcess.isExecutor()) {
      return cause;
    }
    synchronized (LOCK) {
      held.parked++;
    }
    if (first) {
      DyingProcess.end(held::isFlushed, cause.getMessage());
    }
    try {
      new CountDownLatch(1).await();
    } catch (InterruptedException e) {
      Thread.currentThread().interrupt();
    } finally {
      synchronized (LOCK) {
        held.parked--;
      }
    }
    return cause;
  }

  private static void shutDown() {
    Held ended = held;
    held = null;
    try {
      ended.opening.close();
    } finally {
      EngineOwner.release();
    }
  }

  /** One caller's share of the engine; closing twice is allowed. */
  public static final class Lease implements AutoCloseable {
    private final Held joined;
    private final SharedEngine engine;
    private volatile Consumer<String> onDeath = reason -> {};
    private boolean closed;

    private Lease(Held joined, SharedEngine engine) {
      this.joined = joined;
      this.engine = engine;
    }

    /**
     * Says who is told, on the task's own thread and before it waits for the end of its executor,
     * why the engine died.
     */
    public void tellOfDeath(Consumer<String> listener) {
      onDeath = listener;
    }

    /**
     * A new feeder; the caller closes it before the lease, which is closed where there is none.
     *
     * @throws ReasoningException with code {@code ENGINE_DEAD} where the engine has failed
     */
    public Feeder feeder() {
      try {
        return new LeasedFeeder(new SharingFeeder(engine.feeder(), joined.identical), this::died);
      } catch (ReasoningException e) {
        ReasoningException thrown = e.code() == ErrorCode.ENGINE_DEAD ? died(e) : e;
        close();
        throw thrown;
      }
    }

    private ReasoningException died(ReasoningException cause) {
      onDeath.accept(cause.getMessage());
      return EngineHolder.died(joined, cause);
    }

    /** The backend's name. */
    public String backend() {
      return engine.backend();
    }

    /** All about the engine; empty for a stand-in that runs no model. */
    public Optional<EngineDescription> details() {
      return engine.details();
    }

    /** Counters since the engine was opened, whoever used it. */
    public EngineSnapshot snapshot() {
      return engine.snapshot();
    }

    /** One line about the engine, for people. */
    public String description() {
      return engine.description();
    }

    /** Identity of the accelerator; empty for a CPU. */
    public Optional<String> deviceUuid() {
      return engine.deviceUuid();
    }

    /**
     * Counters of the engine since any lease last asked. What all leases of a JVM see adds up to
     * what the engine did, each step counted once.
     */
    public EngineDelta takeDelta() {
      return joined.takeDelta(engine.snapshot());
    }

    /** How busy the engine is. */
    public LoadSample load() {
      return LoadSample.of(engine.snapshot(), System.currentTimeMillis());
    }

    @Override
    public synchronized void close() {
      if (!closed) {
        closed = true;
        leave(joined);
      }
    }
  }

  private static final class Held {
    private final EngineSettings settings;
    private final OpeningEngine opening;
    private final IdenticalRequests identical = new IdenticalRequests();
    private EngineDelta seen = EngineDelta.NONE;

    // Under LOCK.
    private int leases;
    private int parked;
    private boolean dead;

    private Held(EngineSettings settings, OpeningEngine opening) {
      this.settings = settings;
      this.opening = opening;
    }

    /** Whether it is dead and nobody takes results from it any more. */
    private boolean isBuried() {
      return dead && leases == 0;
    }

    /** Whether all tasks that use it wait for the end. */
    private boolean isFlushed() {
      synchronized (LOCK) {
        return leases <= parked;
      }
    }

    private synchronized EngineDelta takeDelta(EngineSnapshot now) {
      EngineDelta total = EngineDelta.sinceOpened(now);
      EngineDelta delta = total.minus(seen);
      seen = total;
      return delta;
    }
  }
}
