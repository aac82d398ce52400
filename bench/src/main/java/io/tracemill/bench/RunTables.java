package io.tracemill.bench;

import io.tracemill.engine.api.KvPolicySettings;
import io.tracemill.engine.compress.CompressionSchedule;
import io.tracemill.engine.compress.KvCompressionPolicy;
import io.tracemill.engine.compress.KvPolicies;
import io.tracemill.engine.compress.RowPlan;
import io.tracemill.engine.kvcache.KvLayout;
import java.util.List;
import java.util.Locale;

/** Decode steps, and long runs put together from them. */
final class RunTables {
  private static final int[] OUTPUTS = {8192, 16_384, GpuMeter.LONG_OUTPUT};

  private final GpuMeter meter;

  RunTables(GpuMeter meter) {
    this.meter = meter;
  }

  /** Steps by batch and cache length. */
  void steps() {
    GpuMeter.print(
        "### Decode steps (ms, graph after graph; share of the copy rate over weights + KV)%n");
    int[] rowCounts = {192, 1024, 4632, 8960, 16_512, 32_768};
    StringBuilder head = new StringBuilder("| batch |");
    StringBuilder line = new StringBuilder("|---|");
    for (int rows : rowCounts) {
      head.append(' ').append(rows).append(" rows |");
      line.append("---|");
    }
    GpuMeter.print("%s%n%s", head, line);
    for (int batch : new int[] {1, 8, 16, 32, 64, 128, 192, 256}) {
      StringBuilder cells = new StringBuilder("| " + batch + " |");
      for (int rows : rowCounts) {
        if (!meter.fits(batch, rows)) {
          cells.append(" - |");
          continue;
        }
        double micros = meter.stepMicros(batch, rows);
        double bytes = meter.probe().streamedBytes() + (double) batch * rows * meter.kvRowBytes();
        cells.append(
            String.format(
                Locale.ROOT,
                " %.3f (%.0f %%) |",
                micros / 1e3,
                100 * bytes / (micros / 1e6) / meter.copyRate()));
      }
      GpuMeter.print("%s", cells);
    }
    GpuMeter.print("");
  }

  /** Tokens per second of whole runs. */
  void runs() {
    GpuMeter.print(
        "### Runs of 32,768 tokens, prompt %d, integrated from step times%n", GpuMeter.PROMPT);
    GpuMeter.print(
        "| batch | policy | output 8,192 | 16,384 | 32,768 tok/s |%n|---|---|---|---|---|");
    for (int batch : new int[] {1, 16}) {
      StepTimes times = new StepTimes();
      for (int rows :
          new int[] {128, 1024, 2048, 4096, 8960, 16_512, 24_576, 32_896 - GpuMeter.ROOM}) {
        if (meter.fits(batch, rows)) {
          times.add(rows, meter.stepMicros(batch, rows));
        }
      }
      for (KvPolicySettings settings :
          List.of(
              KvPolicySettings.full(),
              KvPolicySettings.rpc(4096, 32, 4),
              KvPolicySettings.rpc(1024, 32, 4))) {
        StringBuilder cells = new StringBuilder();
        for (int output : OUTPUTS) {
          double seconds = integrate(times, KvPolicies.create(settings), batch, output);
          cells.append(String.format(Locale.ROOT, " %.0f |", batch * (output - 1) / seconds));
        }
        GpuMeter.print(
            "| %d | %s%s |%s",
            batch,
            settings.name(),
            settings.intervalTokens() == 0 ? "" : " P=" + settings.intervalTokens(),
            cells);
      }
    }
    GpuMeter.print("");
  }

  /** Seconds of {@code output - 1} decode steps; compressions of the batch come all at once. */
  double integrate(StepTimes times, KvCompressionPolicy policy, int batch, int output) {
    CompressionSchedule schedule = policy.schedule();
    double micros = 0;
    for (int step = 1; step < output; step++) {
      micros += times.micros(schedule.rowsAttended(GpuMeter.PROMPT, step));
      if (schedule.dueAfter(GpuMeter.PROMPT, step)) {
        RowPlan plan = schedule.plan(GpuMeter.PROMPT, step).orElseThrow();
        micros += 1e3 * batch * meter.compressionMillisPerLane(plan);
      }
    }
    return micros / 1e6;
  }

  /** As many sequences as the device holds. */
  void capacity() {
    GpuMeter.print("### As many sequences as fit, 32,768 tokens out%n");
    GpuMeter.print("| policy | mean rows | sequences | step ms | tok/s |%n|---|---|---|---|---|");
    for (KvPolicySettings settings :
        List.of(KvPolicySettings.full(), KvPolicySettings.rpc(1024, 32, 4))) {
      CompressionSchedule schedule = KvPolicies.create(settings).schedule();
      int rows =
          (int)
              (schedule.attendedRowsTotal(GpuMeter.PROMPT, GpuMeter.LONG_OUTPUT - 1)
                  / (GpuMeter.LONG_OUTPUT - 1));
      int perLane = KvLayout.pagesFor(rows + GpuMeter.ROOM);
      int lanes =
          Math.min(meter.probe().info().maxLanes(), meter.probe().info().numPages() / perLane);
      double micros = meter.stepMicros(lanes, rows);
      GpuMeter.print(
          "| %s | %d | %d | %.2f | %.0f |",
          settings.name(), rows, lanes, micros / 1e3, lanes / (micros / 1e6));
    }
    GpuMeter.print("");
  }
}
