package io.tracemill.job.error;

import io.tracemill.job.error.JobException.Kind;
import java.util.Collection;

/** Inputs that cannot be read, and columns that they lack. */
public final class InputErrors {
  private InputErrors() {}

  /** An input that is not there. */
  public static JobException noInput(String input) {
    return Sentences.usage("--input %s does not exist.".formatted(input));
  }

  /** An input whose format cannot be told from its name. */
  public static JobException unknownFormat(String input) {
    return Sentences.usage(
        "The format of --input %s cannot be told from its name; add --input-format."
            .formatted(input));
  }

  /** An input that Spark cannot read as what it is said to be. */
  public static JobException unreadableInput(String input, String format, Throwable cause) {
    return new JobException(
        Kind.USAGE,
        "--input %s cannot be read as %s: %s".formatted(input, format, Sentences.firstLine(cause)),
        cause);
  }

  /** An input without rows. */
  public static JobException emptyInput(String input) {
    return Sentences.usage("--input %s holds no rows; nothing was started.".formatted(input));
  }

  /** An input of which no row can be read. */
  public static JobException noReadableRow(String input, String format) {
    return Sentences.usage(
        "--input %s cannot be read as %s: no row of it is.".formatted(input, format));
  }

  /** A column that is not there. */
  public static JobException noColumn(
      String option, String column, String input, Collection<String> has) {
    return Sentences.usage(
        "%s %s: --input %s has no such column; it has %s."
            .formatted(option, column, input, String.join(", ", has)));
  }

  /** Neither a prompt nor a conversation column. */
  public static JobException noPromptColumn(String input, Collection<String> has) {
    return Sentences.usage(
        "--input %s has neither a column 'prompt' nor 'messages'; name one with --prompt-column or"
                .formatted(input)
            + " --messages-column (it has "
            + String.join(", ", has)
            + ").");
  }

  /** Requests of OpenAI's Batch format that are read as a table. */
  public static JobException looksLikeRequests(String input) {
    return Sentences.usage(
        "--input %s holds requests of OpenAI's Batch format; add --input-format openai-batch."
            .formatted(input));
  }

  /** A column of another type. */
  public static JobException wrongType(
      String option, String column, String input, String is, String wanted) {
    return Sentences.usage(
        "%s %s of --input %s is of type %s; it must be %s."
            .formatted(option, column, input, is, wanted));
  }

  /** A carried column that the output format cannot hold. */
  public static JobException uncarriable(String column, String input, String type) {
    return Sentences.usage(
        "Column %s of --input %s is of type %s, which the output cannot hold; leave it out or cast"
                .formatted(column, input, type)
            + " it.");
  }

  /** Ids that are not unique. */
  public static JobException duplicateIds(String column, String input, String examples) {
    return Sentences.usage(
        "Column %s of --input %s is not unique (%s); every row needs its own id."
            .formatted(column, input, examples));
  }

  /** A table without a text that the model could be run over. */
  public static JobException noTexts(String input, String texts, String reason) {
    return Sentences.usage(
        "--input %s holds no %s to calibrate with: %s"
            .formatted(input, texts, Sentences.sentence(reason)));
  }

  /** Traces whose token ids are those of another model. */
  public static JobException tracesOfAnotherModel(String input, String theirs, String model) {
    return Sentences.usage(
        "--input %s holds traces of %s, but --model is %s; give a run of this model, or a table of prompts."
            .formatted(input, theirs, model));
  }
}
