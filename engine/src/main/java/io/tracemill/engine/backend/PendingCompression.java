package io.tracemill.engine.backend;

/** The figures of a compression batch. Row counts need no waiting: they are the plan's. */
public interface PendingCompression {

  /** Whether {@link #scoreCuts} and {@link #millis} would return at once. */
  boolean isDone();

  /**
   * Lowest score that was kept, per lane in batch order, the mean over layers (and KV heads, where
   * each keeps its own set); 0 where nothing was kept. Waits for the batch.
   */
  float[] scoreCuts();

  /** Device time of the whole batch in milliseconds. Waits for the batch. */
  double millis();
}
