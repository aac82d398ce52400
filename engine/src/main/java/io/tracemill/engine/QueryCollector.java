package io.tracemill.engine;

import io.tracemill.engine.backend.BackendOptions;
import io.tracemill.engine.backend.BackendOptions.KvElement;
import io.tracemill.engine.backend.BackendRequest;
import io.tracemill.engine.compress.QuerySums;
import io.tracemill.engine.cpu.CpuBackendProvider;
import io.tracemill.engine.cpu.QueryCollection;
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
 * Adds up a model's queries over given texts, for policies that are calibrated. It runs on the CPU
 * and holds the model once, however many threads collect; parts of a corpus may be collected
 * anywhere and {@link QuerySums#merge merged}, which gives the same sums as one part.
 *
 * <p><b>Threads.</b> May be shared: one text is run at a time, on all threads of the collector.
 * <b>Ownership.</b> Who opens it closes it.
 */
public final class QueryCollector implements AutoCloseable {
  private static final int CHUNK_TOKENS = 256;
  private static final double MEMORY_FRACTION = 0.5;

  private final QueryCollection collection;

  private QueryCollector(QueryCollection collection) {
    this.collection = collection;
  }

  /**
   * Loads a model.
   *
   * @param modelDirectory a Hugging Face checkpoint directory on a local file system
   * @param maxTokens longer texts are cut off there, at least 1; at most what the model was made
   *     for counts
   * @param threads CPU threads, at least 1; 0 for all cores
   * @throws io.tracemill.engine.error.ReasoningException where the model cannot be read or does not
   *     fit
   */
  public static QueryCollector open(Path modelDirectory, int maxTokens, int threads) {
    if (!Files.isDirectory(modelDirectory)) {
      throw EngineErrors.notADirectory(modelDirectory);
    }
    ModelConfig config = ModelConfigReader.read(modelDirectory);
    BackendOptions options =
        new BackendOptions(
            1,
            0,
            Math.min(maxTokens, config.maxPositions()),
            CHUNK_TOKENS,
            OptionalLong.empty(),
            MEMORY_FRACTION,
            KvElement.FLOAT32,
            threads == 0 ? OptionalInt.empty() : OptionalInt.of(threads),
            OptionalInt.empty());
    // The backend has its own copy of the weights once it is open.
    try (ModelWeights weights = CheckpointWeights.open(modelDirectory, config)) {
      return new QueryCollector(
          CpuBackendProvider.openCollection(new BackendRequest(config, weights, options)));
    }
  }

  /**
   * The sums over some texts.
   *
   * @param texts token ids of prompts with their outputs, such as traces of earlier runs; empty
   *     ones are passed over
   * @throws io.tracemill.engine.error.ReasoningException where a token is not in the vocabulary or
   *     a query is not finite
   */
  public QuerySums collect(Iterator<int[]> texts) {
    return collection.collect(texts);
  }

  /** Closing twice is allowed. */
  @Override
  public void close() {
    collection.close();
  }
}
