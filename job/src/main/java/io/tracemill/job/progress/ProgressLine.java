package io.tracemill.job.progress;

import java.time.Duration;
import java.util.DoubleSummaryStatistics;
import java.util.Locale;
import java.util.Map;
import java.util.Optional;
import java.util.stream.Collectors;

/** One line about a run that goes on. */
final class ProgressLine {
  /** Slots below this share, with more rows waiting than slots, are a sign of too few feeders. */
  static final double BADLY_USED = 0.5;

  /** More executors than this are summed up. */
  private static final int NAMED_EXECUTORS = 6;

  private static final Duration SETTLED = Duration.ofSeconds(30);

  private ProgressLine() {}

  /**
   * What a line is made of.
   *
   * @param done rows done
   * @param failed of these, failed
   * @param rows all rows that are due
   * @param tokensPerSecond of all executors, smoothed
   * @param kvRows KV rows attended to so far
   * @param kvFullRows the same had no row been dropped
   * @param lanes rows that ran at once on average
   * @param slots of all executors as they were at the start
   * @param executors what each did last
   * @param elapsed since the start
   * @param generating since the first token
   * @param forecast time to go by predicted lengths; empty for an estimate from the rows done
   */
  record Sample(
      long done,
      long failed,
      long rows,
      double tokensPerSecond,
      long kvRows,
      long kvFullRows,
      int lanes,
      int slots,
      Map<String, Timeline.Now> executors,
      Duration elapsed,
      Duration generating,
      Optional<Eta> forecast) {
    private double slotsUsed() {
      return executors.values().stream().mapToDouble(Timeline.Now::slotsUsed).sum();
    }

    private long slotsNow() {
      return executors.values().stream().mapToLong(Timeline.Now::slots).sum();
    }
  }

  static String of(Sample now) {
    String line =
        String.format(
            Locale.ROOT,
            "%,d/%,d rows  %,d failed  %,.0f tokens/s%s  slots %s  KV full %s  KV saved %s  %s"
                + " elapsed, %s to go",
            now.done(),
            now.rows(),
            now.failed(),
            now.tokensPerSecond(),
            byExecutor(now.executors()),
            slots(now),
            kvFill(now.executors()),
            percent(now.kvFullRows() - now.kvRows(), now.kvFullRows()),
            Eta.clock(now.elapsed()),
            now.forecast()
                .or(() -> Eta.of(now.generating(), now.done(), now.rows(), now.lanes()))
                .map(Eta::label)
                .orElse("?"));
    return isBadlyUsed(now) ? line + "  (slots badly used)" : line;
  }

  private static String byExecutor(Map<String, Timeline.Now> executors) {
    if (executors.size() < 2) {
      return "";
    }
    if (executors.size() <= NAMED_EXECUTORS) {
      return executors.entrySet().stream()
          .map(
              each ->
                  String.format(
                      Locale.ROOT, "%s: %,.0f", each.getKey(), each.getValue().tokensPerSecond()))
          .collect(Collectors.joining(", ", " (", ")"));
    }
    DoubleSummaryStatistics speeds =
        executors.values().stream()
            .collect(Collectors.summarizingDouble(Timeline.Now::tokensPerSecond));
    return String.format(
        Locale.ROOT,
        " (%d executors, %,.0f-%,.0f each)",
        executors.size(),
        speeds.getMin(),
        speeds.getMax());
  }

  private static String slots(Sample now) {
    return now.executors().isEmpty()
        ? "-/" + now.slots()
        : String.format(Locale.ROOT, "%.0f/%d", now.slotsUsed(), now.slotsNow());
  }

  private static String kvFill(Map<String, Timeline.Now> executors) {
    return percent(
        executors.values().stream().mapToLong(Timeline.Now::kvPagesUsed).sum(),
        executors.values().stream().mapToLong(Timeline.Now::kvPages).sum());
  }

  /** Not at the start, while engines open, and not at the end, when too few rows are left. */
  private static boolean isBadlyUsed(Sample now) {
    return now.generating().compareTo(SETTLED) > 0
        && now.rows() - now.done() > 2 * now.slotsNow()
        && now.slotsUsed() < BADLY_USED * now.slotsNow();
  }

  private static String percent(long part, long whole) {
    return whole <= 0 ? "-" : Math.round(100.0 * part / whole) + " %";
  }
}
