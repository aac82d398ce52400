package io.tracemill.engine.schedule;

import java.util.concurrent.atomic.LongAdder;
import java.util.function.LongSupplier;

/**
 * Figures of a running engine: written by the engine thread, read by any. Steps and rows are
 * counted when their tokens are read, so that work wasted on a sequence that had already ended is
 * not.
 */
public final class EngineCounters {
  private static final double NANOS_PER_SECOND = 1e9;

  final LongAdder steps = new LongAdder();
  final LongAdder laneSteps = new LongAdder();
  final LongAdder promptTokens = new LongAdder();
  final LongAdder generatedTokens = new LongAdder();
  final LongAdder finishedRequests = new LongAdder();
  final LongAdder failedRequests = new LongAdder();
  final LongAdder compressions = new LongAdder();
  final LongAdder attendedRows = new LongAdder();
  final LongAdder fullAttendedRows = new LongAdder();
  final LongAdder restarts = new LongAdder();
  final LongAdder pausedLaneSteps = new LongAdder();
  final LongAdder sharedPromptTokens = new LongAdder();
  final LongAdder usedPageSteps = new LongAdder();
  private final LongSupplier nanoClock;
  private final long openedNanos;
  private final Object laneTime = new Object();
  private volatile int waiting;
  private volatile int usedPages;

  // Under laneTime.
  private int running;
  private long runningSinceNanos;
  private long laneNanos;

  EngineCounters() {
    this(System::nanoTime);
  }

  /** With a clock of the caller's choice, in nanoseconds. */
  EngineCounters(LongSupplier nanoClock) {
    this.nanoClock = nanoClock;
    this.openedNanos = nanoClock.getAsLong();
    this.runningSinceNanos = openedNanos;
  }

  /** How things stand from now on. */
  void publish(int nowRunning, int nowWaiting, int nowUsedPages) {
    synchronized (laneTime) {
      if (nowRunning != running) {
        long now = nanoClock.getAsLong();
        laneNanos += running * (now - runningSinceNanos);
        runningSinceNanos = now;
        running = nowRunning;
      }
    }
    waiting = nowWaiting;
    usedPages = nowUsedPages;
  }

  /** Sequences that hold a lane now. */
  public int running() {
    synchronized (laneTime) {
      return running;
    }
  }

  /** Sum over all lanes of the time that sequences held them, up to now, in seconds. */
  public double laneSeconds() {
    synchronized (laneTime) {
      return (laneNanos + running * (nanoClock.getAsLong() - runningSinceNanos)) / NANOS_PER_SECOND;
    }
  }

  /** Time since the engine thread was made, in seconds. */
  public double openSeconds() {
    return (nanoClock.getAsLong() - openedNanos) / NANOS_PER_SECOND;
  }

  /** Sequences that wait for a lane now. */
  public int waiting() {
    return waiting;
  }

  /** Pages in use now. */
  public int usedPages() {
    return usedPages;
  }

  /** Decode steps. */
  public long steps() {
    return steps.sum();
  }

  /** Sum over decode steps of the lanes that took part. */
  public long laneSteps() {
    return laneSteps.sum();
  }

  /** Sum over decode steps of the pages in use. */
  public long usedPageSteps() {
    return usedPageSteps.sum();
  }

  /** Prompt tokens whose rows another sample of the same prompt had made already. */
  public long sharedPromptTokens() {
    return sharedPromptTokens.sum();
  }

  /** Prompt tokens processed. */
  public long promptTokens() {
    return promptTokens.sum();
  }

  /** Tokens generated. */
  public long generatedTokens() {
    return generatedTokens.sum();
  }

  /** Results produced, failures included. */
  public long finishedRequests() {
    return finishedRequests.sum();
  }

  /** Results with an error. */
  public long failedRequests() {
    return failedRequests.sum();
  }

  /** Compressions done. */
  public long compressions() {
    return compressions.sum();
  }

  /** Sum over lane steps of the rows attended to. */
  public long attendedRows() {
    return attendedRows.sum();
  }

  /** The same sum had no row been dropped. */
  public long fullAttendedRows() {
    return fullAttendedRows.sum();
  }

  /** Sequences that lost their lane for want of memory and started anew. */
  public long restarts() {
    return restarts.sum();
  }

  /** Lane steps put off because no page was free; 0 as long as admission is right. */
  public long pausedLaneSteps() {
    return pausedLaneSteps.sum();
  }
}
