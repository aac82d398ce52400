package io.tracemill.engine;

import io.tracemill.engine.error.ErrorCode;
import io.tracemill.engine.error.ReasoningException;
import java.nio.file.Path;

/** The errors of opening an engine and of requests that never reach it. */
final class EngineErrors {
  private EngineErrors() {}

  static ReasoningException outOfRange(String option, Object value, String range) {
    return new ReasoningException(
        ErrorCode.INVALID_ARGUMENT,
        "Option %s is %s; it must be %s.".formatted(option, value, range));
  }

  static ReasoningException policyRefused(String reason) {
    return new ReasoningException(ErrorCode.INVALID_ARGUMENT, reason);
  }

  static ReasoningException contextTooLong(int wanted, int maxPositions, Path modelDirectory) {
    return new ReasoningException(
        ErrorCode.INVALID_ARGUMENT,
        "A context of %d tokens was asked for, but the model in %s was made for %d; lower it."
            .formatted(wanted, modelDirectory, maxPositions));
  }

  static ReasoningException notADirectory(Path modelDirectory) {
    return new ReasoningException(
        ErrorCode.INVALID_CHECKPOINT,
        "There is no model directory at %s; give the folder that holds config.json."
            .formatted(modelDirectory));
  }

  static ReasoningException unknownBackend(String name, String known) {
    return new ReasoningException(
        ErrorCode.BACKEND_UNAVAILABLE,
        "Backend '%s' is not on the class path; choose auto or one of: %s.".formatted(name, known));
  }

  static ReasoningException unusableBackend(String name, String reason) {
    return new ReasoningException(
        ErrorCode.BACKEND_UNAVAILABLE,
        "Backend %s was asked for but cannot run here: %s".formatted(name, reason));
  }

  static ReasoningException noBackend(String reasons) {
    return new ReasoningException(
        ErrorCode.BACKEND_UNAVAILABLE,
        reasons.isEmpty()
            ? "There is no backend on the class path; add a jar that has one."
            : "No backend can run here: " + reasons);
  }

  static ReasoningException unreadable(Path file, Exception cause) {
    return new ReasoningException(
        ErrorCode.INVALID_CHECKPOINT,
        "%s cannot be read: %s.".formatted(file, cause.getMessage()),
        cause);
  }

  static ReasoningException tokenOutsideVocabulary(int token, int vocabSize) {
    return new ReasoningException(
        ErrorCode.INVALID_PROMPT,
        "The prompt holds the token id %d but the model's vocabulary ends at %d; use this model's own tokenizer."
            .formatted(token, vocabSize - 1));
  }
}
