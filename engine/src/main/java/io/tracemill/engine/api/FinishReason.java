package io.tracemill.engine.api;

import java.util.Locale;

/** Why a sequence ended. Only {@link #STOP} and {@link #STOP_STRING} end a complete answer. */
public enum FinishReason {
  /** The model produced one of its stop tokens. */
  STOP,
  /** One of the request's stop strings appeared. */
  STOP_STRING,
  /** The token budget or the model's context was used up; the trace is truncated. */
  LENGTH,
  /** The output repeated itself without end; the trace is truncated. */
  LOOP,
  /** The caller withdrew the request. */
  CANCELLED,
  /** The row failed; see its error. */
  ERROR;

  /** The lower-case form that tables hold. */
  public String label() {
    return name().toLowerCase(Locale.ROOT);
  }

  /** Whether the model itself ended its output, so that an answer may be read from it. */
  public boolean isComplete() {
    return this == STOP || this == STOP_STRING;
  }
}
