package io.tracemill.gpu.internal.device;

/** There is no driver to talk to; the message is the reason, a clause for people. */
public final class DriverUnavailableException extends RuntimeException {
  private static final long serialVersionUID = 1L;

  /** A reason without an underlying cause. */
  public DriverUnavailableException(String reason) {
    super(reason);
  }

  /** A reason and what led to it. */
  public DriverUnavailableException(String reason, Throwable cause) {
    super(reason, cause);
  }
}
