package io.tracemill.engine.schedule;

import io.tracemill.engine.api.CompressionEvent;
import io.tracemill.engine.backend.PendingCompression;
import io.tracemill.engine.compress.RowPlan;
import java.util.ArrayList;
import java.util.List;

/** Compressions of a sequence that were enqueued; their figures are read when it ends. */
final class PendingEvents {
  private record Pending(
      int step, RowPlan plan, PendingCompression batch, int index, double shareOfBatch) {
    CompressionEvent await() {
      int beyondPlan = batch.rowsBeyondPlan(index);
      return new CompressionEvent(
          step,
          plan.rowsBefore(),
          plan.rowsAfter() - beyondPlan,
          plan.candidates(),
          plan.retained() - beyondPlan,
          batch.scoreCuts()[index],
          (float) (batch.millis() * shareOfBatch));
    }
  }

  private final List<Pending> pending = new ArrayList<>();

  /**
   * Notes a compression.
   *
   * @param step the decode step that it follows
   * @param index of the sequence in the batch
   * @param shareOfBatch of the batch's time that counts as this sequence's
   */
  void add(int step, RowPlan plan, PendingCompression batch, int index, double shareOfBatch) {
    pending.add(new Pending(step, plan, batch, index, shareOfBatch));
  }

  /** Those after steps up to this one, waiting for the device where it has not answered yet. */
  List<CompressionEvent> until(int lastStep) {
    return pending.stream().filter(event -> event.step() <= lastStep).map(Pending::await).toList();
  }

  void clear() {
    pending.clear();
  }
}
