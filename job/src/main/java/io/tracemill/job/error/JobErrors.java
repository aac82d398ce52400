package io.tracemill.job.error;

import io.tracemill.job.error.JobException.Kind;

/** What is wrong with options, models and settings, and how a run ends early. */
public final class JobErrors {
  private JobErrors() {}

  /** An option or its value is wrong; the message comes from where it was checked. */
  public static JobException badOption(String message, Throwable cause) {
    return new JobException(Kind.USAGE, Sentences.sentence(message), cause);
  }

  /** An option's value is out of range. */
  public static JobException outOfRange(String option, Object value, String range) {
    return Sentences.usage("%s is %s; it must be %s.".formatted(option, value, range));
  }

  /** Two options that exclude each other. */
  public static JobException together(String one, String other) {
    return Sentences.usage("%s and %s exclude each other; give one of them.".formatted(one, other));
  }

  /** A setting in Spark's configuration that no option knows. */
  public static JobException unknownKey(String key) {
    return Sentences.usage(
        "%s is no setting of Tracemill; the part after spark.tracemill. must be an option's name,"
                .formatted(key)
            + " see --help.");
  }

  /** A model folder that is not there. */
  public static JobException noModel(String model) {
    return Sentences.usage("--model %s does not exist or is not a folder.".formatted(model));
  }

  /** A model file that cannot be read. */
  public static JobException badModelFile(String file, Throwable cause) {
    return new JobException(
        Kind.USAGE, "%s cannot be read: %s.".formatted(file, cause.getMessage()), cause);
  }

  /** A length model that is not there. */
  public static JobException noLengthModel(String path) {
    return Sentences.usage(
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
        Kind.USAGE,
        "--output %s: %s".formatted(output, Sentences.sentence(cause.getMessage())),
        cause);
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

  /** Generation that ended in an exception. */
  public static JobException failed(Throwable cause) {
    return new JobException(Kind.FAILED, "The run failed: " + Causes.sentence(cause), cause);
  }

  /** A folder that the demo would empty and that holds something else. */
  public static JobException notTheDemos(String folder) {
    return Sentences.usage(
        "--tables %s holds what the demo did not write, and the demo empties its folder; give another."
            .formatted(folder));
  }

  /** A file of a calibration that cannot be written, found before anything was computed. */
  public static JobException unusableTarget(String file, Throwable cause) {
    return new JobException(
        Kind.USAGE,
        "--to %s cannot be used: %s".formatted(file, Sentences.firstLine(cause)),
        cause);
  }

  /** A calibration for which the run has another model. */
  public static JobException calibrationOfAnotherModel(String file, String theirs, String model) {
    return Sentences.usage(
        "The query calibration %s was collected from %s, but --model is %s; collect one with tracemill calibrate."
            .formatted(file, theirs, model));
  }
}
