package io.tracemill.engine.schedule;

/** The scheduler's side of one request: who asked, and who hears of it. Called on its thread. */
interface Ticket {

  /** Who asked; requests are cancelled by owner. */
  Object owner();

  /** The request left the waiting line. May come again where a sequence has to begin anew. */
  void started();

  /** Exactly once, at the end, started or not. */
  void finished(FinishedSequence result);
}
