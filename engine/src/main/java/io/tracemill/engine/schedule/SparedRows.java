package io.tracemill.engine.schedule;

import io.tracemill.engine.backend.PendingCompression;
import io.tracemill.engine.compress.RowPlan;

/**
 * How many rows a sequence holds below the bound of its schedule, for policies whose counts depend
 * on data. The newest count is read when the device has it; a new compression waits for it.
 */
final class SparedRows {
  private int compressedStep;
  private int before;
  private int after;
  private PendingCompression pending;
  private int index;

  /** Rows below the bound at a decode step, 0 where none are known. */
  int spared(int step) {
    return step > compressedStep ? after : before;
  }

  /** The plan for the rows that are really held; waits for the count of the last compression. */
  RowPlan fitted(RowPlan plan) {
    await();
    int candidates = plan.candidates() - after;
    return after == 0
        ? plan
        : new RowPlan(
            plan.protectedRows(),
            candidates,
            Math.min(plan.retained(), candidates),
            plan.windowRows());
  }

  /** Notes a compression that leaves {@code bound} rows by the schedule. */
  void compressed(int step, RowPlan plan, int bound, PendingCompression batch, int batchIndex) {
    compressedStep = step;
    before = after;
    after = bound - plan.rowsAfter();
    pending = batch;
    index = batchIndex;
  }

  /** Takes the count where it can be had at once; whether there was one. */
  boolean settle() {
    if (pending == null || !pending.isDone()) {
      return false;
    }
    await();
    return true;
  }

  private void await() {
    if (pending != null) {
      after += pending.rowsBeyondPlan(index);
      pending = null;
    }
  }
}
