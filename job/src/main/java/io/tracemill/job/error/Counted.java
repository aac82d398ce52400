package io.tracemill.job.error;

import java.util.Locale;

/** Numbers with their nouns, for people. */
public final class Counted {
  private Counted() {}

  /** Such as {@code 1 row} or {@code 2,000 rows}; the noun forms its plural with an s. */
  public static String of(long number, String noun) {
    return String.format(Locale.ROOT, "%,d %s%s", number, noun, number == 1 ? "" : "s");
  }
}
