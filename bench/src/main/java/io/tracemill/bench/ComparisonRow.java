package io.tracemill.bench;

import io.tracemill.engine.kvcache.KvLayout;
import java.util.Locale;

/**
 * One line of a table that compares ways of running the same: a few decode steps and a short
 * prefill, with the system properties that this process was given as its name.
 */
final class ComparisonRow {
  private static final String PREFIX = "tracemill.gpu.";

  /** Batch and cached rows of each lane. */
  private static final int[][] POINTS = {
    {1, 512}, {8, 1024}, {16, 1024}, {16, 4632}, {32, 4632}, {64, 4632}, {128, 4632}, {192, 1024}
  };

  /** Mean rows of a run of 32,768 tokens with RPC, P = 1024. */
  private static final int LONG_RUN_ROWS = 4632;

  private final GpuMeter meter;

  ComparisonRow(GpuMeter meter) {
    this.meter = meter;
  }

  /** The table's head. */
  static void printHead() {
    StringBuilder head = new StringBuilder("| properties |");
    StringBuilder line = new StringBuilder("|---|");
    for (int[] point : POINTS) {
      head.append(" %d x %d |".formatted(point[0], point[1]));
      line.append("---|");
    }
    GpuMeter.print("%s as many as fit | sampling 64, 128 | prefill 128 |", head);
    GpuMeter.print("%s---|---|---|", line);
  }

  /** Milliseconds; microseconds for the samplers. */
  void print() {
    StringBuilder cells = new StringBuilder();
    for (int[] point : POINTS) {
      cells.append(
          meter.fits(point[0], point[1])
              ? cell("%.3f", meter.stepMicros(point[0], point[1]) / 1e3)
              : " - |");
    }
    int perLane = KvLayout.pagesFor(LONG_RUN_ROWS + GpuMeter.ROOM);
    int lanes =
        Math.min(meter.probe().info().maxLanes(), meter.probe().info().numPages() / perLane);
    cells.append(cell(lanes + ": %.3f", meter.stepMicros(lanes, LONG_RUN_ROWS) / 1e3));
    cells.append(cell("%.1f, ", samplingMicros(64)).replace(" |", ""));
    cells.append(cell("%.1f", samplingMicros(128)));
    cells.append(cell("%.2f", meter.probe().prefillMillis(0, 128, 7)));
    GpuMeter.print("| %s |%s", properties(), cells);
  }

  private double samplingMicros(int batch) {
    if (!meter.fits(batch, GpuMeter.PROMPT)) {
      return Double.NaN;
    }
    meter.probe().setLanes(batch, GpuMeter.PROMPT, GpuMeter.ROOM, GpuMeter.SAMPLING);
    return meter.probe().partMicros(5).get("sample");
  }

  private static String cell(String format, double value) {
    return String.format(Locale.ROOT, " " + format + " |", value);
  }

  private static String properties() {
    StringBuilder names = new StringBuilder();
    for (String name : System.getProperties().stringPropertyNames().stream().sorted().toList()) {
      if (name.startsWith(PREFIX)) {
        names
            .append(names.isEmpty() ? "" : ", ")
            .append(name.substring(PREFIX.length()))
            .append('=')
            .append(System.getProperty(name));
      }
    }
    return names.isEmpty() ? "defaults" : names.toString();
  }
}
