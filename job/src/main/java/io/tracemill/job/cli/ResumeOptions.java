package io.tracemill.job.cli;

import io.tracemill.job.wave.ResumeRules;
import picocli.CommandLine.Option;

/** Options of rows that are in the output already, and of how rows are committed. */
final class ResumeOptions {
  @Option(
      names = "--resume",
      negatable = true,
      defaultValue = "true",
      fallbackValue = "true",
      description =
          "Goes on where an earlier run of the same settings stopped; --no-resume refuses an output"
              + " that holds rows. Default: --resume.")
  private boolean resume = true;

  @Option(
      names = "--retry-errors",
      description = "Generates rows anew that ended in an error, in the place of these.")
  private boolean retryErrors;

  @Option(
      names = "--changed-rows",
      paramLabel = "RULE",
      description =
          "What becomes of rows whose prompt or own settings are not those that the output was"
              + " generated from: refuse to run, keep the old result, or regenerate. Default:"
              + " refuse.")
  private String changedRows = "refuse";

  @Option(
      names = "--wave-rows",
      paramLabel = "N",
      description =
          "Results that are committed together, about; a killed run loses two such waves at most."
              + " Default: 16 for each slot of all engines, which lets none run dry, and 1024 at"
              + " least.")
  private Long waveRows;

  ResumeRules rules() {
    return new ResumeRules(
        resume ? ResumeRules.Used.CONTINUE : ResumeRules.Used.REFUSE,
        retryErrors ? ResumeRules.Failed.RETRY : ResumeRules.Failed.KEEP,
        Choices.of("--changed-rows", changedRows, ResumeRules.Changed.class));
  }

  /** 0 to choose. */
  long waveRows() {
    if (waveRows == null) {
      return 0;
    }
    Ranges.atLeast("--wave-rows", waveRows, 1);
    return waveRows;
  }
}
