package io.tracemill.job.cli;

import io.tracemill.job.run.ErrorBudget;
import picocli.CommandLine.Mixin;
import picocli.CommandLine.Option;

/**
 * Options of how rows are worked off: by how many tasks, again or not, and with how many failures.
 */
final class WorkOptions {
  @Option(
      names = "--partitions",
      paramLabel = "N",
      description = "Tasks that generate a wave. Default: as many as keep the engines' slots full.")
  private Integer partitions;

  @Mixin private ResumeOptions resume = new ResumeOptions();

  @Option(
      names = "--max-errors",
      paramLabel = "N|P%%",
      description = "Rows that may fail before the run is stopped. Default: 100%%, any number.")
  private String maxErrors = "100%";

  /** Refuses values out of range. */
  void checkRanges() {
    if (partitions != null) {
      Ranges.atLeast("--partitions", partitions, 1);
    }
  }

  /** Tasks of a wave; 0 for as many as keep the slots full. */
  int partitions() {
    return partitions == null ? 0 : partitions;
  }

  ResumeOptions resume() {
    return resume;
  }

  /** What {@code --max-errors} says; checks it. */
  ErrorBudget errorBudget() {
    return ErrorBudget.parse(maxErrors);
  }
}
