package io.tracemill.engine.api;

import io.tracemill.engine.error.ErrorCode;
import java.util.Objects;

/** Why one row has no result. The message is one sentence for a user. */
public record RowError(ErrorCode code, String message) {
  public RowError {
    Objects.requireNonNull(code, "code");
    Objects.requireNonNull(message, "message");
  }
}
