package io.tracemill.engine.schedule;

import io.tracemill.engine.backend.Backend;
import io.tracemill.engine.backend.LaneCompression;
import io.tracemill.engine.backend.PendingCompression;
import io.tracemill.engine.compress.KvCompressionPolicy;
import io.tracemill.engine.compress.RowPlan;
import io.tracemill.engine.error.ReasoningException;
import java.util.ArrayList;
import java.util.List;

/** Compresses the lanes that are due after a decode step and gives their pages back at once. */
final class CompressionStage {
  private final Backend backend;
  private final Shedder shedder;
  private final BatchLimit limit = new BatchLimit();
  private final List<Sequence> due = new ArrayList<>();
  private final List<LaneCompression> batch = new ArrayList<>();

  CompressionStage(Backend backend, Shedder shedder) {
    this.backend = backend;
    this.shedder = shedder;
  }

  /** Enqueues the compressions that fall after the step these sequences have just taken. */
  void enqueue(List<Sequence> stepped) {
    due.clear();
    for (int i = 0; i < stepped.size(); i++) {
      Sequence sequence = stepped.get(i);
      if (sequence.hasLane() && sequence.compressionPlan().isPresent()) {
        due.add(sequence);
      }
    }
    int from = 0;
    while (from < due.size()) {
      int to = from + limit.of(due.size() - from);
      List<Sequence> part = due.subList(from, to);
      plan(part);
      PendingCompression pending;
      try {
        pending = backend.compress(List.copyOf(batch));
      } catch (ReasoningException e) {
        Shedder.requireInsufficientResources(e);
        limit.failedAt(part.size());
        if (part.size() == 1) {
          shedder.shed(part.get(0), "compressing", e);
          from = to;
        }
        continue;
      }
      limit.succeeded();
      record(part, pending);
      from = to;
    }
  }

  private void plan(List<Sequence> sequences) {
    batch.clear();
    for (Sequence sequence : sequences) {
      RowPlan plan = sequence.compressionPlan().orElseThrow();
      requireUntouched(sequence, plan);
      KvCompressionPolicy policy = sequence.spec().policy();
      batch.add(
          new LaneCompression(
              sequence.lane(), plan, policy.scoreRule().orElseThrow(), sequence.keepRule()));
    }
  }

  /** A shared page must never be written into, whatever a policy's schedule promised. */
  private static void requireUntouched(Sequence sequence, RowPlan plan) {
    int rows = sequence.schedule().untouchedRows(sequence.promptRows());
    if (plan.protectedRows() < rows) {
      throw new IllegalStateException(
          "KV policy %s plans to move rows from %d on and promised to leave %d alone"
              .formatted(sequence.spec().policy().settings().name(), plan.protectedRows(), rows));
    }
  }

  private void record(List<Sequence> sequences, PendingCompression pending) {
    long batchRows = 0;
    for (LaneCompression compression : batch) {
      batchRows += compression.plan().rowsBefore();
    }
    for (int i = 0; i < sequences.size(); i++) {
      RowPlan plan = batch.get(i).plan();
      sequences
          .get(i)
          .compressionEnqueued(plan, pending, i, (double) plan.rowsBefore() / batchRows);
      sequences.get(i).pages().trim(plan.rowsAfter());
    }
  }
}
