package io.tracemill.job.preflight;

import java.util.ArrayList;
import java.util.Arrays;
import java.util.List;
import java.util.Locale;

/** Token counts in bins that double, as lines of text. */
final class TokenHistogram {
  private static final int BAR_CHARACTERS = 40;

  private final int[] sorted;

  /** Of at least one count. */
  TokenHistogram(int[] counts) {
    if (counts.length == 0) {
      throw new IllegalArgumentException("no counts");
    }
    sorted = counts.clone();
    Arrays.sort(sorted);
  }

  /** The count that a share of all do not exceed; nearest rank. */
  int quantile(double share) {
    int rank = (int) Math.ceil(share * sorted.length);
    return sorted[Math.max(0, Math.min(sorted.length - 1, rank - 1))];
  }

  String summary() {
    return String.format(
        Locale.ROOT,
        "least %,d, median %,d, 95 %% %,d, most %,d",
        sorted[0],
        quantile(0.5),
        quantile(0.95),
        sorted[sorted.length - 1]);
  }

  /** A line for each bin from the first that holds something to the last. */
  List<String> lines() {
    int[] bins = new int[32];
    for (int count : sorted) {
      bins[bin(count)]++;
    }
    int most = Arrays.stream(bins).max().orElseThrow();
    List<String> lines = new ArrayList<>();
    for (int bin = bin(sorted[0]); bin <= bin(sorted[sorted.length - 1]); bin++) {
      int bar = (int) Math.ceil((double) bins[bin] * BAR_CHARACTERS / most);
      String line =
          String.format(
              Locale.ROOT,
              "  %,8d - %,8d  %-40s  %,d",
              1L << bin,
              (1L << (bin + 1)) - 1,
              "#".repeat(bar),
              bins[bin]);
      lines.add(line);
    }
    return lines;
  }

  /** The power of two below; counts are at least 1. */
  private static int bin(int count) {
    return 31 - Integer.numberOfLeadingZeros(Math.max(1, count));
  }
}
