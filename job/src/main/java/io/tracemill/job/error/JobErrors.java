package io.tracemill.job.error;

import io.tracemill.job.error.JobException.Kind;
import java.util.Collection;
import java.util.Map;
import java.util.stream.Collectors;

/** Every sentence with which a run is refused or ends early, in one place for review. */
public final class JobErrors {
  private static final int MOST_REASONS = 3;

  private JobErrors() {}

  /** An option or its value is wrong; the message comes from where it was checked. */
  public static JobException badOption(String message, Throwable cause) {
    return new JobException(Kind.USAGE, sentence(message), cause);
  }

  /** An option's value is out of range. */
  public static JobException outOfRange(String option, Object value, String range) {
    return usage("%s is %s; it must be %s.".formatted(option, value, range));
  }

  /** Two options that exclude each other. */
  public static JobException together(String one, String other) {
    return usage("%s and %s exclude each other; give one of them.".formatted(one, other));
  }

  /** A setting in Spark's configuration that no option knows. */
  public static JobException unknownKey(String key) {
    return usage(
        "%s is no setting of Tracemill; the part after spark.tracemill. must be an option's name,"
                .formatted(key)
            + " see --help.");
  }

  /** A model folder that is not there. */
  public static JobException noModel(String model) {
    return usage("--model %s does not exist or is not a folder.".formatted(model));
  }

  /** A model file that cannot be read. */
  public static JobException badModelFile(String file, Throwable cause) {
    return new JobException(
        Kind.USAGE, "%s cannot be read: %s.".formatted(file, cause.getMessage()), cause);
  }

  /** A length model that is not there. */
  public static JobException noLengthModel(String path) {
    return usage(
        "--length-model %s does not exist; train one with tracemill lengths, or leave the option"
                .formatted(path)
            + " out.");
  }

  /**
   * A length model that cannot be read.
   *
   * @param reason without a full stop
   * @param cause null where there is none
   */
  public static JobException badLengthModel(String path, String reason, Throwable cause) {
    return new JobException(
        Kind.USAGE,
        "--length-model %s is no length model (%s); train one with tracemill lengths, or give none."
            .formatted(path, reason),
        cause);
  }

  /** Traces that no length model can be made from. */
  public static JobException cannotLearnLengths(String output, Throwable cause) {
    return new JobException(
        Kind.USAGE, "--output %s: %s".formatted(output, sentence(cause.getMessage())), cause);
  }

  /** An input that is not there. */
  public static JobException noInput(String input) {
    return usage("--input %s does not exist.".formatted(input));
  }

  /** An input whose format cannot be told from its name. */
  public static JobException unknownFormat(String input) {
    return usage(
        "The format of --input %s cannot be told from its name; add --input-format."
            .formatted(input));
  }

  /** An input that Spark cannot read as what it is said to be. */
  public static JobException unreadableInput(String input, String format, Throwable cause) {
    return new JobException(
        Kind.USAGE,
        "--input %s cannot be read as %s: %s".formatted(input, format, firstLine(cause)),
        cause);
  }

  /** An input without rows. */
  public static JobException emptyInput(String input) {
    return usage("--input %s holds no rows; nothing was started.".formatted(input));
  }

  /** An input of which no row can be read. */
  public static JobException noReadableRow(String input, String format) {
    return usage("--input %s cannot be read as %s: no row of it is.".formatted(input, format));
  }

  /** A column that is not there. */
  public static JobException noColumn(
      String option, String column, String input, Collection<String> has) {
    return usage(
        "%s %s: --input %s has no such column; it has %s."
            .formatted(option, column, input, String.join(", ", has)));
  }

  /** Neither a prompt nor a conversation column. */
  public static JobException noPromptColumn(String input, Collection<String> has) {
    return usage(
        "--input %s has neither a column 'prompt' nor 'messages'; name one with --prompt-column or"
                .formatted(input)
            + " --messages-column (it has "
            + String.join(", ", has)
            + ").");
  }

  /** Requests of OpenAI's Batch format that are read as a table. */
  public static JobException looksLikeRequests(String input) {
    return usage(
        "--input %s holds requests of OpenAI's Batch format; add --input-format openai-batch."
            .formatted(input));
  }

  /** A column of another type. */
  public static JobException wrongType(
      String option, String column, String input, String is, String wanted) {
    return usage(
        "%s %s of --input %s is of type %s; it must be %s."
            .formatted(option, column, input, is, wanted));
  }

  /** A carried column that the output format cannot hold. */
  public static JobException uncarriable(String column, String input, String type) {
    return usage(
        "Column %s of --input %s is of type %s, which the output cannot hold; leave it out or cast"
                .formatted(column, input, type)
            + " it.");
  }

  /** Ids that are not unique. */
  public static JobException duplicateIds(String column, String input, String examples) {
    return usage(
        "Column %s of --input %s is not unique (%s); every row needs its own id."
            .formatted(column, input, examples));
  }

  /** An output that holds a run already, where it may not be continued. */
  public static JobException outputTaken(String output, String table) {
    return usage(
        "--output %s already holds a run (%s); leave out --no-resume to continue it, or give another folder."
            .formatted(output, table));
  }

