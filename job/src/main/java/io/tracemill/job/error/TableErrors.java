package io.tracemill.job.error;

import io.tracemill.job.error.JobException.Kind;
import java.util.Collection;

/**
 * What commands that read the tables of earlier runs say where those do not hold what is asked for.
 */
public final class TableErrors {
  private TableErrors() {}

  /** A query that Spark refuses. */
  public static JobException badQuery(Throwable cause) {
    return new JobException(Kind.USAGE, "The query failed: " + Sentences.firstLine(cause), cause);
  }

  /** A folder without tables to query. */
  public static JobException noTables(String folder) {
    return Sentences.usage(
        "%s holds no tables of Tracemill; give the --output folder of a run with --tables."
            .formatted(folder));
  }

  /** A folder without a table of traces. */
  public static JobException noTraces(String output, Throwable cause) {
    return new JobException(
        Kind.USAGE,
        "--output %s holds no traces; give the --output folder of a run.".formatted(output),
        cause);
  }

  /** A table of traces that does not say what rows were asked for. */
  public static JobException olderTable(String traces) {
    return Sentences.usage(
        "%s was written by a version that did not record requests and token ids; its rows cannot be"
                .formatted(traces)
            + " replayed.");
  }

  /** A row that is not in the table. */
  public static JobException noSuchRow(String traces, String key, int sample, long samples) {
    return Sentences.usage(
        samples == 0
            ? "%s has no row with the key '%s'; see column row_key.".formatted(traces, key)
            : "%s has no sample %d of row '%s', only %d of them, counted from 0; see --sample."
                .formatted(traces, sample, key, samples));
  }

  /** A row whose run was never recorded. */
  public static JobException noRunOfRow(String runs, String runId) {
    return Sentences.usage(
        "%s has no run %s, so that its settings are not known; let the run that writes it end first."
            .formatted(runs, runId));
  }

  /** A row that is an error and was never generated. */
  public static JobException nothingToReplay(String key, String message) {
    return Sentences.usage(
        "Row '%s' was never generated (%s) and cannot be replayed."
            .formatted(key, message == null ? "it has no prompt" : message));
  }

  /** A replay that did not end in tokens. */
  public static JobException replayFailed(String key, String message) {
    return new JobException(
        Kind.FAILED,
        "Row '%s' cannot be replayed: %s".formatted(key, Sentences.sentence(message)),
        null);
  }

  /** Tables without a row. */
  public static JobException noRows(String folder) {
    return Sentences.usage(
        "%s holds no result rows; there is nothing to report.".formatted(folder));
  }

  /** More runs than a report compares. */
  public static JobException severalRuns(String folder, Collection<String> runs) {
    return Sentences.usage(
        "%s holds several runs (%s); name one or two with --runs."
            .formatted(folder, String.join("; ", runs)));
  }

  /** A run that is not there, or an abbreviation of several. */
  public static JobException noSuchRun(String id, String folder, Collection<String> runs) {
    return Sentences.usage(
        "--runs %s names not exactly one run of %s; it holds %s."
            .formatted(id, folder, String.join("; ", runs)));
  }

  /** A run compared with itself. */
  public static JobException sameRunTwice(String one, String other) {
    return Sentences.usage("--runs %s,%s names one run twice; give two.".formatted(one, other));
  }

  /** An SQL expression of an option that does not fit the table. */
  public static JobException badExpression(String option, String expression, Throwable cause) {
    return new JobException(
        Kind.USAGE,
        "%s %s does not fit the traces table: %s"
            .formatted(option, expression, Sentences.firstLine(cause)),
        cause);
  }

  /** A page that cannot be written. */
  public static JobException unwritableReport(String file, Throwable cause) {
    return new JobException(
        Kind.FAILED,
        "--to %s cannot be written: %s".formatted(file, Sentences.firstLine(cause)),
        cause);
  }
}
