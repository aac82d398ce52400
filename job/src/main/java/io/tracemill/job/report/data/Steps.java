package io.tracemill.job.report.data;

/** Widths of bins. */
final class Steps {
  private Steps() {}

  /** The smallest of 1, 2, 5, 10, 20, 50, ... of which {@code most} cover {@code length}. */
  static long round(long length, int most) {
    long decade = 1;
    while (true) {
      for (long digit : new long[] {1, 2, 5}) {
        long width = digit * decade;
        if (width * most >= length) {
          return width;
        }
      }
      decade *= 10;
    }
  }

  /**
   * A width of which about {@code most} cover {@code length} and a whole number makes {@code
   * period}, so that samples show what recurs with the period as it is. Where the period is too
   * short for that, a whole number of periods.
   */
  static long dividing(long length, int most, long period) {
    long least = Math.max(1, (length + most - 1) / most);
    if (least >= period) {
      return (least + period - 1) / period * period;
    }
    long width = least;
    while (period % width != 0) {
      width++;
    }
    return width;
  }
}
