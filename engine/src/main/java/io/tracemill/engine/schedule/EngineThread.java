package io.tracemill.engine.schedule;

import io.tracemill.engine.backend.Backend;
import io.tracemill.engine.backend.BackendInfo;
import io.tracemill.engine.error.ReasoningException;
import java.time.Duration;
import java.util.List;
import java.util.Set;
import java.util.concurrent.CompletableFuture;
import java.util.concurrent.CompletionException;
import java.util.concurrent.ConcurrentHashMap;
import java.util.concurrent.atomic.AtomicReference;
import java.util.function.Supplier;
import org.slf4j.Logger;
import org.slf4j.LoggerFactory;

/**
 * The thread that owns a backend: opens it, runs the scheduler over it, closes it. Callers talk to
 * it through channels.
 *
 * <p>Where the backend fails for good, results that were finished before are still handed out, then
 * every channel gets {@code ENGINE_DEAD}; the backend is closed. A call that does not return within
 * a limit counts as such a failure: the thread cannot be stopped then and is left behind, and what
 * it holds stays allocated until the process ends.
 */
public final class EngineThread implements AutoCloseable {
  private static final Logger LOG = LoggerFactory.getLogger(EngineThread.class);

  /** A message to the engine thread. */
  private sealed interface Command {}

  /** Queue a sequence. */
  record Submit(SequenceSpec spec, Ticket ticket, long submittedNanos) implements Command {}

  /** End the sequences of one channel. */
  private record Withdraw(RequestChannel channel) implements Command {}

  /** Cancel everything and end. */
  private record Close() implements Command {}

  /**
   * How long a backend call may take unless said otherwise: far more than the slowest honest one (a
   * prefill batch of a large model on few CPU cores takes minutes), and more than the five minutes
   * after which the CUDA backend itself gives a silent device up, with a better message.
   */
  public static final Duration USUAL_CALL_TIMEOUT = Duration.ofMinutes(15);

  private static final long JOIN_MILLIS = 100;

  /** How long an ended engine may take to close its backend before it is left behind. */
  private static final Duration CLOSING_PATIENCE = Duration.ofSeconds(30);

  private final SchedulerOptions options;
  private final Duration callTimeout;
  private final CallClock calls = new CallClock();
  private final EngineCounters counters = new EngineCounters();
  private final Inbox<Command> inbox = new Inbox<>();
  private final Set<RequestChannel> channels = ConcurrentHashMap.newKeySet();
  private final CompletableFuture<BackendInfo> opened = new CompletableFuture<>();
  private final Thread thread;
  private boolean closing;
  private volatile boolean closed;
  private volatile boolean hangs;
  private final AtomicReference<ReasoningException> failure = new AtomicReference<>();

  private EngineThread(
      String name, Supplier<Backend> backend, SchedulerOptions options, Duration callTimeout) {
    this.options = options;
    this.callTimeout = callTimeout;
    this.thread = new Thread(() -> run(backend), name);
    thread.setDaemon(true);
  }

  /**
   * Starts a thread with the usual limit for backend calls; see the other method.
   *
   * @throws ReasoningException where the backend could not be opened
   */
  public static EngineThread start(
      String name, Supplier<Backend> backend, SchedulerOptions options) {
    return start(name, backend, options, USUAL_CALL_TIMEOUT);
  }

  /**
   * Starts a thread and opens the backend on it; returns when it is open.
   *
   * @param backend opens the backend, called once on the new thread, which then closes it
   * @param callTimeout how long one call of the open backend may take; above 0
   * @throws ReasoningException where the backend could not be opened
   */
  public static EngineThread start(
      String name, Supplier<Backend> backend, SchedulerOptions options, Duration callTimeout) {
    if (callTimeout.isZero() || callTimeout.isNegative()) {
      throw new IllegalArgumentException("a call may take " + callTimeout);
    }
    EngineThread engine = new EngineThread(name, backend, options, callTimeout);
    engine.thread.start();
    try {
      engine.opened.join();
    } catch (CompletionException e) {
      if (e.getCause() instanceof RuntimeException cause) {
        throw cause;
      }
      throw e;
    }
    return engine;
  }

  /** What the backend is. */
  public BackendInfo backendInfo() {
    return opened.join();
  }

  /** Figures of the run so far. */
  public EngineCounters counters() {
    return counters;
  }

