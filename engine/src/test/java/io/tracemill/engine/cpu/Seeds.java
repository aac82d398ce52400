package io.tracemill.engine.cpu;

/** The seed of random tests, printed so that a failure can be repeated. */
final class Seeds {
  private Seeds() {}

  static long seed() {
    long seed = Long.getLong("tests.seed", System.nanoTime());
    System.out.println("-Dtests.seed=" + seed);
    return seed;
  }
}
