package io.tracemill.job.cli;

import io.tracemill.engine.api.KvPolicySettings;
import io.tracemill.engine.api.SamplingParams;
import io.tracemill.udf.GenerationSettings;
import java.util.ArrayList;
import java.util.List;
import java.util.Optional;
import picocli.CommandLine.Option;

/**
 * Options of sampling but for the temperature, of which a run has one and an evaluation several;
 * what is not given comes from the model's generation_config.json.
 */
final class SamplingOptions {
  @Option(
      names = "--max-new-tokens",
      paramLabel = "N",
      description = "Token budget of an output. Default: 4096.")
  private int maxNewTokens = 4096;

  @Option(names = "--top-p", paramLabel = "P", description = "1 is off. Default: the model's own.")
  private Float topP;

  @Option(names = "--top-k", paramLabel = "K", description = "0 is off. Default: the model's own.")
  private Integer topK;

  @Option(names = "--min-p", paramLabel = "P", description = "0 is off. Default: the model's own.")
  private Float minP;

  @Option(
      names = "--repetition-penalty",
      paramLabel = "R",
      description = "1 is off. Default: the model's own.")
  private Float repetitionPenalty;

  @Option(
      names = "--seed",
      paramLabel = "S",
      description = "Seed of the run; the same seed draws the same tokens. Default: 0.")
  private long seed;

  @Option(names = "--samples", paramLabel = "N", description = "Outputs for each row. Default: 1.")
  private int samples = 1;

  @Option(
      names = "--stop",
      paramLabel = "TEXT",
      description = "A text that ends the output and is cut off. Repeatable.")
  private List<String> stop = new ArrayList<>();

  /**
   * The settings of a run; checked.
   *
   * @param temperature empty for the model's own
   */
  GenerationSettings settings(
      SamplingParams modelsOwn, Optional<Float> temperature, KvPolicySettings kvPolicy) {
    Ranges.atLeast("--samples", samples, 1);
    return GenerationSettings.of(
        new SamplingParams(
            temperature.orElse(modelsOwn.temperature()),
            topK == null ? modelsOwn.topK() : topK,
            topP == null ? modelsOwn.topP() : topP,
            minP == null ? modelsOwn.minP() : minP,
            repetitionPenalty == null ? modelsOwn.repetitionPenalty() : repetitionPenalty,
            maxNewTokens,
            stop,
            seed),
        samples,
        kvPolicy);
  }

  /** Outputs for each row. */
  int samples() {
    return samples;
  }
}
