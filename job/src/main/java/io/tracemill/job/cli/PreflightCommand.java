package io.tracemill.job.cli;

import io.tracemill.job.error.JobErrors;
import io.tracemill.job.preflight.SampleSize;
import java.time.Duration;
import java.util.OptionalDouble;
import java.util.concurrent.Callable;
import picocli.CommandLine.Command;
import picocli.CommandLine.Mixin;
import picocli.CommandLine.Option;
import picocli.CommandLine.ParentCommand;

/** Everything that can be known before a run, with a run's own options. */
@Command(
    name = "preflight",
    sortOptions = false,
    description =
        "Checks all that a run with these options needs, generates a small sample where it would"
            + " run, and says what it would take. Writes nothing.")
final class PreflightCommand implements Callable<Integer> {
  @ParentCommand private TracemillCommand parent;

  /** The same options, by being the same. */
  @Mixin private RunCommand run = new RunCommand();

  @Option(
      names = "--sample-rows",
      paramLabel = "N",
      description = "Rows to generate. Default: as many as --slots, at most 32.")
  private Integer sampleRows;

  @Option(
      names = "--sample-seconds",
      paramLabel = "S",
      description = "Most time to generate them. Default: 60.")
  private int sampleSeconds = 60;

  @Option(
      names = "--price-per-hour",
      paramLabel = "PRICE",
      description = "What an hour of an executor costs, to price the estimate.")
  private Double pricePerHour;

  @Override
  public Integer call() {
    if (sampleRows != null) {
      Ranges.atLeast("--sample-rows", sampleRows, 1);
    }
    if (pricePerHour != null && !(pricePerHour >= 0 && pricePerHour < Double.POSITIVE_INFINITY)) {
      throw JobErrors.outOfRange("--price-per-hour", pricePerHour, "0 or more");
    }
    SampleSize size =
        new SampleSize(sampleRows == null ? 0 : sampleRows, Duration.ofSeconds(sampleSeconds));
    return parent
        .launcher()
        .preflight(
            run,
            size,
            pricePerHour == null ? OptionalDouble.empty() : OptionalDouble.of(pricePerHour));
  }
}
