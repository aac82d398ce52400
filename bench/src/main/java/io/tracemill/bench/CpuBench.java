package io.tracemill.bench;

import io.tracemill.bench.DemoLanes.Rpc;
import io.tracemill.engine.api.SamplingParams;
import io.tracemill.engine.backend.Backend;
import io.tracemill.engine.backend.BackendOptions;
import io.tracemill.engine.backend.BackendOptions.KvElement;
import io.tracemill.engine.backend.BackendRequest;
import io.tracemill.engine.cpu.CpuBackendProvider;
import io.tracemill.engine.cpu.CpuKernelProbe;
import io.tracemill.engine.model.ModelConfig;
import io.tracemill.engine.model.ModelConfig.Architecture;
import io.tracemill.engine.model.ModelConfigReader;
import io.tracemill.engine.model.RopeConfig;
import io.tracemill.engine.model.RopeScaling;
import io.tracemill.engine.weights.CheckpointWeights;
import io.tracemill.engine.weights.DummyWeights;
import io.tracemill.engine.weights.WeightTensor;
import java.io.IOException;
import java.io.PrintStream;
import java.lang.management.ManagementFactory;
import java.nio.file.Path;
import java.util.List;
import java.util.Locale;
import java.util.OptionalInt;
import java.util.OptionalLong;

/**
 * Benchmarks of the CPU backend, as a table on standard output. From the project's root:
 *
 * <pre>
 * mvn -q -pl bench -am -DskipTests package dependency:copy-dependencies \
 *     -DincludeScope=runtime -DoutputDirectory=target/lib
 * java -Xmx3g --add-modules=jdk.incubator.vector -cp "bench/target/classes:bench/target/lib/*" \
 *     io.tracemill.bench.CpuBench [seconds per case]
 * </pre>
 *
 * <p>Every case warms up until the compiler is done and then reports the best and the median of
 * repeated measurements: on a shared machine the best is what the code can do, and the distance to
 * the median is what the neighbours took. Ratios compare cases that ran in turns.
 */
public final class CpuBench {
  private static final int LANES = 32;

  /** The demo model's end of turn. */
  private static final int STOP_TOKEN = 685;

  private static final int NO_TOKEN = -1;
  private static final int OUT_FEATURES = 18944;
  private static final int IN_FEATURES = 3584;

  private final PrintStream out;
  private final double seconds;
  private final Path root;

  private CpuBench(PrintStream out, double seconds, Path root) {
    this.out = out;
    this.seconds = seconds;
    this.root = root;
  }

  /** Runs all cases; the argument is the time for each of them in seconds, 5 if absent. */
  public static void main(String[] arguments) throws IOException {
    double seconds = arguments.length > 0 ? Double.parseDouble(arguments[0]) : 5;
    CpuBench bench = new CpuBench(System.out, seconds, Path.of("").toAbsolutePath());
    bench.print(
        "%s, %d cores, JDK %s",
        new CpuBackendProvider().usability().detail(),
        Runtime.getRuntime().availableProcessors(),
        System.getProperty("java.version"));
    bench.products();
    bench.generation(KvElement.FLOAT32);
    bench.generation(KvElement.BF16);
    bench.compression(new Rpc(1024, 32, 256));
    bench.compression(new Rpc(64, 16, 16));
  }

  // ---- matrix products

  private void products() {
    ModelConfig shape =
        new ModelConfig(
            Architecture.QWEN2,
            1,
            IN_FEATURES,
            OUT_FEATURES,
            28,
            4,
            128,
            32,
            1e-6f,
            new RopeConfig(10_000, new RopeScaling.None()),
            1024,
            true,
            true,
            false);
    WeightTensor gate = DummyWeights.of(shape, 1).layers().get(0).gate();
    for (int threads = 1; threads <= Runtime.getRuntime().availableProcessors(); threads *= 2) {
      try (CpuKernelProbe probe = CpuKernelProbe.of(gate, 1, threads)) {
        double[] stream = {Double.MAX_VALUE};
        double[] product = {Double.MAX_VALUE};
        repeat(
            () -> {
              stream[0] = Math.min(stream[0], time(probe::stream));
              product[0] = Math.min(product[0], time(probe::multiply));
            });
        double gigabytes = probe.weightBytes() / 1e9;
        print(
            "bf16 mat-vec %dx%d, %d threads: %.1f GB/s, streaming read %.1f GB/s: %.0f %%",
            OUT_FEATURES,
            IN_FEATURES,
            threads,
            gigabytes / product[0],
            gigabytes / stream[0],
            100 * stream[0] / product[0]);
      }
    }
  }

  private static double time(Runnable work) {
    long start = System.nanoTime();
    work.run();
    return (System.nanoTime() - start) / 1e9;
  }

  private void repeat(Runnable work) {
    long end = System.nanoTime() + (long) (seconds * 1e9);
    while (System.nanoTime() < end) {
      work.run();
    }
  }

