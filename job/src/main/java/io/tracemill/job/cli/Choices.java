package io.tracemill.job.cli;

import io.tracemill.job.error.JobErrors;
import java.util.Arrays;
import java.util.Locale;
import java.util.stream.Collectors;

/** Reads words that stand for enum constants: lower case, dashes for underscores. */
final class Choices {
  private Choices() {}

  static <E extends Enum<E>> E of(String option, String word, Class<E> type) {
    for (E constant : type.getEnumConstants()) {
      if (label(constant).equalsIgnoreCase(word)) {
        return constant;
      }
    }
    throw JobErrors.outOfRange(
        option,
        "'" + word + "'",
        Arrays.stream(type.getEnumConstants())
            .map(Choices::label)
            .collect(Collectors.joining(", ", "one of ", "")));
  }

  static String label(Enum<?> constant) {
    return constant.name().toLowerCase(Locale.ROOT).replace('_', '-');
  }
}
