package io.tracemill.job.cli;

import io.tracemill.job.error.JobErrors;

/** Checks of numbers that options hold. */
final class Ranges {
  private Ranges() {}

  static void atLeast(String option, long value, long least) {
    if (value < least) {
      throw JobErrors.outOfRange(option, value, least + " or more");
    }
  }
}
