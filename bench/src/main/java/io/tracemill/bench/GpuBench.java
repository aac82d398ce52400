package io.tracemill.bench;

import io.tracemill.engine.backend.BackendOptions;
import io.tracemill.engine.backend.BackendOptions.KvElement;
import io.tracemill.engine.backend.BackendRequest;
import io.tracemill.engine.model.ModelConfig;
import io.tracemill.engine.weights.DummyWeights;
import io.tracemill.gpu.internal.backend.StepProbe;
import java.util.LinkedHashSet;
import java.util.List;
import java.util.OptionalInt;
import java.util.OptionalLong;
import java.util.Set;

/**
 * Measures the CUDA backend with random weights and prints tables in Markdown. Times are medians of
 * device events unless a line says wall time; rates count each byte that has to be read once.
 *
 * <pre>
 * run-bench [--model 7b|qwq] [--max-lanes N] [kernels] [steps] [runs] [capacity] [prefill]
 *           [compression] [idle] [real-run] [compare] [compare-head]
 * </pre>
 *
 * Without names everything but {@code real-run} and the comparison is measured.
 */
public final class GpuBench {
  private static final List<String> ALL =
      List.of("kernels", "steps", "runs", "capacity", "prefill", "compression", "idle");
  private static final List<String> ON_REQUEST = List.of("real-run", "compare", "compare-head");

  private GpuBench() {}

  /** See the class. */
  public static void main(String[] arguments) {
    String model = "7b";
    int maxLanes = 256;
    Set<String> chosen = new LinkedHashSet<>();
    for (int i = 0; i < arguments.length; i++) {
      switch (arguments[i]) {
        case "--model" -> model = arguments[++i];
        case "--max-lanes" -> maxLanes = Integer.parseInt(arguments[++i]);
        default -> {
          if (!ALL.contains(arguments[i]) && !ON_REQUEST.contains(arguments[i])) {
            System.err.println(
                "GpuBench: " + arguments[i] + " is not one of " + ALL + " or " + ON_REQUEST);
            System.exit(2);
          }
          chosen.add(arguments[i]);
        }
      }
    }
    if (chosen.equals(Set.of("compare-head"))) {
      ComparisonRow.printHead();
      return;
    }
    ModelConfig config = BenchModels.of(model);
    BackendOptions options =
        new BackendOptions(
            maxLanes,
            32,
            GpuMeter.PROMPT + GpuMeter.LONG_OUTPUT + GpuMeter.ROOM,
            2048,
            OptionalLong.empty(),
            0.97,
            KvElement.BACKEND_DEFAULT,
            OptionalInt.empty(),
            OptionalInt.empty());
    long start = System.nanoTime();
    try (StepProbe probe =
        StepProbe.open(new BackendRequest(config, DummyWeights.of(config, 1), options))) {
      GpuMeter meter = new GpuMeter(config, probe);
      if (chosen.equals(Set.of("compare"))) {
        new ComparisonRow(meter).print();
        return;
      }
      GpuMeter.print(
          "## %s, random weights%n%n%s; copy %.2f TB/s; open %.1f s; %d KV pages; device memory %s",
          model,
          probe.info().device(),
          meter.copyRate() / 1e12,
          (System.nanoTime() - start) / 1e9,
          probe.info().numPages(),
          probe.info().memoryBytes());
      run(meter, chosen.isEmpty() ? new LinkedHashSet<>(ALL) : chosen);
      GpuMeter.print("Peak device memory: %.2f GB.", probe.peakBytes() / 1e9);
    }
  }

  private static void run(GpuMeter meter, Set<String> chosen) {
    KernelTables kernels = new KernelTables(meter);
    RunTables runs = new RunTables(meter);
    for (String what : chosen) {
      switch (what) {
        case "kernels" -> kernels.kernels();
        case "steps" -> runs.steps();
        case "runs" -> runs.runs();
        case "capacity" -> runs.capacity();
        case "prefill" -> kernels.prefill();
        case "compression" -> kernels.compression();
        case "idle" -> kernels.idle();
        case "real-run" -> new RealRun(meter).run();
        default -> {
          ComparisonRow.printHead();
          new ComparisonRow(meter).print();
        }
      }
    }
  }
}
