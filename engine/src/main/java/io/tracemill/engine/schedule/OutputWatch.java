package io.tracemill.engine.schedule;

/**
 * Sees every output token of one sequence in order, on the engine thread, and may end it: the hook
 * for stop strings, whose text the scheduler does not know. Must be cheap.
 */
public interface OutputWatch {
  /** Watches nothing. */
  OutputWatch NONE = token -> false;

  /** Whether the output ends with this token. */
  boolean endsAfter(int token);
}
