package io.tracemill.job.error;

import java.util.Objects;

/**
 * A run that cannot start or go on. The message is one sentence for the person at the command line:
 * what, where, what to do.
 */
public final class JobException extends RuntimeException {
  private static final long serialVersionUID = 1L;

  /** Who has to act; decides the exit code. */
  public enum Kind {
    /** Options, files or tables of the user; exit code 2, nothing was generated. */
    USAGE(2),
    /** The run began and did not finish; exit code 1. */
    FAILED(1);

    private final int exitCode;

    Kind(int exitCode) {
      this.exitCode = exitCode;
    }

    /** What the process ends with. */
    public int exitCode() {
      return exitCode;
    }
  }

  private final Kind kind;

  JobException(Kind kind, String message, Throwable cause) {
    super(Objects.requireNonNull(message, "message"), cause);
    this.kind = kind;
  }

  /** Who has to act. */
  public Kind kind() {
    return kind;
  }
}
