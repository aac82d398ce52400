package io.tracemill.job.error;

import io.tracemill.job.error.JobException.Kind;
import java.util.Collection;

/** The sentences with which an evaluation is refused, beside those of every run. */
public final class EvalErrors {
  private EvalErrors() {}

  /** A grid without a policy. */
  public static JobException noPolicy() {
    return usage("No policy is given; add --policy, such as --policy full, or --grid FILE.");
  }

  /** A grid file that is not there. */
  public static JobException noGridFile(String file) {
    return usage("--grid %s does not exist.".formatted(file));
  }

  /** A grid file that cannot be read. */
  public static JobException badGridFile(String file, Throwable cause) {
    return new JobException(
        Kind.USAGE, "--grid %s cannot be read: %s".formatted(file, Causes.sentence(cause)), cause);
  }

  /** A policy whose values have an empty alternative. */
  public static JobException emptyAlternative(String policy) {
    return usage(
        "--policy is '%s'; a value between bars is empty, write such as rows=256|512."
            .formatted(policy));
  }

  /** A policy that cannot be made; the message says why. */
  public static JobException badPolicy(String policy, String message, Throwable cause) {
    return new JobException(Kind.USAGE, "--policy is '%s'; %s".formatted(policy, message), cause);
  }

  /** Two cells that are one. */
  public static JobException sameCell(String one, String other, String temperature) {
    return usage(
        "--policy '%s' and --policy '%s' at temperature %s are the same; leave one out."
            .formatted(one, other, temperature));
  }

  /** Too many cells to be meant. */
  public static JobException tooManyCells(long cells, int most) {
    return usage(
        "The grid has %d cells; it must have at most %d, of which every one generates all problems."
            .formatted(cells, most));
  }

  /** Rows with a setting of their own that the grid decides. */
  public static JobException ownSetting(String parameter) {
    return usage(
        "--parameter-column %s cannot be given: the grid of an evaluation decides it for every row."
            .formatted(parameter));
  }

  /** An input column with a name that an evaluation writes. */
  public static JobException takenColumn(String column) {
    return usage(
        "Column %s of --input has a name that an evaluation gives to a column of its own; rename it."
            .formatted(column));
  }

  /** An input form that has no place for answers. */
  public static JobException requests() {
    return usage(
        "--input-format openai-batch has no column of answers to grade against; give a table with"
            + " prompts or messages and answers.");
  }

  /** An input without the column of answers. */
  public static JobException noAnswerColumn(String column, String input, Collection<String> has) {
    return usage(
        "--answer-column %s: --input %s has no such column; it has %s."
            .formatted(column, input, String.join(", ", has)));
  }

  /** An input whose answers are all null or blank. */
  public static JobException noAnswers(String column, String input) {
    return usage(
        "--answer-column %s of --input %s holds no answer; there is nothing to grade against."
            .formatted(column, input));
  }

  /** An output without a row of the grid, where none may be generated. */
  public static JobException nothingGenerated(String output) {
    return usage(
        "--output %s holds no row of this grid; leave out --sum-up-only to generate them."
            .formatted(output));
  }

  /** A Markdown file that cannot be written. */
  public static JobException unwritableMarkdown(String file, Throwable cause) {
    return new JobException(
        Kind.FAILED,
        "--markdown %s cannot be written: %s".formatted(file, Causes.sentence(cause)),
        cause);
  }

  private static JobException usage(String message) {
    return new JobException(Kind.USAGE, message, null);
  }
}