  // ---- generation

  private Backend open(KvElement element) {
    Path directory = root.resolve("demo/model");
    ModelConfig config = ModelConfigReader.read(directory);
    BackendOptions options =
        new BackendOptions(
            LANES,
            32,
            3072,
            256,
            OptionalLong.of(1_000_000_000),
            0.8,
            element,
            OptionalInt.empty(),
            OptionalInt.empty());
    try (CheckpointWeights weights = CheckpointWeights.open(directory, config)) {
      return new CpuBackendProvider().open(new BackendRequest(config, weights, options));
    }
  }

  private List<int[]> prompts() throws IOException {
    return DemoLanes.goldenPrompts(root.resolve("engine/src/test/resources/golden"));
  }

  private void generation(KvElement element) throws IOException {
    try (Backend backend = open(element)) {
      DemoLanes lanes =
          new DemoLanes(backend, prompts(), SamplingParams.greedy(3000), Rpc.OFF, STOP_TOKEN);
      double[] rates = measure(lanes);
      print(
          "demo model, %d slots, full %s cache, %.0f rows per lane: %.0f tokens/s overall, %.0f in"
              + " the best stretch, %.0f by CPU time; %.0f bytes allocated per step",
          LANES,
          element == KvElement.BF16 ? "bf16" : "float32",
          rates[3],
          rates[0],
          rates[1],
          rates[2],
          rates[4]);
    }
  }

  /**
   * Tokens/s overall, in the best stretch and per CPU second times cores; mean rows; allocated
   * bytes per step in the leanest stretch, where no sequence started.
   */
  private double[] measure(DemoLanes lanes) {
    run(lanes, Math.max(seconds, 5));
    lanes.resetCounters();
    int stretches = 40;
    double best = 0;
    double total = 0;
    double leanest = Double.MAX_VALUE;
    double cpu = cpuSeconds();
    for (int stretch = 0; stretch < stretches; stretch++) {
      long before = lanes.generated();
      long allocated = allocatedBytes();
      long start = System.nanoTime();
      long steps = run(lanes, 2 * seconds / stretches);
      double elapsed = (System.nanoTime() - start) / 1e9;
      leanest = Math.min(leanest, (double) (allocatedBytes() - allocated) / steps);
      total += elapsed;
      best = Math.max(best, (lanes.generated() - before) / elapsed);
    }
    cpu = cpuSeconds() - cpu;
    return new double[] {
      lanes.generated() / total,
      best,
      lanes.generated() / cpu * Runtime.getRuntime().availableProcessors(),
      (double) lanes.attendedRows() / lanes.generated(),
      leanest
    };
  }

  /** CPU time of the process, spinning and the compiler included. */
  private static double cpuSeconds() {
    return ((com.sun.management.OperatingSystemMXBean) ManagementFactory.getOperatingSystemMXBean())
            .getProcessCpuTime()
        / 1e9;
  }

  private static long run(DemoLanes lanes, double seconds) {
    long end = System.nanoTime() + (long) (seconds * 1e9);
    long steps = 0;
    while (System.nanoTime() < end) {
      lanes.step();
      steps++;
    }
    return steps;
  }

  private static long allocatedBytes() {
    com.sun.management.ThreadMXBean threads =
        (com.sun.management.ThreadMXBean) ManagementFactory.getThreadMXBean();
    long sum = 0;
    for (long bytes : threads.getThreadAllocatedBytes(threads.getAllThreadIds())) {
      sum += Math.max(bytes, 0);
    }
    return sum;
  }

  // ---- compression

  private void compression(Rpc rpc) throws IOException {
    try (Backend backend = open(KvElement.FLOAT32)) {
      // Outputs go on past their stop token, so that each lane is compressed once per interval.
      int maxTokens = rpc.interval() * 4 + rpc.window();
      DemoLanes lanes =
          new DemoLanes(backend, prompts(), SamplingParams.greedy(maxTokens), rpc, NO_TOKEN);
      while (!lanes.everyLaneCompressed()) {
        lanes.step();
      }
      lanes.resetCounters();
      long start = System.nanoTime();
      for (int step = 0; step < rpc.interval(); step++) {
        lanes.step();
      }
      double millis = (System.nanoTime() - start) / 1e6;
      print(
          "RPC P=%d R=%d T=%d: %d compressions of %.2f ms, %.2f %% of generation time, %.0f rows per"
              + " lane, %.0f tokens/s",
          rpc.interval(),
          rpc.window(),
          rpc.kept(),
          lanes.compressions(),
          lanes.compressMillis() / Math.max(lanes.compressions(), 1),
          100 * lanes.compressMillis() / millis,
          (double) lanes.attendedRows() / lanes.generated(),
          lanes.generated() / millis * 1e3);
    }
  }

  private void print(String format, Object... values) {
    out.println(String.format(Locale.ROOT, format, values));
  }
}
