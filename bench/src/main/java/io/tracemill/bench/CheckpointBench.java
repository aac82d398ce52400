package io.tracemill.bench;

import io.tracemill.engine.api.SamplingParams;
import io.tracemill.engine.backend.Backend;
import io.tracemill.engine.backend.BackendOptions;
import io.tracemill.engine.backend.BackendOptions.KvElement;
import io.tracemill.engine.backend.BackendRequest;
import io.tracemill.engine.backend.LaneStart;
import io.tracemill.engine.backend.PrefillChunk;
import io.tracemill.engine.kvcache.KvLayout;
import io.tracemill.engine.model.ModelConfig;
import io.tracemill.engine.model.ModelConfigReader;
import io.tracemill.engine.weights.CheckpointWeights;
import io.tracemill.engine.weights.DummyWeights;
import io.tracemill.engine.weights.ModelWeights;
import io.tracemill.gpu.internal.backend.StepProbe;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.List;
import java.util.OptionalInt;
import java.util.OptionalLong;
import java.util.Random;
import java.util.stream.IntStream;

/**
 * A checkpoint of a real model's size, from files to the device. The weights are random, so that
 * the same ones can also be made without files: tokens generated from both must be equal.
 *
 * <pre>
 * write DIRECTORY [7b|qwq]   writes the checkpoint
 * load DIRECTORY             loads it: seconds, GB/s, host memory, tokens against the same weights
 *                            without files
 * </pre>
 *
 * Exit code 1 where tokens differ.
 */
public final class CheckpointBench {
  private static final long SEED = 11;
  private static final int LANES = 8;
  private static final int PROMPT = 100;
  private static final int PROMPT_IDS = 1000;
  private static final int OUTPUT = 64;
  private static final int ROWS = 256;
  private static final long KV_BYTES = 2_000_000_000L;

  private CheckpointBench() {}

  /** See the class. */
  public static void main(String[] arguments) throws Exception {
    if (arguments.length < 2) {
      System.err.println("CheckpointBench: usage: write DIRECTORY [7b|qwq] | load DIRECTORY");
      System.exit(2);
    }
    Path directory = Path.of(arguments[1]);
    switch (arguments[0]) {
      case "write" -> write(directory, arguments.length > 2 ? arguments[2] : "7b");
      case "load" -> System.exit(load(directory) ? 0 : 1);
      default -> {
        System.err.println("CheckpointBench: " + arguments[0] + " is neither write nor load");
        System.exit(2);
      }
    }
  }

  private static void write(Path directory, String model) throws Exception {
    ModelConfig config = BenchModels.of(model);
    long start = System.nanoTime();
    try (ModelWeights weights = DummyWeights.of(config, SEED)) {
      long bytes = new CheckpointWriter(directory, config).write(weights);
      double seconds = (System.nanoTime() - start) / 1e9;
      GpuMeter.print(
          "Wrote %.2f GB in %.1f s (%.2f GB/s).", bytes / 1e9, seconds, bytes / seconds / 1e9);
    }
  }

  private static boolean load(Path directory) {
    ModelConfig config = ModelConfigReader.read(directory);
    List<int[]> fromFiles;
    try (HostMemory memory = HostMemory.watch();
        ModelWeights weights = CheckpointWeights.open(directory, config);
        StepProbe probe = open(config, weights)) {
      report("checkpoint", config, probe);
      GpuMeter.print("Most host memory of the process while it loaded: %s.", memory.most());
      fromFiles = generate(probe.backend());
    }
    List<int[]> withoutFiles;
    try (ModelWeights weights = DummyWeights.of(config, SEED);
        StepProbe probe = open(config, weights)) {
      report("the same weights, made by the host", config, probe);
      withoutFiles = generate(probe.backend());
    }
    boolean equal =
        IntStream.range(0, LANES)
            .allMatch(lane -> Arrays.equals(fromFiles.get(lane), withoutFiles.get(lane)));
    long distinct = fromFiles.stream().flatMapToInt(Arrays::stream).distinct().count();
    GpuMeter.print(
        "Tokens: %d lanes of %d, %d different ones, %s.",
        LANES, OUTPUT, distinct, equal ? "equal from both" : "NOT equal");
    return equal;
  }

  private static StepProbe open(ModelConfig config, ModelWeights weights) {
    BackendOptions options =
        new BackendOptions(
            LANES,
            0,
            ROWS,
            LANES * PROMPT,
            OptionalLong.of(KV_BYTES),
            0.9,
            KvElement.BACKEND_DEFAULT,
            OptionalInt.empty(),
            OptionalInt.empty());
    return StepProbe.open(new BackendRequest(config, weights, options));
  }

  private static void report(String what, ModelConfig config, StepProbe probe) {
    double seconds = probe.weightLoadMillis() / 1e3;
    double embedding = 2.0 * config.vocabSize() * config.hiddenSize();
    GpuMeter.print(
        "Load, %s: %.2f s, %.2f GB/s; most device memory %.2f GB.",
        what,
        seconds,
        (probe.streamedBytes() + embedding) / seconds / 1e9,
        probe.peakBytes() / 1e9);
  }

  /** The tokens of a few lanes, half of them drawn. */
  private static List<int[]> generate(Backend backend) {
    int[] lanes = IntStream.range(0, LANES).toArray();
    int pages = KvLayout.pagesFor(PROMPT + OUTPUT);
    List<PrefillChunk> prompts = new ArrayList<>();
    for (int lane : lanes) {
      int[] prompt = new Random(lane).ints(PROMPT, 0, PROMPT_IDS).toArray();
      SamplingParams sampling =
          lane % 2 == 0
              ? SamplingParams.greedy(OUTPUT)
              : new SamplingParams(0.6f, 0, 0.95f, 0, 1, OUTPUT, List.of(), lane);
      backend.startLane(new LaneStart(lane, sampling, lane, prompt, 0));
      backend.mapPages(lane, 0, IntStream.range(lane * pages, (lane + 1) * pages).toArray());
      prompts.add(new PrefillChunk(lane, 0, prompt, true));
    }
    List<int[]> tokens = new ArrayList<>();
    while (tokens.size() < LANES) {
      tokens.add(new int[OUTPUT]);
    }
    int[] step = backend.prefill(prompts).await();
    for (int i = 0; i < OUTPUT; i++) {
      if (i > 0) {
        step = backend.decode(lanes).await();
      }
      for (int lane : lanes) {
        tokens.get(lane)[i] = step[lane];
      }
    }
    for (int lane : lanes) {
      backend.endLane(lane);
    }
    return tokens;
  }
}
