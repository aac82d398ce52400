package io.tracemill.job.stats;

import java.util.ArrayList;
import java.util.Comparator;
import java.util.List;
import java.util.stream.IntStream;

/**
 * Holm's correction (Holm 1979): of several tests, the chance that any true hypothesis is refused
 * stays below the level, whatever the tests have to do with each other.
 */
public final class Holm {
  private Holm() {}

  /**
   * The corrected values: with the k-th smallest of m multiplied by m - k + 1, the largest of these
   * up to its place, at most 1.
   *
   * @param pValues in any order
   * @return in the same order
   */
  public static List<Double> corrected(List<Double> pValues) {
    int tests = pValues.size();
    List<Integer> ascending =
        IntStream.range(0, tests).boxed().sorted(Comparator.comparingDouble(pValues::get)).toList();
    List<Double> corrected = new ArrayList<>(pValues);
    double largest = 0;
    for (int place = 0; place < tests; place++) {
      int test = ascending.get(place);
      largest = Math.max(largest, Math.min(1, (tests - place) * pValues.get(test)));
      corrected.set(test, largest);
    }
    return corrected;
  }
}
