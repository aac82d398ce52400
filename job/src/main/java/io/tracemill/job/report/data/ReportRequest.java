package io.tracemill.job.report.data;

import java.util.List;
import java.util.Objects;
import java.util.Optional;

/**
 * What a report is asked for.
 *
 * @param output the output folder of a run, or a folder of several
 * @param compare another such folder, whose newest run is the baseline
 * @param runs run ids, or the beginnings of them: none, the run, or the run and its baseline
 * @param gold an SQL expression over a row of traces for its gold answer; empty for {@code
 *     input.answer} where there is one
 * @param groupBy an SQL expression over a row of traces by which accuracy is shown apart
 */
public record ReportRequest(
    String output,
    Optional<String> compare,
    List<String> runs,
    Optional<String> gold,
    Optional<String> groupBy) {
  public ReportRequest {
    Objects.requireNonNull(output, "output");
    Objects.requireNonNull(compare, "compare");
    Objects.requireNonNull(gold, "gold");
    Objects.requireNonNull(groupBy, "groupBy");
    runs = List.copyOf(runs);
    if (runs.size() > 2) {
      throw new IllegalArgumentException(runs.size() + " runs; a report has one or two");
    }
  }
}
