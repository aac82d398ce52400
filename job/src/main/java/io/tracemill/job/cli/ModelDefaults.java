package io.tracemill.job.cli;

import io.tracemill.engine.api.SamplingParams;
import java.nio.file.Path;

/** What a checkpoint suggests for sampling. */
final class ModelDefaults {
  private ModelDefaults() {}

  static SamplingParams of(Path modelDirectory) {
    return SamplingParams.greedy(1);
  }
}
