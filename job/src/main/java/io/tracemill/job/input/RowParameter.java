package io.tracemill.job.input;

import io.tracemill.job.error.JobErrors;
import java.util.Arrays;
import java.util.Locale;
import java.util.stream.Collectors;

/** A setting of generation that a row may have of its own. */
public enum RowParameter {
  TEMPERATURE,
  TOP_P,
  TOP_K,
  MIN_P,
  REPETITION_PENALTY,
  MAX_NEW_TOKENS,
  SEED,
  STOP,
  SAMPLES,
  KV_POLICY;

  /** The name that the option of the whole run has. */
  public String label() {
    return name().toLowerCase(Locale.ROOT).replace('_', '-');
  }

  /**
   * The parameter of a name, dashes and underscores alike.
   *
   * @throws io.tracemill.job.error.JobException where there is none
   */
  public static RowParameter of(String name) {
    for (RowParameter parameter : values()) {
      if (parameter.label().equals(name.toLowerCase(Locale.ROOT).replace('_', '-'))) {
        return parameter;
      }
    }
    throw JobErrors.outOfRange(
        "--parameter-column",
        "'" + name + "'",
        Arrays.stream(values())
            .map(RowParameter::label)
            .collect(Collectors.joining(", ", "one of ", "")));
  }
}
