package io.tracemill.udf.grade.math;

import java.util.Locale;

/** Which rule decided a comparison, from the plainest to the one that went furthest. */
public enum MatchRule {
  /** Both are exact numbers, or the same tree. */
  NUMBER,
  /** Letter by letter, or word by word. */
  TEXT,
  /** Item by item: sets, tuples, intervals, equations. */
  STRUCTURE,
  /** Units were converted, or missing on one side. */
  UNIT,
  /** Polynomial arithmetic proved it. */
  ALGEBRA,
  /** Values at more than 50 digits decided it. */
  NUMERIC,
  /** Only the caller's tolerance made them equal. */
  TOLERANCE,
  /** One side could not be read; the text rule decided. */
  UNREADABLE,
  /** The comparison was given up for its cost; the text rule decided. */
  GIVEN_UP;

  /** The lower-case form that SQL shows. */
  public String label() {
    return name().toLowerCase(Locale.ROOT);
  }
}
