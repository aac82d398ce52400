package io.tracemill.engine.error;

import java.util.Objects;

/**
 * Anything the engine could not do. The message is one sentence that says what, where and, for
 * {@link ErrorType#USER}, what to do; it is fit to be shown to a user without the stack trace.
 *
 * <p>Each package makes its exceptions in one class of static methods, so that messages can be
 * reviewed together.
 */
public final class ReasoningException extends RuntimeException {
  private static final long serialVersionUID = 1L;

  private final ErrorCode code;

  /** An error without an underlying cause. */
  public ReasoningException(ErrorCode code, String message) {
    this(code, message, null);
  }

  /** An error with the exception that led to it; {@code cause} may be null. */
  public ReasoningException(ErrorCode code, String message, Throwable cause) {
    super(Objects.requireNonNull(message, "message"), cause);
    this.code = Objects.requireNonNull(code, "code");
  }

  /** What went wrong, as a stable code. */
  public ErrorCode code() {
    return code;
  }
}
