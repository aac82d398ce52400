package io.tracemill.engine.model;

import io.tracemill.engine.error.ErrorCode;
import io.tracemill.engine.error.ReasoningException;
import java.nio.file.Path;

/** Messages about configuration files that cannot be used. */
final class ModelConfigErrors {
  private ModelConfigErrors() {}

  static ReasoningException missingFile(Path file) {
    return new ReasoningException(
        ErrorCode.INVALID_CHECKPOINT,
        file + " does not exist; the model must be a Hugging Face checkpoint directory.");
  }

  static ReasoningException unreadable(Path file, Exception cause) {
    return new ReasoningException(
        ErrorCode.INVALID_CHECKPOINT,
        file + " cannot be read as JSON: " + firstLine(cause) + "; download the checkpoint again.",
        cause);
  }

  static ReasoningException notAnObject(Path file) {
    return new ReasoningException(
        ErrorCode.INVALID_CHECKPOINT,
        file + " is not a JSON object; download the checkpoint again.");
  }

  static ReasoningException missingKey(String file, String key) {
    return new ReasoningException(
        ErrorCode.INVALID_CHECKPOINT, file + " lacks " + key + ", which this model needs.");
  }

  static ReasoningException wrongType(String file, String key, String value, String wanted) {
    return new ReasoningException(
        ErrorCode.INVALID_CHECKPOINT,
        "%s has %s = %s; it must be %s.".formatted(file, key, value, wanted));
  }

  static ReasoningException inconsistent(String file, String why) {
    return new ReasoningException(
        ErrorCode.INVALID_CHECKPOINT, file + " describes no network: " + why + ".");
  }

  static ReasoningException unsupported(String file, String key, String value, String supported) {
    return new ReasoningException(
        ErrorCode.UNSUPPORTED_MODEL,
        "%s has %s = %s, which this engine does not compute; supported is %s."
            .formatted(file, key, value, supported));
  }

  private static String firstLine(Exception cause) {
    String message = String.valueOf(cause.getMessage());
    int end = message.indexOf('\n');
    return end < 0 ? message : message.substring(0, end);
  }
}
