package io.tracemill.udf.grade.math;

/**
 * What one comparison may cost. Work units end a comparison at the same place on every machine; the
 * clock is the net below them, checked between operations that are each small.
 */
final class Budget {
  /** Thrown, without a stack trace, where a comparison is given up. */
  static final class Exhausted extends RuntimeException {
    private static final long serialVersionUID = 1L;

    Exhausted(String reason) {
      super(reason, null, false, false);
    }
  }

  private static final int DEFAULT_WORK_UNITS = 400_000;
  private static final long DEFAULT_NANOS = 1_000_000_000L;

  private final long deadlineNanos;
  private int workUnits;

  Budget(int workUnits, long nanos) {
    this.workUnits = workUnits;
    this.deadlineNanos = System.nanoTime() + nanos;
  }

  /** A budget that ends within about a second. */
  static Budget ofOneComparison() {
    return new Budget(DEFAULT_WORK_UNITS, DEFAULT_NANOS);
  }

  /** Takes work units, about one per product of two terms; throws where none are left. */
  void spend(long units) {
    if (units > workUnits) {
      throw new Exhausted("work");
    }
    workUnits -= (int) units;
    if (System.nanoTime() - deadlineNanos > 0) {
      throw new Exhausted("time");
    }
  }
}
