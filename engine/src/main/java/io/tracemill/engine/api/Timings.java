package io.tracemill.engine.api;

/**
 * Where a sequence spent its time, in milliseconds of wall clock.
 *
 * @param queueMillis from submission to the start of its prefill
 * @param prefillMillis from there to its first token
 * @param decodeMillis from there to its last token
 */
public record Timings(double queueMillis, double prefillMillis, double decodeMillis) {
  /** No time at all, for rows that failed before they ran. */
  public static final Timings NONE = new Timings(0, 0, 0);
}
