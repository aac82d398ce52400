package io.tracemill.engine.schedule;

import java.util.concurrent.atomic.LongAdder;

/**
 * Figures of a running engine: written by the engine thread, read by any. Steps and rows are
 * counted when their tokens are read, so that work wasted on a sequence that had already ended is
 * not.
 */
public final class EngineCounters {
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
  volatile int running;
  volatile int waiting;
  volatile int usedPages;

  EngineCounters() {}

  /** Sequences that hold a lane now. */
  public int running() {
    return running;
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
