package io.tracemill.job;

import io.tracemill.job.error.JobErrors;
import io.tracemill.job.error.TableErrors;
import java.io.IOException;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;

/** Every sentence about tables that a report, or a length model, cannot be made of. */
final class ReportSentences {
  private static final String OUT = "OUT";

  private ReportSentences() {}

  /** Sentences by what happened. */
  static Map<String, String> all() {
    Map<String, String> all = new LinkedHashMap<>();
    all.put("`report` of tables without a row", TableErrors.noRows(OUT).getMessage());
    all.put(
        "`report` of a folder with more than two runs",
        TableErrors.severalRuns(OUT, List.of("20260101-1", "20260102-2", "20260103-3"))
            .getMessage());
    all.put(
        "`report --runs` with an id that no run has, or that is short for several",
        TableErrors.noSuchRun("2027", OUT, List.of("20260101-1", "20260102-2")).getMessage());
    all.put(
        "`report --runs` with one run twice",
        TableErrors.sameRunTwice("20260101-1", "20260101").getMessage());
    all.put(
        "`report --gold` or `--group-by` with what the traces do not have",
        TableErrors.badExpression(
                "--gold",
                "input.solution",
                new IllegalArgumentException("No such struct field `solution`."))
            .getMessage());
    all.put(
        "`report --to` where nothing can be written (exit code 1)",
        TableErrors.unwritableReport("/proc/report.html", new IOException("Permission denied"))
            .getMessage());
    all.put(
        "`lengths` of too few traces",
        JobErrors.cannotLearnLengths(
                OUT,
                new IllegalArgumentException(
                    "A length model needs at least 20 traces of 10 prompts; the table has 5 of 5."))
            .getMessage());
    return all;
  }
}
