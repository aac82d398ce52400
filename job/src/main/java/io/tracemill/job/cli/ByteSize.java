package io.tracemill.job.cli;

import io.tracemill.job.error.JobErrors;
import java.util.Locale;
import java.util.regex.Matcher;
import java.util.regex.Pattern;

/** Reads sizes such as 512m and 4g; the units are powers of 1024. */
final class ByteSize {
  private static final Pattern FORM = Pattern.compile("(\\d{1,12})\\s*([kmgt]?)i?b?");

  private ByteSize() {}

  static long parse(String option, String text) {
    Matcher matcher = FORM.matcher(text.strip().toLowerCase(Locale.ROOT));
    if (!matcher.matches() || Long.parseLong(matcher.group(1)) == 0) {
      throw JobErrors.outOfRange(option, "'" + text + "'", "a size above 0 such as 512m or 4g");
    }
    int shift =
        switch (matcher.group(2)) {
          case "k" -> 10;
          case "m" -> 20;
          case "g" -> 30;
          case "t" -> 40;
          default -> 0;
        };
    try {
      return Math.multiplyExact(Long.parseLong(matcher.group(1)), 1L << shift);
    } catch (ArithmeticException e) {
      throw JobErrors.outOfRange(option, "'" + text + "'", "a size that a machine can have");
    }
  }
}