  /**
   * A new channel, to be closed by its owner.
   *
   * @throws ReasoningException with code {@code ENGINE_DEAD} where the engine has failed
   * @throws IllegalStateException where it is closed
   */
  public RequestChannel channel() {
    RequestChannel channel = new RequestChannel(this, options.channelCapacity());
    channels.add(channel);
    requireOpen();
    return channel;
  }

  /**
   * Ends all sequences as cancelled, hands their results to their channels, closes the backend and
   * waits for the thread, but not for ever for one that has failed. Closing twice is allowed.
   */
  @Override
  public void close() {
    closed = true;
    inbox.offer(new Close());
    boolean interrupted = false;
    long failedNanos = 0;
    while (thread.isAlive() && failedNanos < CLOSING_PATIENCE.toNanos() && !hangs) {
      long start = System.nanoTime();
      try {
        thread.join(JOIN_MILLIS);
        if (failure.get() != null) {
          failedNanos += System.nanoTime() - start;
        }
      } catch (InterruptedException e) {
        interrupted = true;
      }
    }
    if (interrupted) {
      Thread.currentThread().interrupt();
    }
  }

  /** Whether the thread has ended, so that nothing of it is in use any more. */
  public boolean hasEnded() {
    return !thread.isAlive();
  }

  void requireOpen() {
    if (failure.get() != null) {
      throw failure();
    }
    if (closed) {
      throw new IllegalStateException("the engine is closed");
    }
  }

  /** A fresh exception for each caller, with the failure as its cause. */
  ReasoningException failure() {
    return ScheduleErrors.engineDead(failure.get().getCause());
  }

  void send(Submit command) {
    if (!inbox.offer(command)) {
      requireOpen();
      throw new IllegalStateException("the engine is closed");
    }
  }

  /** The channel is closed; what it still has here is withdrawn. */
  void forget(RequestChannel channel) {
    channels.remove(channel);
    inbox.offer(new Withdraw(channel));
  }

  // --- the thread

  private void run(Supplier<Backend> open) {
    Backend backend;
    try {
      backend = open.get();
    } catch (Throwable e) {
      inbox.seal();
      opened.completeExceptionally(e);
      return;
    }
    try {
      Scheduler scheduler = new Scheduler(new TimedBackend(backend, calls), options, counters);
      opened.complete(backend.info());
      Thread watchdog = watch();
      try {
        serve(scheduler);
      } finally {
        watchdog.interrupt();
      }
    } catch (Throwable e) {
      fail(e);
    } finally {
      closeQuietly(backend);
    }
  }

  private Thread watch() {
    Watchdog watchdog = new Watchdog(calls, callTimeout, System::nanoTime, this::callHangs);
    Thread watching = new Thread(watchdog::run, thread.getName() + "-watchdog");
    watching.setDaemon(true);
    watching.start();
    return watching;
  }

  private void callHangs(String call) {
    hangs = true;
    fail(ScheduleErrors.callHangs(call, callTimeout));
  }

  private void serve(Scheduler scheduler) throws InterruptedException {
    while (!closing && !hangs) {
      handle(scheduler.isIdle() ? inbox.awaitAll() : inbox.takeAll(), scheduler);
      if (!closing && !scheduler.isIdle()) {
        scheduler.step();
      }
    }
    if (hangs) {
      return; // The call came back after all, too late: everybody has been told.
    }
    handle(inbox.seal(), scheduler);
    scheduler.cancel(owner -> true);
  }

  private void handle(List<Command> commands, Scheduler scheduler) {
    for (Command command : commands) {
      if (command instanceof Submit submit) {
        scheduler.submit(submit.spec(), submit.ticket(), submit.submittedNanos());
      } else if (command instanceof Withdraw withdraw) {
        scheduler.cancel(owner -> owner == withdraw.channel());
      } else {
        closing = true;
      }
    }
  }

  private void fail(Throwable cause) {
    ReasoningException dead = ScheduleErrors.engineDead(cause);
    if (!failure.compareAndSet(null, dead)) {
      return;
    }
    LOG.error("The engine failed; {} sequences are lost", counters.running(), cause);
    opened.completeExceptionally(dead);
    inbox.seal();
    channels.forEach(RequestChannel::engineFailed);
  }

  private static void closeQuietly(Backend backend) {
    try {
      backend.close();
    } catch (RuntimeException e) {
      LOG.warn("The backend could not be closed cleanly", e);
    }
  }
}
