package io.tracemill.engine.schedule;

import io.tracemill.engine.backend.Backend;
import io.tracemill.engine.backend.BackendInfo;
import io.tracemill.engine.error.ReasoningException;
import java.util.List;
import java.util.Set;
import java.util.concurrent.CompletableFuture;
import java.util.concurrent.CompletionException;
import java.util.concurrent.ConcurrentHashMap;
import java.util.function.Supplier;
import org.slf4j.Logger;
import org.slf4j.LoggerFactory;

/**
 * The thread that owns a backend: opens it, runs the scheduler over it, closes it. Callers talk to
 * it through channels.
 *
 * <p>Where the backend fails for good, results that were finished before are still handed out, then
 * every channel gets {@code ENGINE_DEAD}; the backend is closed.
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

  private final SchedulerOptions options;
  private final EngineCounters counters = new EngineCounters();
  private final Inbox<Command> inbox = new Inbox<>();
  private final Set<RequestChannel> channels = ConcurrentHashMap.newKeySet();
  private final CompletableFuture<BackendInfo> opened = new CompletableFuture<>();
  private final Thread thread;
  private boolean closing;
  private volatile boolean closed;
  private volatile ReasoningException failure;

  private EngineThread(String name, Supplier<Backend> backend, SchedulerOptions options) {
    this.options = options;
    this.thread = new Thread(() -> run(backend), name);
    thread.setDaemon(true);
  }

  /**
   * Starts a thread and opens the backend on it; returns when it is open.
   *
   * @param backend opens the backend, called once on the new thread, which then closes it
   * @throws ReasoningException where the backend could not be opened
   */
  public static EngineThread start(
      String name, Supplier<Backend> backend, SchedulerOptions options) {
    EngineThread engine = new EngineThread(name, backend, options);
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
   * waits for the thread. Closing twice is allowed.
   */
  @Override
  public void close() {
    closed = true;
    inbox.offer(new Close());
    boolean interrupted = false;
    while (thread.isAlive()) {
      try {
        thread.join();
      } catch (InterruptedException e) {
        interrupted = true;
      }
    }
    if (interrupted) {
      Thread.currentThread().interrupt();
    }
  }

  void requireOpen() {
    if (failure != null) {
      throw failure();
    }
    if (closed) {
      throw new IllegalStateException("the engine is closed");
    }
  }

  /** A fresh exception for each caller, with the failure as its cause. */
  ReasoningException failure() {
    return ScheduleErrors.engineDead(failure.getCause());
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
      Scheduler scheduler = new Scheduler(backend, options, counters);
      opened.complete(backend.info());
      serve(scheduler);
    } catch (Throwable e) {
      fail(e);
    } finally {
      closeQuietly(backend);
    }
  }

  private void serve(Scheduler scheduler) throws InterruptedException {
    while (!closing) {
      handle(scheduler.isIdle() ? inbox.awaitAll() : inbox.takeAll(), scheduler);
      if (!closing && !scheduler.isIdle()) {
        scheduler.step();
      }
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
    LOG.error("The engine thread failed; {} sequences are lost", counters.running(), cause);
    failure = ScheduleErrors.engineDead(cause);
    opened.completeExceptionally(failure);
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
