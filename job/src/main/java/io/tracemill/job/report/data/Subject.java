package io.tracemill.job.report.data;

import io.tracemill.job.output.OutputTables;
import java.time.Instant;
import java.util.List;
import java.util.Locale;
import java.util.Map;
import java.util.Objects;
import java.util.Optional;

/**
 * A run as a report sees it: all runs of one folder with one fingerprint, since a run that was
 * resumed has several ids.
 *
 * @param tables where its rows lie
 * @param runIds its ids, oldest first; one at least
 * @param modelId name and hash of the model
 * @param engine backend and device; empty where the run has not ended
 * @param policy the KV policy in words
 * @param isFullCache whether nothing was compressed
 * @param startedAt when the first of them began; empty where none has ended
 * @param seconds of all of them together
 * @param settings options in force in the newest
 */
public record Subject(
    OutputTables tables,
    List<String> runIds,
    String modelId,
    String engine,
    String policy,
    boolean isFullCache,
    Optional<Instant> startedAt,
    double seconds,
    Map<String, String> settings) {
  public Subject {
    runIds = List.copyOf(runIds);
    settings = Map.copyOf(settings);
    Objects.requireNonNull(startedAt, "startedAt");
    if (runIds.isEmpty()) {
      throw new IllegalArgumentException("a subject without runs");
    }
  }

  /** The newest of its ids. */
  public String newestRunId() {
    return runIds.get(runIds.size() - 1);
  }

  /** Its rows in SQL: a condition over {@code run_id}. */
  String condition() {
    return "run_id IN (" + String.join(", ", runIds.stream().map(Sql::text).toList()) + ")";
  }

  /** A KV policy in words, such as {@code RPC (P 512, R 128, c 4)}. */
  static String policyLabel(String name, Integer interval, Integer window, Integer ratio) {
    String shown =
        switch (name) {
          case "full" -> "full cache";
          case "rpc" -> "RPC";
          default -> name;
        };
    StringBuilder numbers = new StringBuilder();
    append(numbers, "P", interval);
    append(numbers, "R", window);
    append(numbers, "c", ratio);
    return numbers.isEmpty() ? shown : "%s (%s)".formatted(shown, numbers);
  }

  private static void append(StringBuilder numbers, String symbol, Integer value) {
    if (value != null) {
      numbers.append(numbers.isEmpty() ? "" : ", ");
      numbers.append(String.format(Locale.ROOT, "%s %d", symbol, value));
    }
  }
}
