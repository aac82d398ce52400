package io.tracemill.engine.error;

/** Who has to act on an error, and what the caller should do with the work. */
public enum ErrorType {
  /** The request, the settings or the files are wrong; repeating without a change fails again. */
  USER,
  /** Memory, pages or slots ran out; fewer or smaller sequences may succeed. */
  INSUFFICIENT_RESOURCES,
  /** The device failed; whether the engine survives is a property of the code. */
  DEVICE,
  /** A defect of the engine itself. */
  INTERNAL
}
