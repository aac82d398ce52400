package io.tracemill.engine.backend;

/**
 * The figures of a compression batch. Row counts need no waiting, they are the plan's, unless a
 * keep rule drops more.
 */
public interface PendingCompression {

  /** Whether the methods below would return at once. */
  boolean isDone();

  /**
   * Lowest score that was kept, per lane in batch order, the mean over layers (and KV heads, where
   * each keeps its own set); 0 where nothing was kept. Waits for the batch.
   */
  float[] scoreCuts();

  /**
   * Rows dropped beyond the plan of one compression by its keep rule; 0 where it keeps as planned.
   * Waits for the batch.
   *
   * @param index place in the batch
   */
  default int rowsBeyondPlan(int index) {
    return 0;
  }

  /** Device time of the whole batch in milliseconds. Waits for the batch. */
  double millis();
}
