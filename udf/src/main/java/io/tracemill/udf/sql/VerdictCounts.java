package io.tracemill.udf.sql;

import java.io.Serializable;

/** Graded rows and correct ones, counted up; the buffer of aggregates, changed in place. */
public final class VerdictCounts implements Serializable {
  private static final long serialVersionUID = 1L;

  private long rows;
  private long correct;
  private int k;

  /** Counts a verdict; null is no verdict. */
  void add(Boolean verdict) {
    if (verdict != null) {
      rows++;
      correct += verdict ? 1 : 0;
    }
  }

  /** Keeps the largest k seen, so that the order of rows does not matter. */
  void noteK(int seen) {
    k = Math.max(k, seen);
  }

  void addAll(VerdictCounts other) {
    rows += other.rows;
    correct += other.correct;
    k = Math.max(k, other.k);
  }

  long rows() {
    return rows;
  }

  long correct() {
    return correct;
  }

  int k() {
    return k;
  }
}
