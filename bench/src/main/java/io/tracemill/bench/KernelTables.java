package io.tracemill.bench;

import java.util.Map;

/** Times of single kernels and of the work between decode steps. */
final class KernelTables {
  private final GpuMeter meter;

  KernelTables(GpuMeter meter) {
    this.meter = meter;
  }

  /** Every kernel of a decode step at five sizes. */
  void kernels() {
    for (int[] point : new int[][] {{1, 512}, {16, 4632}, {64, 4632}, {128, 4632}, {235, 4631}}) {
      int batch = point[0];
      int rows = point[1];
      if (!meter.fits(batch, rows)) {
        continue;
      }
      meter.probe().setLanes(batch, rows, GpuMeter.ROOM, GpuMeter.SAMPLING);
      GpuMeter.print("### Kernels, batch %d, %d rows (in a graph, per launch)%n", batch, rows);
      GpuMeter.print(
          "| kernel | us | us of a step | MB | GB/s | of copy |%n|---|---|---|---|---|---|");
      double linear = 0;
      Map<String, Double> ofStep = meter.probe().partMicrosOfStep(10);
      for (Map.Entry<String, Double> part : meter.probe().partMicros(10).entrySet()) {
        double bytes = partBytes(part.getKey(), batch, rows);
        double rate = bytes / (part.getValue() / 1e6);
        GpuMeter.print(
            "| %s | %.1f | %.1f | %.1f | %.0f | %.0f %% |",
            part.getKey(),
            part.getValue(),
            ofStep.get(part.getKey()),
            bytes / 1e6,
            rate / 1e9,
            100 * rate / meter.copyRate());
        linear += linearShare(part.getKey()) * part.getValue();
      }
      double bytes = meter.probe().streamedBytes();
      GpuMeter.print(
          "%nLinear layers of a step: %.0f us, %.2f TB/s.%n",
          linear, bytes / (linear / 1e6) / 1e12);
    }
  }

  private int linearShare(String part) {
    return switch (part) {
      case "query_key_value", "attention_output", "gate_up", "down" -> meter.config().numLayers();
      case "output_projection" -> 1;
      default -> 0;
    };
  }

  /** Bytes that a part has to move at the least. */
  private double partBytes(String part, int batch, int rows) {
    double hidden = meter.config().hiddenSize();
    double qkv = meter.config().queryDim() + 2.0 * meter.config().kvDim();
    return switch (part) {
      case "query_key_value" -> 2 * hidden * qkv;
      case "attention_output" -> 2 * hidden * meter.config().queryDim();
      case "gate_up" -> 4 * hidden * meter.config().intermediateSize();
      case "down" -> 2 * hidden * meter.config().intermediateSize();
      case "output_projection" -> 2 * hidden * meter.config().vocabSize();
      case "attention" -> 4.0 * batch * rows * meter.config().kvDim();
      case "input_norm", "post_attention_norm", "final_norm" -> batch * hidden * 6;
      case "rope_append" -> batch * (qkv * 4 + qkv * 2 + meter.config().queryDim() * 2.0);
      case "embed" -> batch * hidden * 6;
      case "sample" -> 4.0 * batch * meter.config().vocabSize();
      default -> 0;
    };
  }

  /** Prefill batches of one prompt. */
  void prefill() {
    GpuMeter.print(
        "### Prefill%n%n| tokens | behind rows | ms | tok/s | TFLOP/s |%n|---|---|---|---|---|");
    for (int[] point : new int[][] {{2048, 0}, {2048, 6144}, {512, 0}, {128, 0}}) {
      double millis = meter.probe().prefillMillis(point[1], point[0], 7);
      double perToken = 2.0 * (meter.probe().streamedBytes() / 2.0 - vocabWeights());
      double attention =
          4.0
              * meter.config().numLayers()
              * meter.config().queryDim()
              * (point[1] + point[0] / 2.0);
      GpuMeter.print(
          "| %d | %d | %.2f | %.0f | %.0f |",
          point[0],
          point[1],
          millis,
          point[0] / (millis / 1e3),
          point[0] * (perToken + attention) / (millis / 1e3) / 1e12);
    }
    GpuMeter.print("");
  }

  private double vocabWeights() {
    return (double) meter.config().vocabSize() * meter.config().hiddenSize();
  }

  /** Compressions of one lane and of sixteen. */
  void compression() {
    GpuMeter.print("### Compression, all layers (device ms)%n");
    GpuMeter.print("| lanes | candidates | kept | ms | ms per lane |%n|---|---|---|---|---|");
    for (int[] point : new int[][] {{1, 1024, 256}, {1, 8704, 7936}, {16, 8704, 7936}}) {
      double millis = meter.measureCompression(point[0], GpuMeter.plan(point[1], point[2]));
      GpuMeter.print(
          "| %d | %d | %d | %.3f | %.3f |",
          point[0], point[1], point[2], millis, millis / point[0]);
    }
    GpuMeter.print("");
  }

  /** What the host adds to a step. */
  void idle() {
    GpuMeter.print("### Between steps: Java reads every step's tokens, two steps in flight%n");
    GpuMeter.print(
        "| batch | rows | queued ms per step | wall ms per step | added us |%n|---|---|---|---|---|");
    for (int[] point : new int[][] {{1, 1024}, {16, 4632}, {128, 4632}}) {
      if (!meter.fits(point[0], point[1])) {
        continue;
      }
      meter.probe().setLanes(point[0], point[1], 3 * GpuMeter.ROOM, GpuMeter.SAMPLING);
      double device = meter.probe().decodeMeanMicros(2 * GpuMeter.STEPS);
      meter.probe().rewind(point[1]);
      double wall = meter.probe().decodeWallMicros(2 * GpuMeter.STEPS);
      GpuMeter.print(
          "| %d | %d | %.3f | %.3f | %.1f |",
          point[0], point[1], device / 1e3, wall / 1e3, wall - device);
    }
    GpuMeter.print("");
  }
}
