package io.tracemill.bench;

import io.tracemill.engine.api.HeadAggregation;
import io.tracemill.engine.api.SamplingParams;
import io.tracemill.engine.backend.LaneCompression;
import io.tracemill.engine.compress.RowPlan;
import io.tracemill.engine.compress.ScoreRule.SelectorAttention;
import io.tracemill.engine.kvcache.KvLayout;
import io.tracemill.engine.model.ModelConfig;
import io.tracemill.gpu.internal.backend.StepProbe;
import java.util.ArrayList;
import java.util.Collections;
import java.util.List;
import java.util.Locale;

/** What the tables of {@link GpuBench} share: the probe, its model, and single measurements. */
final class GpuMeter {
  static final int PROMPT = 128;
  static final int LONG_OUTPUT = 32_768;
  static final int ROOM = 64;
  static final int STEPS = 20;
  static final SamplingParams SAMPLING =
      new SamplingParams(0.6f, 0, 0.95f, 0, 1, LONG_OUTPUT, List.of(), 0);

  private final ModelConfig config;
  private final StepProbe probe;
  private final double copyRate;

  /**
   * Milliseconds of one lane's compression: constant, and per candidate row; null until measured.
   */
  private double[] compressionLine;

  GpuMeter(ModelConfig config, StepProbe probe) {
    this.config = config;
    this.probe = probe;
    this.copyRate = probe.copyBytesPerSecond();
  }

  ModelConfig config() {
    return config;
  }

  StepProbe probe() {
    return probe;
  }

  /** Bytes per second of a copy on the device, read and written bytes counted. */
  double copyRate() {
    return copyRate;
  }

  /** Median microseconds of a decode step. */
  double stepMicros(int batch, int rows) {
    probe.setLanes(batch, rows, ROOM, SAMPLING);
    return probe.decodeMicros(STEPS);
  }

  /** Whether the device has room for so many lanes of so many rows. */
  boolean fits(int batch, int rows) {
    return batch <= probe.info().maxLanes()
        && (long) batch * KvLayout.pagesFor(rows + ROOM) <= probe.info().numPages();
  }

  /** Bytes of one row in all layers. */
  double kvRowBytes() {
    return probe.info().kvLayout().rowBytes();
  }

  /** A compression behind the usual prompt. */
  static RowPlan plan(int candidates, int kept) {
    return new RowPlan(PROMPT, candidates, kept, 32);
  }

  /** Milliseconds of compressing so many lanes at once. */
  double measureCompression(int lanes, RowPlan plan) {
    probe.setLanes(lanes, plan.rowsBefore(), ROOM, SAMPLING);
    SelectorAttention rule =
        new SelectorAttention(Collections.nCopies(32, 1f), HeadAggregation.ALL, 7);
    List<LaneCompression> due = new ArrayList<>();
    for (int lane = 0; lane < lanes; lane++) {
      due.add(new LaneCompression(lane, plan, rule));
    }
    return probe.compressionMillis(due, 5);
  }

  /** Measured at two sizes and drawn as a line through them. */
  double compressionMillisPerLane(RowPlan plan) {
    if (compressionLine == null) {
      double small = measureCompression(16, plan(1024, 256));
      double large = measureCompression(16, plan(8704, 7936));
      double slope = (large - small) / (8704 - 1024) / 16;
      compressionLine = new double[] {small / 16 - slope * 1024, slope};
    }
    return compressionLine[0] + compressionLine[1] * plan.candidates();
  }

  /** Prints a line of a table. */
  static void print(String format, Object... arguments) {
    System.out.println(String.format(Locale.ROOT, format, arguments));
  }
}
