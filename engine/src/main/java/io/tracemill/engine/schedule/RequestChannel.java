package io.tracemill.engine.schedule;

import io.tracemill.engine.error.ReasoningException;
import java.time.Duration;
import java.util.Optional;
import java.util.concurrent.CancellationException;
import java.util.concurrent.LinkedBlockingQueue;
import java.util.concurrent.Semaphore;
import java.util.concurrent.TimeUnit;

/**
 * One caller's door to the engine thread. What it submits comes back in the order of completion.
 *
 * <p><b>Threads.</b> One at a time; different channels are independent.
 */
public final class RequestChannel implements AutoCloseable {
  private final EngineThread engine;
  private final Semaphore places;
  private final LinkedBlockingQueue<Optional<FinishedSequence>> results =
      new LinkedBlockingQueue<>();
  private int outstanding;
  private volatile boolean closed;

  RequestChannel(EngineThread engine, int capacity) {
    this.engine = engine;
    this.places = new Semaphore(capacity);
  }

  /**
   * Queues a sequence; waits while as many as the channel's capacity have not started.
   *
   * @throws ReasoningException with code {@code ENGINE_DEAD} where the engine has failed
   * @throws IllegalStateException where the channel or the engine is closed
   * @throws CancellationException where the thread is interrupted while it waits; nothing was
   *     queued, and the thread is still marked as interrupted
   */
  public void submit(SequenceSpec spec) {
    if (closed) {
      throw new IllegalStateException("the channel is closed");
    }
    try {
      places.acquire();
    } catch (InterruptedException e) {
      Thread.currentThread().interrupt();
      throw new CancellationException("interrupted while waiting for a place in the queue");
    }
    engine.requireOpen();
    engine.send(new EngineThread.Submit(spec, new Request(), System.nanoTime()));
    outstanding++;
  }

  /** Sequences submitted whose results have not been taken. */
  public int outstanding() {
    return outstanding;
  }

  /**
   * The next result, waiting at most {@code timeout} for one; empty where none came or nothing is
   * outstanding.
   *
   * @throws ReasoningException with code {@code ENGINE_DEAD} once the engine has failed and all
   *     results that were finished before have been handed out
   * @throws CancellationException where the thread is interrupted while it waits; the thread is
   *     still marked as interrupted
   */
  public Optional<FinishedSequence> poll(Duration timeout) {
    if (outstanding == 0 || closed) {
      return Optional.empty();
    }
    Optional<FinishedSequence> result;
    try {
      result = results.poll(TimeUnit.NANOSECONDS.convert(timeout), TimeUnit.NANOSECONDS);
    } catch (InterruptedException e) {
      Thread.currentThread().interrupt();
      throw new CancellationException("interrupted while waiting for a result");
    }
    if (result == null) {
      return Optional.empty();
    }
    if (result.isEmpty()) {
      results.add(result);
      throw engine.failure();
    }
    outstanding--;
    return result;
  }

  /**
   * Withdraws what is outstanding; running sequences leave within one step. Closing twice is
   * allowed.
   */
  @Override
  public void close() {
    if (!closed) {
      closed = true;
      outstanding = 0;
      engine.forget(this);
      results.clear();
    }
  }

  /** The engine has failed: wakes the caller, wherever it waits. */
  void engineFailed() {
    results.add(Optional.empty());
    places.release(Integer.MAX_VALUE / 2);
  }

  /** One submitted sequence; its methods run on the engine thread. */
  private final class Request implements Ticket {
    private boolean holdsPlace = true;

    @Override
    public Object owner() {
      return RequestChannel.this;
    }

    @Override
    public void started() {
      if (holdsPlace) {
        holdsPlace = false;
        places.release();
      }
    }

    @Override
    public void finished(FinishedSequence result) {
      started();
      if (!closed) {
        results.add(Optional.of(result));
      }
    }
  }
}