  /** An output with tables of the other format. */
  public static JobException otherFormat(String output, String format) {
    return usage(
        "--output %s holds tables in %s; give --output-format %s or another folder."
            .formatted(output, format, format));
  }

  /** An output of a run with other settings; {@code differences} names them with both values. */
  public static JobException otherRun(String output, String differences) {
    return usage(
        "--output %s holds a run with other settings (%s); give the same to continue it, or another --output."
            .formatted(output, differences));
  }

  /** An output whose traces no known run has made. */
  public static JobException unknownRun(String output) {
    return usage(
        "--output %s holds traces of a run that its table runs does not know, so it cannot be continued; give another --output."
            .formatted(output));
  }

  /** Traces that lack columns by which rows are found again. */
  public static JobException oldTable(String table) {
    return usage(
        "%s was not written by this version of Tracemill, so it cannot be continued; give another --output."
            .formatted(table));
  }

  /** Rows that ask something else than they did when they were generated. */
  public static JobException changedRows(long rows, String example, String input, String output) {
    return usage(
        "%s of --input %s (such as '%s') %s something else than when --output %s was generated; add --changed-rows regenerate or keep, or give another --output."
            .formatted(
                Counted.of(rows, "row"), input, example, rows == 1 ? "asks" : "ask", output));
  }

