package io.tracemill.udf;

import io.tracemill.engine.EngineSnapshot;

/**
 * What an engine did in a span of time.
 *
 * @param generatedTokens tokens generated
 * @param attendedRows sum over lane steps of KV rows attended to
 * @param fullAttendedRows the same sum had no row been dropped
 * @param laneSteps sum over decode steps of the lanes that took part
 * @param slotSteps decode steps times slots
 */
public record EngineDelta(
    long generatedTokens,
    long attendedRows,
    long fullAttendedRows,
    long laneSteps,
    long slotSteps) {
  /** Nothing. */
  public static final EngineDelta NONE = new EngineDelta(0, 0, 0, 0, 0);

  static EngineDelta sinceOpened(EngineSnapshot now) {
    return new EngineDelta(
        now.generatedTokens(),
        now.attendedRows(),
        now.fullAttendedRows(),
        now.laneSteps(),
        now.steps() * now.slots());
  }

  EngineDelta minus(EngineDelta earlier) {
    return new EngineDelta(
        generatedTokens - earlier.generatedTokens,
        attendedRows - earlier.attendedRows,
        fullAttendedRows - earlier.fullAttendedRows,
        laneSteps - earlier.laneSteps,
        slotSteps - earlier.slotSteps);
  }
}
