package io.tracemill.engine.schedule;

import io.tracemill.engine.error.ErrorType;
import io.tracemill.engine.error.ReasoningException;

/** Takes a sequence off its lane because not even a batch of it alone had the memory to run. */
interface Shedder {

  /**
   * Starts the sequence anew later, or fails it where nothing else runs.
   *
   * @param doing what ran out of memory, as in "while decoding"
   */
  void shed(Sequence sequence, String doing, ReasoningException cause);

  /** Throws on errors other than a lack of resources: those are not for a stage to handle. */
  static void requireInsufficientResources(ReasoningException e) {
    if (e.code().type() != ErrorType.INSUFFICIENT_RESOURCES) {
      throw e;
    }
  }
}