  /** Rows that failed earlier are more than the user allows. */
  public static JobException tooManyEarlierErrors(
      long failed, long all, String budget, String output) {
    return usage(
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
    return usage(
        "Another run has begun to write to %s at this moment; let it finish.".formatted(table));
  }

  /** An output that cannot be written. */
  public static JobException unwritableOutput(String output, Throwable cause) {
    return new JobException(
        Kind.USAGE, "--output %s cannot be used: %s".formatted(output, firstLine(cause)), cause);
  }

  /** Speculative execution, which would generate hours of rows twice. */
  public static JobException speculation() {
    return usage(
        "spark.speculation is on, which would generate slow rows twice; start with --conf"
            + " spark.speculation=false.");
  }

  /** Several GPUs for an executor. */
  public static JobException severalGpus(String key, int gpus) {
    return usage(
        "%s is %d, but an executor runs one engine on one GPU; set it to 1 and start more executors."
            .formatted(key, gpus));
  }

  /** A share of a GPU for tasks of executors without one. */
  public static JobException taskGpuWithoutExecutorGpu(String taskKey, String executorKey) {
    return usage(
        "%s is set without %s, so that no task could ever start; set %s to 1."
            .formatted(taskKey, executorKey, executorKey));
  }

  /** Executors that do not come. */
  public static JobException noExecutor(String master, long seconds) {
    return usage(
        "No executor of %s has come within %d seconds; look at its page for free cores, memory and"
                .formatted(master, seconds)
            + " GPUs, and ask for less or wait.");
  }

  /** An engine that an executor cannot open. */
  public static JobException noEngine(String executor, String message) {
    return usage("The engine of %s cannot be opened: %s".formatted(executor, sentence(message)));
  }

  /** Prompts that a cache cannot hold. */
  public static JobException cacheTooSmall(int promptTokens, int budgetTokens, long rows) {
    return usage(
        String.format(
            java.util.Locale.ROOT,
            "A row of %,d prompt tokens and --max-new-tokens %,d does not fit the KV cache of %,d"
                + " rows; raise --kv-memory or lower --max-new-tokens.",
            promptTokens,
            budgetTokens,
            rows));
  }

  /** A sample of which every row failed. */
  public static JobException sampleFailed(int rows, String message) {
    return usage(
        "%s of the sample failed: %s"
            .formatted(
                rows == 1 ? "The one row" : "All %d rows".formatted(rows), sentence(message)));
  }

  /** A Spark session that lacks Delta's classes. */
  public static JobException noDelta() {
    return usage(
        "Delta Lake is not on Spark's class path; add --packages io.delta:delta-spark_4.1_2.13:4.4.0"
            + " or write --output-format parquet.");
  }

  /** More rows failed than the user allows. */
  public static JobException tooManyErrors(long failed, long done, String budget, String table) {
    return new JobException(
        Kind.FAILED,
        "%d of %d rows failed, more than --max-errors %s; the run was stopped (column error_message"
                .formatted(failed, done, budget)
            + " of "
            + table
            + " says why, where rows were committed).",
        null);
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

  /** Generation that ended in an exception. */
  public static JobException failed(Throwable cause) {
    return new JobException(Kind.FAILED, "The run failed: " + Causes.sentence(cause), cause);
  }

  /**
   * Generation that ended because engines died again and again.
   *
   * @param reasons by executor; empty where none was heard
   */
  public static JobException enginesDied(Map<String, String> reasons, Throwable cause) {
    String why =
        reasons.isEmpty()
            ? "see the executors' logs"
            : reasons.entrySet().stream()
                .limit(MOST_REASONS)
                .map(reason -> "executor " + reason.getKey() + ": " + bare(reason.getValue()))
                .collect(Collectors.joining("; "));
    return new JobException(
        Kind.FAILED,
        "The run failed: engines died and took their executors along more often than"
            + " spark.task.maxFailures allows (%s%s)."
                .formatted(why, reasons.size() > MOST_REASONS ? "; and others" : ""),
        cause);
  }

  /** A query that Spark refuses. */
  public static JobException badQuery(Throwable cause) {
    return new JobException(Kind.USAGE, "The query failed: " + firstLine(cause), cause);
  }

  /** A folder without tables to query. */
  public static JobException noTables(String folder) {
    return usage(
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
    return usage(
        "%s was written by a version that did not record requests and token ids; its rows cannot be"
                .formatted(traces)
            + " replayed.");
  }

  /** A row that is not in the table. */
  public static JobException noSuchRow(String traces, String key, int sample, long samples) {
    return usage(
        samples == 0
            ? "%s has no row with the key '%s'; see column row_key.".formatted(traces, key)
            : "%s has no sample %d of row '%s', only %d of them, counted from 0; see --sample."
                .formatted(traces, sample, key, samples));
  }

  /** A row whose run was never recorded. */
  public static JobException noRunOfRow(String runs, String runId) {
    return usage(
        "%s has no run %s, so that its settings are not known; let the run that writes it end first."
            .formatted(runs, runId));
  }

  /** A row that is an error and was never generated. */
  public static JobException nothingToReplay(String key, String message) {
    return usage(
        "Row '%s' was never generated (%s) and cannot be replayed."
            .formatted(key, message == null ? "it has no prompt" : message));
  }

  /** A replay that did not end in tokens. */
  public static JobException replayFailed(String key, String message) {
    return new JobException(
        Kind.FAILED, "Row '%s' cannot be replayed: %s".formatted(key, sentence(message)), null);
  }

  /** Tables without a row. */
  public static JobException noRows(String folder) {
    return usage("%s holds no result rows; there is nothing to report.".formatted(folder));
  }

  /** More runs than a report compares. */
  public static JobException severalRuns(String folder, Collection<String> runs) {
    return usage(
        "%s holds several runs (%s); name one or two with --runs."
            .formatted(folder, String.join("; ", runs)));
  }

  /** A run that is not there, or an abbreviation of several. */
  public static JobException noSuchRun(String id, String folder, Collection<String> runs) {
    return usage(
        "--runs %s names not exactly one run of %s; it holds %s."
            .formatted(id, folder, String.join("; ", runs)));
  }

  /** A run compared with itself. */
  public static JobException sameRunTwice(String one, String other) {
    return usage("--runs %s,%s names one run twice; give two.".formatted(one, other));
  }

  /** An SQL expression of an option that does not fit the table. */
  public static JobException badExpression(String option, String expression, Throwable cause) {
    return new JobException(
        Kind.USAGE,
        "%s %s does not fit the traces table: %s".formatted(option, expression, firstLine(cause)),
        cause);
  }

  /** A folder that the demo would empty and that holds something else. */
  public static JobException notTheDemos(String folder) {
    return usage(
        "--tables %s holds what the demo did not write, and the demo empties its folder; give another."
            .formatted(folder));
  }

  /** A page that cannot be written. */
  public static JobException unwritableReport(String file, Throwable cause) {
    return new JobException(
        Kind.FAILED, "--to %s cannot be written: %s".formatted(file, firstLine(cause)), cause);
  }

  /** A file of a calibration that cannot be written, found before anything was computed. */
  public static JobException unusableTarget(String file, Throwable cause) {
    return new JobException(
        Kind.USAGE, "--to %s cannot be used: %s".formatted(file, firstLine(cause)), cause);
  }

  /** A table without a text that the model could be run over. */
  public static JobException noTexts(String input, String texts, String reason) {
    return usage(
        "--input %s holds no %s to calibrate with: %s".formatted(input, texts, sentence(reason)));
  }

  /** Traces whose token ids are those of another model. */
  public static JobException tracesOfAnotherModel(String input, String theirs, String model) {
    return usage(
        "--input %s holds traces of %s, but --model is %s; give a run of this model, or a table of prompts."
            .formatted(input, theirs, model));
  }

  /** A calibration for which the run has another model. */
  public static JobException calibrationOfAnotherModel(String file, String theirs, String model) {
    return usage(
        "The query calibration %s was collected from %s, but --model is %s; collect one with tracemill calibrate."
            .formatted(file, theirs, model));
  }

  private static JobException usage(String message) {
    return new JobException(Kind.USAGE, message, null);
  }

  private static String firstLine(Throwable cause) {
    return sentence(Causes.sentence(cause));
  }

  private static String bare(String sentence) {
    return sentence.endsWith(".") ? sentence.substring(0, sentence.length() - 1) : sentence;
  }

  private static String sentence(String message) {
    String line = message.lines().findFirst().orElse("").strip().replaceFirst("[;,]$", "");
    return line.endsWith(".") || line.endsWith("?") ? line : line + ".";
  }
}
