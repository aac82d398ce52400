package io.tracemill.job.preflight;

import io.tracemill.job.wave.WaveSize;
import io.tracemill.udf.ml.length.RunForecast;
import java.time.Duration;
import java.util.Locale;
import java.util.Optional;
import java.util.OptionalDouble;

/**
 * What a run will take, as ranges that a small measured sample allows.
 *
 * <p>The mean length is all tokens generated over the rows finished: rows that were still running
 * count with what they had, so that the long ones, which finish last, are not forgotten (the
 * censored maximum likelihood estimate for lengths of exponential shape). Its relative error is one
 * over the root of the finished rows; with none finished, lengths lie between what was seen and the
 * budget. Speed lies between the mean of the sample, prompts and drained end included, and the
 * speed at its fullest, scaled up where fewer rows ran than the run will have in a batch.
 *
 * @param fewestTokens of all rows
 * @param mostTokens of all rows
 * @param slowest tokens per second of all engines together
 * @param fastest tokens per second of all engines together
 * @param soonest time to generate
 * @param latest time to generate
 */
record Estimate(
    double fewestTokens,
    double mostTokens,
    double slowest,
    double fastest,
    Duration soonest,
    Duration latest) {
  private static final double STANDARD_ERRORS = 1.645;

  /**
   * What the run is.
   *
   * @param rows to generate
   * @param engines that run at once
   * @param lanes rows that an engine runs at once
   * @param budgetTokens most tokens of a row
   */
  record Plan(long rows, int engines, int lanes, int budgetTokens) {}

  /** The estimate; empty where nothing was measured. */
  static Optional<Estimate> of(Measured sample, Plan plan) {
    int finished = sample.generated().size();
    if (sample.generatedTokens() <= 0 || finished + sample.unfinished() == 0) {
      return Optional.empty();
    }
    double low;
    double high;
    if (finished == 0) {
      low = Math.min(plan.budgetTokens(), (double) sample.generatedTokens() / sample.unfinished());
      high = plan.budgetTokens();
    } else {
      double mean = (double) sample.generatedTokens() / finished;
      double error = STANDARD_ERRORS / Math.sqrt(finished);
      low = Math.min(plan.budgetTokens(), mean / (1 + error));
      high = Math.min(plan.budgetTokens(), mean * (1 + error));
    }
    double mean = sample.meanTokensPerSecond();
    double full = Math.max(mean, sample.fullTokensPerSecond());
    int measuredLanes = Math.max(1, sample.lanes());
    double growth = Math.max(1, (double) plan.lanes() / measuredLanes);
    double slowest = mean * plan.engines();
    double fastest = full * growth * plan.engines();
    // The last rows run alone: the longest may begin when all others are done.
    double tailSeconds = high * measuredLanes / full;
    return Optional.of(
        new Estimate(
            low * plan.rows(),
            high * plan.rows(),
            slowest,
            fastest,
            seconds(low * plan.rows() / fastest),
            seconds(high * plan.rows() / slowest + tailSeconds)));
  }

  /**
   * The estimate where lengths are predicted: tokens and steps are the forecast's, and the sample
   * tells what a step takes.
   */
  static Optional<Estimate> of(
      Measured sample, Plan plan, RunForecast forecast, RunForecast.Order order) {
    if (sample.generatedTokens() <= 0) {
      return Optional.empty();
    }
    double error = STANDARD_ERRORS * forecast.totalError();
    double slowest = sample.meanTokensPerSecond() * plan.engines();
    double full = Math.max(sample.meanTokensPerSecond(), sample.fullTokensPerSecond());
    double growth = Math.max(1, (double) plan.lanes() / Math.max(1, sample.lanes()));
    double fastest = full * growth * plan.engines();
    int lanes = Math.max(1, plan.lanes() * plan.engines());
    RunForecast.Steps steps = forecast.steps(lanes, order, WaveSize.usual(lanes));
    return Optional.of(
        new Estimate(
            forecast.expectedTokens() / (1 + error),
            forecast.expectedTokens() * (1 + error),
            slowest,
            fastest,
            seconds(steps.low() * lanes / fastest),
            seconds(steps.high() * lanes / slowest)));
  }

  private static Duration seconds(double seconds) {
    return Duration.ofMillis(Math.round(Math.min(seconds, 1e12) * 1_000));
  }

  /** Such as {@code 1.2 to 1.9 hours}. */
  String time() {
    double most = latest.toMillis() / 1_000.0;
    double least = soonest.toMillis() / 1_000.0;
    if (most < 120) {
      return String.format(Locale.ROOT, "%.0f to %.0f seconds", least, Math.ceil(most));
    }
    if (most < 7_200) {
      return String.format(Locale.ROOT, "%.1f to %.1f minutes", least / 60, most / 60);
    }
    return String.format(Locale.ROOT, "%.1f to %.1f hours", least / 3_600, most / 3_600);
  }

  /** Hours of all engines, and their price where an hour has one. */
  String cost(int engines, OptionalDouble pricePerHour) {
    double least = engines * soonest.toMillis() / 3_600_000.0;
    double most = engines * latest.toMillis() / 3_600_000.0;
    String hours =
        most < 0.01
            ? "under 0.01 engine hours"
            : String.format(Locale.ROOT, "%.2f to %.2f engine hours", least, most);
    return pricePerHour.isEmpty()
        ? hours
        : String.format(
            Locale.ROOT,
            "%s, at %.2f an hour %.2f to %.2f",
            hours,
            pricePerHour.getAsDouble(),
            least * pricePerHour.getAsDouble(),
            most * pricePerHour.getAsDouble());
  }
}
