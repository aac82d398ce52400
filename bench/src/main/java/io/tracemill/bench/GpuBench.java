package io.tracemill.bench;

import io.tracemill.engine.api.HeadAggregation;
import io.tracemill.engine.api.KvPolicySettings;
import io.tracemill.engine.api.SamplingParams;
import io.tracemill.engine.backend.Backend;
import io.tracemill.engine.backend.BackendOptions;
import io.tracemill.engine.backend.BackendOptions.KvElement;
import io.tracemill.engine.backend.BackendRequest;
import io.tracemill.engine.backend.LaneCompression;
import io.tracemill.engine.backend.LaneStart;
import io.tracemill.engine.backend.PendingTokens;
import io.tracemill.engine.backend.PrefillChunk;
import io.tracemill.engine.compress.CompressionSchedule;
import io.tracemill.engine.compress.KvCompressionPolicy;
import io.tracemill.engine.compress.KvPolicies;
import io.tracemill.engine.compress.RowPlan;
import io.tracemill.engine.compress.ScoreRule.SelectorAttention;
import io.tracemill.engine.kvcache.KvLayout;
import io.tracemill.engine.model.ModelConfig;
import io.tracemill.engine.weights.DummyWeights;
import io.tracemill.gpu.internal.backend.StepProbe;
import java.util.ArrayDeque;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.Collections;
import java.util.Deque;
import java.util.LinkedHashSet;
import java.util.List;
import java.util.Locale;
import java.util.Map;
import java.util.OptionalInt;
import java.util.OptionalLong;
import java.util.Random;
import java.util.Set;

/**
 * Measures the CUDA backend with random weights and prints tables in Markdown. Times are medians of
 * device events unless a line says wall time; rates count each byte that has to be read once.
 *
 * <pre>
 * run-bench [--model 7b|qwq] [--max-lanes N] [kernels] [steps] [runs] [capacity] [prefill]
 *           [compression] [idle] [real-run]
 * </pre>
 *
 * Without names everything but {@code real-run} is measured.
 */
public final class GpuBench {
  private static final int PROMPT = 128;
  private static final int LONG_OUTPUT = 32_768;
  private static final int[] OUTPUTS = {8192, 16_384, LONG_OUTPUT};
  private static final int ROOM = 64;
  private static final int STEPS = 20;
  private static final int REAL_OUTPUT = 4096;
  private static final SamplingParams SAMPLING =
      new SamplingParams(0.6f, 0, 0.95f, 0, 1, LONG_OUTPUT, List.of(), 0);
  private static final List<String> ALL =
      List.of("kernels", "steps", "runs", "capacity", "prefill", "compression", "idle");

  private final ModelConfig config;
  private final StepProbe probe;
  private final double copyRate;

