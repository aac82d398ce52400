package io.tracemill.engine.schedule;

import io.tracemill.engine.api.CompressionEvent;
import io.tracemill.engine.api.KvAccount;
import io.tracemill.engine.api.KvPolicySettings;
import io.tracemill.engine.compress.CompressionSchedule;
import io.tracemill.engine.compress.KeepRule;
import io.tracemill.engine.compress.KvCompressionPolicy;
import java.util.List;

/** Closes the KV account of a sequence from the closed forms of its schedule. */
final class KvAccounting {
  private KvAccounting() {}

  /** The account of a sequence that never held a row. */
  static KvAccount nothing(KvPolicySettings settings) {
    return new KvAccount(settings, 0, 0, 0, 0, 0, 0, 0, 0, List.of());
  }

  /**
   * The account of a sequence.
   *
   * @param policy its policy
   * @param promptRows rows of its prompt
   * @param steps decode steps that count: one less than its output tokens, the last of which is not
   *     fed back
   * @param rowBytes bytes of one row over all layers
   * @param events its compressions, those after step {@code steps} left out
   */
  static KvAccount close(
      KvCompressionPolicy policy,
      int promptRows,
      int steps,
      long rowBytes,
      List<CompressionEvent> events) {
    CompressionSchedule schedule = policy.schedule();
    long attended = schedule.attendedRowsTotal(promptRows, steps);
    long fullAttended = (long) promptRows * steps + (long) steps * (steps + 1L) / 2;
    long peakRows = schedule.peakRows(promptRows, steps);
    long finalRows = schedule.rowsAfter(promptRows, steps);
    if (policy.keepRule() != KeepRule.AS_PLANNED) {
      Counted counted = Counted.of(promptRows, steps, events);
      attended = counted.attended();
      peakRows = counted.peak();
      finalRows = counted.last();
    }
    double compressMillis = 0;
    for (CompressionEvent event : events) {
      compressMillis += event.millis();
    }
    return new KvAccount(
        policy.settings(),
        schedule.compressionsAfter(promptRows, steps),
        (long) promptRows + steps,
        finalRows,
        peakRows,
        steps == 0 ? promptRows : (double) attended / steps,
        peakRows * rowBytes,
        steps == 0 ? 0 : 1 - (double) attended / fullAttended,
        compressMillis,
        events);
  }

  /** Rows as the events tell them, where they depend on data. */
  private record Counted(long attended, long peak, long last) {
    static Counted of(int promptRows, int steps, List<CompressionEvent> events) {
      long attended = 0;
      long peak = promptRows;
      long rows = promptRows;
      int step = 0;
      for (CompressionEvent event : events) {
        long taken = event.step() - (long) step;
        attended += taken * rows + taken * (taken + 1) / 2;
        peak = Math.max(peak, rows + taken);
        rows = event.rowsAfter();
        step = event.step();
      }
      long taken = steps - (long) step;
      attended += taken * rows + taken * (taken + 1) / 2;
      return new Counted(attended, Math.max(peak, rows + taken), rows + taken);
    }
  }
}
