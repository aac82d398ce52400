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
  private static final long DEFAULT_NANOS = 2_000_000_000L;

  private final long deadlineNanos;
  private int workUnits;

  Budget(int workUnits, long nanos) {
    this.workUnits = workUnits;
    this.deadlineNanos = System.nanoTime() + nanos;
  }

  private Budget(Budget whole, int workUnits) {
    this.workUnits = Math.min(workUnits, whole.workUnits);
    this.deadlineNanos = whole.deadlineNanos;
  }

  /** A part of this budget for one attempt, taken out of it at once; unused units come back. */
  Budget part(int units) {
    Budget part = new Budget(this, units);
    workUnits -= part.workUnits;
    return part;
  }

  /** Takes back what a part did not use. */
  void giveBack(Budget part) {
    workUnits += part.workUnits;
    part.workUnits = 0;
  }

  /** A budget that ends within two seconds, and nearly always by its work units long before. */
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
