package io.tracemill.udf;

import io.tracemill.engine.Feeder;
import io.tracemill.engine.api.GenerationResult;
import java.time.Duration;
import java.util.HashMap;
import java.util.Iterator;
import java.util.Map;
import java.util.NoSuchElementException;
import java.util.Optional;

/**
 * A Spark task's side of a feeder: pulls work ahead of need, up to a bound in rows and in bytes,
 * and yields results in the order of completion. Every piece of work ends in exactly one result.
 *
 * <p>While it waits it calls {@code heartbeat} a few times a second; what that throws (a killed
 * task) ends the iteration, and {@link #close} then withdraws what is outstanding.
 *
 * <p><b>Threads.</b> One thread iterates; {@code close} may be called by that thread only, and
 * twice.
 *
 * @param <R> what travels with each piece of work
 */
public final class FeederIterator<R> implements Iterator<Work.Done<R>>, AutoCloseable {
  private static final Duration WAIT_SLICE = Duration.ofMillis(100);

  private final Iterator<Work<R>> source;
  private final Feeder feeder;
  private final int prefetchRows;
  private final long prefetchBytes;
  private final Runnable heartbeat;
  private final Map<Key, Work.Wanted<R>> pending = new HashMap<>();
  private long pendingBytes;
  private Work.Done<R> next;
  private boolean closed;

  private record Key(String rowKey, int sampleIndex) {}

  /**
   * @param prefetchRows most pieces of work in flight, at least 1
   * @param prefetchBytes most prompt bytes in flight; one piece is always allowed
   * @param heartbeat called between waits on this thread; may throw to stop
   */
  public FeederIterator(
      Iterator<Work<R>> source,
      Feeder feeder,
      int prefetchRows,
      long prefetchBytes,
      Runnable heartbeat) {
    if (prefetchRows < 1) {
      throw new IllegalArgumentException("prefetchRows is " + prefetchRows);
    }
    this.source = source;
    this.feeder = feeder;
    this.prefetchRows = prefetchRows;
    this.prefetchBytes = prefetchBytes;
    this.heartbeat = heartbeat;
  }

  @Override
  public boolean hasNext() {
    while (next == null && !closed) {
      heartbeat.run();
      if (mayPrefetch()) {
        pull();
      } else if (pending.isEmpty()) {
        close();
      } else {
        take(WAIT_SLICE);
      }
    }
    return next != null;
  }

  @Override
  public Work.Done<R> next() {
    if (!hasNext()) {
      throw new NoSuchElementException("all work is done");
    }
    Work.Done<R> result = next;
    next = null;
    return result;
  }

  /** Withdraws what is outstanding; running sequences leave the engine within one step. */
  @Override
  public void close() {
    if (!closed) {
      closed = true;
      pending.clear();
      feeder.close();
    }
  }

  private boolean mayPrefetch() {
    return pending.size() < prefetchRows
        && (pendingBytes < prefetchBytes || pending.isEmpty())
        && source.hasNext();
  }

  private void pull() {
    Work<R> work = source.next();
    if (work instanceof Work.Refused<R> refused) {
      next = new Work.Done<>(refused.row(), refused.result());
      return;
    }
    Work.Wanted<R> wanted = (Work.Wanted<R>) work;
    Key key = new Key(wanted.request().rowKey(), wanted.request().sampleIndex());
    if (pending.put(key, wanted) != null) {
      throw new IllegalStateException("row key " + key.rowKey() + " was fed twice");
    }
    pendingBytes += wanted.sizeBytes();
    feeder.submit(wanted.request());
    // Results that are ready leave before more prompts are tokenised.
    take(Duration.ZERO);
  }

  private void take(Duration timeout) {
    Optional<GenerationResult> taken = feeder.poll(timeout);
    if (taken.isEmpty()) {
      return;
    }
    GenerationResult result = taken.get();
    Work.Wanted<R> wanted = pending.remove(new Key(result.rowKey(), result.sampleIndex()));
    if (wanted == null) {
      throw new IllegalStateException("a result came back for the unknown row " + result.rowKey());
    }
    pendingBytes -= wanted.sizeBytes();
    next = new Work.Done<>(wanted.row(), result);
  }
}
