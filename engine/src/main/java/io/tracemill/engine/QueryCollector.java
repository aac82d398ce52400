package io.tracemill.engine;

import io.tracemill.engine.backend.BackendOptions;
import io.tracemill.engine.backend.BackendOptions.KvElement;
import io.tracemill.engine.backend.BackendRequest;
import io.tracemill.engine.compress.QuerySums;
import io.tracemill.engine.cpu.CpuBackendProvider;
import io.tracemill.engine.model.ModelConfig;
import io.tracemill.engine.model.ModelConfigReader;
import io.tracemill.engine.weights.CheckpointWeights;
import io.tracemill.engine.weights.ModelWeights;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.Iterator;
import java.util.OptionalInt;
import java.util.OptionalLong;

/**
 * Adds up a model's queries over given texts, for policies that are calibrated. One call runs on
 * one core of the CPU; parts of a corpus are collected apart and {@link QuerySums#merge merged},
 * which is what a Spark stage does:
 *
 * <pre>
 * texts.mapPartitions(part -&gt; QueryCollector.collect(model, part, 4096)).reduce(QuerySums::merge)
 *     .calibration().write(file)
 * </pre>
 */
public final class QueryCollector {
  private static final int CHUNK_TOKENS = 256;
  private static final double MEMORY_FRACTION = 0.5;

  private QueryCollector() {}

  /**
   * The sums over some texts.
   *
   * @param modelDirectory a Hugging Face checkpoint directory on a local file system
   * @param texts token ids of prompts with their outputs, such as traces of earlier runs
   * @param maxTokens longer texts are cut off there, at least 1
   * @throws io.tracemill.engine.error.ReasoningException where the model cannot be read or does not
   *     fit, or a token is not in its vocabulary
   */
  public static QuerySums collect(Path modelDirectory, Iterator<int[]> texts, int maxTokens) {
    if (!Files.isDirectory(modelDirectory)) {
      throw EngineErrors.notADirectory(modelDirectory);
    }
    ModelConfig config = ModelConfigReader.read(modelDirectory);
    BackendOptions options =
        new BackendOptions(
            1,
            0,
            maxTokens,
            CHUNK_TOKENS,
            OptionalLong.empty(),
            MEMORY_FRACTION,
            KvElement.FLOAT32,
            OptionalInt.of(1),
            OptionalInt.empty());
    try (ModelWeights weights = CheckpointWeights.open(modelDirectory, config)) {
      return CpuBackendProvider.collectQueries(new BackendRequest(config, weights, options), texts);
    }
  }
}
