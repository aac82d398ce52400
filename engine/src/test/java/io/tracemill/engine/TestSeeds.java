package io.tracemill.engine;

import java.util.Random;

/**
 * Seeds of randomised tests: printed, and settable with {@code -Dtests.seed} and {@code
 * -Dtests.iters}.
 */
public final class TestSeeds {
  private TestSeeds() {}

  /** A generator whose seed is printed with the name of the test. */
  public static Random random(String test) {
    long seed = Long.getLong("tests.seed", 20260101L);
    System.out.println(test + ": -Dtests.seed=" + seed);
    return new Random(seed);
  }

  /** How often a randomised test repeats itself. */
  public static int iterations(int byDefault) {
    return Integer.getInteger("tests.iters", byDefault);
  }
}
