package io.tracemill.gpu.internal.backend;

import io.tracemill.engine.backend.PendingCompression;

/**
 * Compressions whose row counts the device decides and the host has not read yet: at most one per
 * lane, since the next one waits for it.
 */
final class UnsettledRows {
  private final PendingCompression[] batches;
  private final int[] indices;

  UnsettledRows(int maxLanes) {
    batches = new PendingCompression[maxLanes];
    indices = new int[maxLanes];
  }

  /** Notes a lane whose plan is only a bound. */
  void begin(int lane, PendingCompression batch, int index) {
    batches[lane] = batch;
    indices[lane] = index;
  }

  /** Forgets a lane: its rows are gone. */
  void forget(int lane) {
    batches[lane] = null;
  }

  /** Rows that a lane holds below what the host counts; 0 where the device has not answered. */
  int takeIfKnown(int lane) {
    return batches[lane] == null || !batches[lane].isDone() ? 0 : take(lane);
  }

  /** As above; waits for the device's answer. */
  int take(int lane) {
    if (batches[lane] == null) {
      return 0;
    }
    int rows = batches[lane].rowsBeyondPlan(indices[lane]);
    forget(lane);
    return rows;
  }
}
