package io.tracemill.udf;

import io.tracemill.engine.EngineSnapshot;

/**
 * What an engine did in a span of time.
 *
 * @param promptTokens prompt tokens processed
 * @param sharedPromptTokens prompt tokens that another sample of the same prompt had processed
 * @param generatedTokens tokens generated
 * @param attendedRows sum over lane steps of KV rows attended to
 * @param fullAttendedRows the same sum had no row been dropped
 * @param laneSteps sum over decode steps of the lanes that took part
 * @param slotSteps decode steps times slots
 * @param usedPageSteps sum over decode steps of the KV pages in use
 * @param poolPageSteps decode steps times the pages of the pool
 */
public record EngineDelta(
    long promptTokens,
    long sharedPromptTokens,
    long generatedTokens,
    long attendedRows,
    long fullAttendedRows,
    long laneSteps,
    long slotSteps,
    long usedPageSteps,
    long poolPageSteps) {
  /** Nothing. */
  public static final EngineDelta NONE = new EngineDelta(0, 0, 0, 0, 0, 0, 0, 0, 0);

  static EngineDelta sinceOpened(EngineSnapshot now) {
    return new EngineDelta(
        now.promptTokens(),
        now.sharedPromptTokens(),
        now.generatedTokens(),
        now.attendedRows(),
        now.fullAttendedRows(),
        now.laneSteps(),
        now.steps() * now.slots(),
        now.usedPageSteps(),
        now.steps() * now.totalPages());
  }

  EngineDelta minus(EngineDelta earlier) {
    return new EngineDelta(
        promptTokens - earlier.promptTokens,
        sharedPromptTokens - earlier.sharedPromptTokens,
        generatedTokens - earlier.generatedTokens,
        attendedRows - earlier.attendedRows,
        fullAttendedRows - earlier.fullAttendedRows,
        laneSteps - earlier.laneSteps,
        slotSteps - earlier.slotSteps,
        usedPageSteps - earlier.usedPageSteps,
        poolPageSteps - earlier.poolPageSteps);
  }
}
