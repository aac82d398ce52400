package io.tracemill.job.run;

import io.tracemill.job.error.JobErrors;
import java.io.Serializable;
import java.util.regex.Matcher;
import java.util.regex.Pattern;

/**
 * How many rows of a run may fail before it is stopped.
 *
 * @param label as the user wrote it: a number of rows, or a share such as {@code 5%}
 * @param rows most failed rows; where {@code percent} is set, unused
 * @param percent most failed rows in percent of all rows; negative where {@code rows} counts
 */
public record ErrorBudget(String label, long rows, double percent) implements Serializable {
  private static final Pattern FORM = Pattern.compile("(\\d{1,18})|(\\d{1,3}(?:\\.\\d+)?) ?%");

  /** Any number of rows may fail. */
  public static final ErrorBudget UNLIMITED = parse("100%");

  /** Reads {@code N} or {@code P%}. */
  public static ErrorBudget parse(String text) {
    Matcher matcher = FORM.matcher(text.strip());
    if (!matcher.matches()) {
      throw JobErrors.outOfRange(
          "--max-errors", "'" + text + "'", "a number of rows such as 20, or a share such as 5%");
    }
    if (matcher.group(1) != null) {
      return new ErrorBudget(text, Long.parseLong(matcher.group(1)), -1);
    }
    double percent = Double.parseDouble(matcher.group(2));
    if (percent > 100) {
      throw JobErrors.outOfRange("--max-errors", text, "at most 100%");
    }
    return new ErrorBudget(text, 0, percent);
  }

  /** Whether so many failed rows of all are more than allowed. */
  public boolean isExceeded(long failed, long all) {
    return percent < 0 ? failed > rows : failed * 100.0 > percent * all;
  }
}
