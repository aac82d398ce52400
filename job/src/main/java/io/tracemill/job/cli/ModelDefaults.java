package io.tracemill.job.cli;

import io.tracemill.engine.api.SamplingParams;
import io.tracemill.engine.model.GenerationDefaults;
import io.tracemill.engine.model.GenerationDefaultsReader;
import io.tracemill.engine.model.ModelConfigReader;
import java.nio.file.Path;

/** What a checkpoint suggests for sampling. */
final class ModelDefaults {
  private ModelDefaults() {}

  /**
   * Reads the small files of a checkpoint; a model that the engine does not know is refused here,
   * long before its weights are read.
   */
  static SamplingParams of(Path modelDirectory) {
    ModelConfigReader.read(modelDirectory);
    GenerationDefaults own = GenerationDefaultsReader.read(modelDirectory);
    SamplingParams one = SamplingParams.greedy(1);
    return new SamplingParams(
        own.temperature(),
        own.topK(),
        own.topP(),
        own.minP(),
        own.repetitionPenalty(),
        one.maxNewTokens(),
        one.stopStrings(),
        one.seed());
  }
}