  private GpuBench(ModelConfig config, StepProbe probe) {
    this.config = config;
    this.probe = probe;
    this.copyRate = probe.copyBytesPerSecond();
  }

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
          if (!ALL.contains(arguments[i]) && !arguments[i].equals("real-run")) {
            System.err.println(
                "GpuBench: " + arguments[i] + " is not one of " + ALL + " or real-run");
            System.exit(2);
          }
          chosen.add(arguments[i]);
        }
      }
    }
    ModelConfig config = BenchModels.of(model);
    BackendOptions options =
        new BackendOptions(
            maxLanes,
            32,
            PROMPT + LONG_OUTPUT + ROOM,
            2048,
            OptionalLong.empty(),
            0.97,
            KvElement.BACKEND_DEFAULT,
            OptionalInt.empty(),
            OptionalInt.empty());
    long start = System.nanoTime();
    try (StepProbe probe =
        StepProbe.open(new BackendRequest(config, DummyWeights.of(config, 1), options))) {
      GpuBench bench = new GpuBench(config, probe);
      print(
          "## %s, random weights%n%n%s; copy %.2f TB/s; open %.1f s; %d KV pages; device memory %s",
          model,
          probe.info().device(),
          bench.copyRate / 1e12,
          (System.nanoTime() - start) / 1e9,
          probe.info().numPages(),
          probe.info().memoryBytes());
      bench.run(chosen.isEmpty() ? new LinkedHashSet<>(ALL) : chosen);
      print("Peak device memory: %.2f GB.", probe.peakBytes() / 1e9);
    }
  }

  private void run(Set<String> chosen) {
    for (String what : chosen) {
      switch (what) {
        case "kernels" -> kernels();
        case "steps" -> steps();
        case "runs" -> runs();
        case "capacity" -> capacity();
        case "prefill" -> prefill();
        case "compression" -> compression();
        case "idle" -> idle();
        case "real-run" -> realRun();
        default -> throw new IllegalStateException(what);
      }
    }
  }

  private void kernels() {
    for (int[] point : new int[][] {{1, 512}, {16, 4632}, {64, 4632}, {128, 4632}}) {
      int batch = point[0];
      int rows = point[1];
      if (!fits(batch, rows)) {
        continue;
      }
      probe.setLanes(batch, rows, ROOM, SAMPLING);
      print("### Kernels, batch %d, %d rows (in a graph, per launch)%n", batch, rows);
      print("| kernel | us | MB | GB/s | of copy |%n|---|---|---|---|---|");
      double linear = 0;
      for (Map.Entry<String, Double> part : probe.partMicros(10).entrySet()) {
        double bytes = partBytes(part.getKey(), batch, rows);
        double rate = bytes / (part.getValue() / 1e6);
        print(
            "| %s | %.1f | %.1f | %.0f | %.0f %% |",
            part.getKey(), part.getValue(), bytes / 1e6, rate / 1e9, 100 * rate / copyRate);
        linear += linearShare(part.getKey()) * part.getValue();
      }
      double bytes = probe.streamedBytes();
      print(
          "%nLinear layers of a step: %.0f us, %.2f TB/s.%n",
          linear, bytes / (linear / 1e6) / 1e12);
    }
  }

  private int linearShare(String part) {
    return switch (part) {
      case "query_key_value", "attention_output", "gate_up", "down" -> config.numLayers();
      case "output_projection" -> 1;
      default -> 0;
    };
  }

  /** Bytes that a part has to move at the least. */
  private double partBytes(String part, int batch, int rows) {
    double hidden = config.hiddenSize();
    double qkv = config.queryDim() + 2.0 * config.kvDim();
    return switch (part) {
      case "query_key_value" -> 2 * hidden * qkv;
      case "attention_output" -> 2 * hidden * config.queryDim();
      case "gate_up" -> 4 * hidden * config.intermediateSize();
      case "down" -> 2 * hidden * config.intermediateSize();
      case "output_projection" -> 2 * hidden * config.vocabSize();
      case "attention" -> 4.0 * batch * rows * config.kvDim();
      case "input_norm", "post_attention_norm", "final_norm" -> batch * hidden * 6;
      case "rope_append" -> batch * (qkv * 4 + qkv * 2 + config.queryDim() * 2.0);
      case "embed" -> batch * hidden * 6;
      case "sample" -> 4.0 * batch * config.vocabSize();
      default -> 0;
    };
  }

  private void steps() {
    print("### Decode steps (ms, graph after graph; share of the copy rate over weights + KV)%n");
    int[] rowCounts = {192, 1024, 4632, 8960, 16_512, 32_768};
    StringBuilder head = new StringBuilder("| batch |");
    StringBuilder line = new StringBuilder("|---|");
    for (int rows : rowCounts) {
      head.append(' ').append(rows).append(" rows |");
      line.append("---|");
    }
    print("%s%n%s", head, line);
    for (int batch : new int[] {1, 8, 16, 32, 64, 128, 192, 256}) {
      StringBuilder cells = new StringBuilder("| " + batch + " |");
      for (int rows : rowCounts) {
        if (!fits(batch, rows)) {
          cells.append(" - |");
          continue;
        }
        double micros = stepMicros(batch, rows);
        double bytes = probe.streamedBytes() + (double) batch * rows * kvRowBytes();
        cells.append(
            String.format(
                Locale.ROOT,
                " %.3f (%.0f %%) |",
                micros / 1e3,
                100 * bytes / (micros / 1e6) / copyRate));
      }
      print("%s", cells);
    }
    print("");
  }

  private void runs() {
    print("### Runs of 32,768 tokens, prompt %d, integrated from step times%n", PROMPT);
    print("| batch | policy | output 8,192 | 16,384 | 32,768 tok/s |%n|---|---|---|---|---|");
    for (int batch : new int[] {1, 16}) {
      StepTimes times = new StepTimes();
      for (int rows : new int[] {128, 1024, 2048, 4096, 8960, 16_512, 24_576, 32_896 - ROOM}) {
        if (fits(batch, rows)) {
          times.add(rows, stepMicros(batch, rows));
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
        print(
            "| %d | %s%s |%s",
            batch,
            settings.name(),
            settings.intervalTokens() == 0 ? "" : " P=" + settings.intervalTokens(),
            cells);
      }
    }
    print("");
  }

  /** Seconds of {@code output - 1} decode steps; compressions of the batch come all at once. */
  private double integrate(StepTimes times, KvCompressionPolicy policy, int batch, int output) {
    CompressionSchedule schedule = policy.schedule();
    double micros = 0;
    for (int step = 1; step < output; step++) {
      micros += times.micros(schedule.rowsAttended(PROMPT, step));
      if (schedule.dueAfter(PROMPT, step)) {
        RowPlan plan = schedule.plan(PROMPT, step).orElseThrow();
        micros += 1e3 * batch * compressionMillisPerLane(plan);
      }
    }
    return micros / 1e6;
  }

  /** Measured at two sizes and drawn as a line through them. */
  private double compressionMillisPerLane(RowPlan plan) {
    if (compressionLine == null) {
      double small = measureCompression(16, plan(1024, 256));
      double large = measureCompression(16, plan(8704, 7936));
      double slope = (large - small) / (8704 - 1024) / 16;
      compressionLine = new double[] {small / 16 - slope * 1024, slope};
    }
    return compressionLine[0] + compressionLine[1] * plan.candidates();
  }

  private double[] compressionLine;

  private void capacity() {
    print("### As many sequences as fit, 32,768 tokens out%n");
    print("| policy | mean rows | sequences | step ms | tok/s |%n|---|---|---|---|---|");
    for (KvPolicySettings settings :
        List.of(KvPolicySettings.full(), KvPolicySettings.rpc(1024, 32, 4))) {
      CompressionSchedule schedule = KvPolicies.create(settings).schedule();
      int rows = (int) (schedule.attendedRowsTotal(PROMPT, LONG_OUTPUT - 1) / (LONG_OUTPUT - 1));
      int perLane = KvLayout.pagesFor(rows + ROOM);
      int lanes = Math.min(probe.info().maxLanes(), probe.info().numPages() / perLane);
      double micros = stepMicros(lanes, rows);
      print(
          "| %s | %d | %d | %.2f | %.0f |",
          settings.name(), rows, lanes, micros / 1e3, lanes / (micros / 1e6));
    }
    print("");
  }

  private void prefill() {
    print("### Prefill%n%n| tokens | behind rows | ms | tok/s | TFLOP/s |%n|---|---|---|---|---|");
    for (int[] point : new int[][] {{2048, 0}, {2048, 6144}, {512, 0}, {128, 0}}) {
      double millis = probe.prefillMillis(point[1], point[0], 7);
      double perToken = 2.0 * (probe.streamedBytes() / 2.0 - vocabWeights());
      double attention = 4.0 * config.numLayers() * config.queryDim() * (point[1] + point[0] / 2.0);
      print(
          "| %d | %d | %.2f | %.0f | %.0f |",
          point[0],
          point[1],
          millis,
          point[0] / (millis / 1e3),
          point[0] * (perToken + attention) / (millis / 1e3) / 1e12);
    }
    print("");
  }

  private double vocabWeights() {
    return (double) config.vocabSize() * config.hiddenSize();
  }

  private void compression() {
    print("### Compression, all layers (device ms)%n");
    print("| lanes | candidates | kept | ms | ms per lane |%n|---|---|---|---|---|");
    for (int[] point : new int[][] {{1, 1024, 256}, {1, 8704, 7936}, {16, 8704, 7936}}) {
      double millis = measureCompression(point[0], plan(point[1], point[2]));
      print(
          "| %d | %d | %d | %.3f | %.3f |",
          point[0], point[1], point[2], millis, millis / point[0]);
    }
    print("");
  }

  private static RowPlan plan(int candidates, int kept) {
    return new RowPlan(PROMPT, candidates, kept, 32);
  }

  private double measureCompression(int lanes, RowPlan plan) {
    probe.setLanes(lanes, plan.rowsBefore(), ROOM, SAMPLING);
    SelectorAttention rule =
        new SelectorAttention(Collections.nCopies(32, 1f), HeadAggregation.ALL, 7);
    List<LaneCompression> due = new ArrayList<>();
    for (int lane = 0; lane < lanes; lane++) {
      due.add(new LaneCompression(lane, plan, rule));
    }
    return probe.compressionMillis(due, 5);
  }

  private void idle() {
    print("### Between steps: Java reads every step's tokens, two steps in flight%n");
    print(
        "| batch | rows | queued ms per step | wall ms per step | added us |%n|---|---|---|---|---|");
    for (int[] point : new int[][] {{1, 1024}, {16, 4632}, {128, 4632}}) {
      if (!fits(point[0], point[1])) {
        continue;
      }
      probe.setLanes(point[0], point[1], 3 * ROOM, SAMPLING);
      double device = probe.decodeMeanMicros(2 * STEPS);
      probe.rewind(point[1]);
      double wall = probe.decodeWallMicros(2 * STEPS);
      print(
          "| %d | %d | %.3f | %.3f | %.1f |",
          point[0], point[1], device / 1e3, wall / 1e3, wall - device);
    }
    print("");
  }

  private double stepMicros(int batch, int rows) {
    probe.setLanes(batch, rows, ROOM, SAMPLING);
    return probe.decodeMicros(STEPS);
  }

  private boolean fits(int batch, int rows) {
    return batch <= probe.info().maxLanes()
        && (long) batch * KvLayout.pagesFor(rows + ROOM) <= probe.info().numPages();
  }

  private double kvRowBytes() {
    return probe.info().kvLayout().rowBytes();
  }

  /** Generates for real, batch 16 with RPC, every token read by Java. */
  private void realRun() {
    int batch = 16;
    KvCompressionPolicy policy = KvPolicies.create(KvPolicySettings.rpc(1024, 32, 4));
    CompressionSchedule schedule = policy.schedule();
    probe.endLanes();
    Backend backend = probe.backend();
    Deque<Integer> free = new ArrayDeque<>();
    for (int page = 0; page < probe.info().numPages(); page++) {
      free.add(page);
    }
    int[] held = new int[batch];
    int[] lanes = new int[batch];
    List<PrefillChunk> prompts = new ArrayList<>();
    for (int lane = 0; lane < batch; lane++) {
      lanes[lane] = lane;
      int[] prompt = new Random(lane).ints(PROMPT, 0, 1000).toArray();
      backend.startLane(new LaneStart(lane, SAMPLING, lane, prompt, 32));
      held[lane] = grow(backend, free, lane, 0, PROMPT);
      prompts.add(new PrefillChunk(lane, 0, prompt, true));
    }
    backend.prefill(prompts).await();
    long start = System.nanoTime();
    PendingTokens previous = null;
    for (int step = 1; step < REAL_OUTPUT; step++) {
      int attended = schedule.rowsAttended(PROMPT, step);
      for (int lane = 0; lane < batch; lane++) {
        held[lane] = grow(backend, free, lane, held[lane], attended);
      }
      PendingTokens next = backend.decode(lanes);
      if (schedule.dueAfter(PROMPT, step)) {
        RowPlan plan = schedule.plan(PROMPT, step).orElseThrow();
        backend.compress(
            Arrays.stream(lanes)
                .mapToObj(lane -> new LaneCompression(lane, plan, policy.scoreRule().orElseThrow()))
                .toList());
      }
      if (previous != null) {
        previous.await();
      }
      previous = next;
    }
    previous.await();
    double seconds = (System.nanoTime() - start) / 1e9;
    for (int lane : lanes) {
      backend.endLane(lane);
    }
    print(
        "Real run: batch %d, rpc P=1024, %d tokens out: %.1f tok/s (wall, tokens read by Java).%n",
        batch, REAL_OUTPUT, batch * (REAL_OUTPUT - 1) / seconds);
    StepTimes times = new StepTimes();
    for (int rows : new int[] {128, 512, 1024, 1536, 2048}) {
      times.add(rows, stepMicros(batch, rows));
    }
    double integral = integrate(times, policy, batch, REAL_OUTPUT);
    print(
        "The same integrated from step times: %.1f tok/s.%n", batch * (REAL_OUTPUT - 1) / integral);
  }

  private static int grow(Backend backend, Deque<Integer> free, int lane, int held, int rows) {
    int needed = KvLayout.pagesFor(rows);
    if (needed <= held) {
      return held;
    }
    int[] pages = new int[needed - held];
    for (int i = 0; i < pages.length; i++) {
      pages[i] = free.remove();
    }
    backend.mapPages(lane, held, pages);
    return needed;
  }

  private static void print(String format, Object... arguments) {
    System.out.println(String.format(Locale.ROOT, format, arguments));
  }
}
