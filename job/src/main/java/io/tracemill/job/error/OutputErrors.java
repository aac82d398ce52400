package io.tracemill.job.error;

import io.tracemill.job.error.JobException.Kind;

/** Outputs that cannot be written, hold another run, or do not hold what they must. */
public final class OutputErrors {
  private OutputErrors() {}

  /** An output that holds a run already, where it may not be continued. */
  public static JobException outputTaken(String output, String table) {
    return Sentences.usage(
        "--output %s already holds a run (%s); leave out --no-resume to continue it, or give another folder."
            .formatted(output, table));
  }

  /** An output with tables of the other format. */
  public static JobException otherFormat(String output, String format) {
    return Sentences.usage(
        "--output %s holds tables in %s; give --output-format %s or another folder."
            .formatted(output, format, format));
  }

  /** An output of a run with other settings; {@code differences} names them with both values. */
  public static JobException otherRun(String output, String differences) {
    return Sentences.usage(
        "--output %s holds a run with other settings (%s); give the same to continue it, or another --output."
            .formatted(output, differences));
  }

  /** An output whose traces no known run has made. */
  public static JobException unknownRun(String output) {
    return Sentences.usage(
        "--output %s holds traces of a run that its table runs does not know, so it cannot be continued; give another --output."
            .formatted(output));
  }

  /** Traces that lack columns by which rows are found again. */
  public static JobException oldTable(String table) {
    return Sentences.usage(
        "%s was not written by this version of Tracemill, so it cannot be continued; give another --output."
            .formatted(table));
  }

  /** Rows that ask something else than they did when they were generated. */
  public static JobException changedRows(long rows, String example, String input, String output) {
    return Sentences.usage(
        "%s of --input %s (such as '%s') %s something else than when --output %s was generated; add --changed-rows regenerate or keep, or give another --output."
            .formatted(
                Counted.of(rows, "row"), input, example, rows == 1 ? "asks" : "ask", output));
  }

  /** Rows that failed earlier are more than the user allows. */
  public static JobException tooManyEarlierErrors(
      long failed, long all, String budget, String output) {
    return Sentences.usage(
        "%d of %d rows of --output %s failed in earlier runs, more than --max-errors %s; add --retry-errors or allow more."
            .formatted(failed, all, output, budget));
  }

  /** A wave that its table did not take. */
  public static JobException waveLost(int wave, String table) {
    return new JobException(
        Kind.FAILED,
        "Wave %d was not committed to %s, where a later run has begun to write; let that run finish, it generates these rows too."
            .formatted(wave, table),
        null);
  }

  /** A table that another run claimed in the same moment. */
  public static JobException shutOut(String table) {
    return Sentences.usage(
        "Another run has begun to write to %s at this moment; let it finish.".formatted(table));
  }

  /** An output that cannot be written. */
  public static JobException unwritableOutput(String output, Throwable cause) {
    return new JobException(
        Kind.USAGE,
        "--output %s cannot be used: %s".formatted(output, Sentences.firstLine(cause)),
        cause);
  }

  /** A wave that does not hold what was due; it is not committed where the format allows that. */
  public static JobException wrongCount(String table, long wanted, long found) {
    return new JobException(
        Kind.FAILED,
        "A wave of %s has %s where %d %s due; do not use the table."
            .formatted(table, Counted.of(found, "row"), wanted, wanted == 1 ? "was" : "were"),
        null);
  }

  /** A table that does not hold every key and sample exactly once. */
  public static JobException notWhole(String table, long wanted, long rows, long keys) {
    return new JobException(
        Kind.FAILED,
        "%s holds %d rows of %d keys and samples where %d were due; do not use it."
            .formatted(table, rows, keys, wanted),
        null);
  }
}
