package io.tracemill.job.error;

import io.tracemill.engine.error.ReasoningException;
import java.util.Optional;

/** Finds, in what Spark throws, the sentence that a person can act on. */
final class Causes {
  private static final String ENGINE_EXCEPTION = "ReasoningException: ";

  private Causes() {}

  static String sentence(Throwable thrown) {
    Throwable deepest = thrown;
    for (Throwable each = thrown; each != null; each = each.getCause()) {
      if (each instanceof ReasoningException || each instanceof JobException) {
        return each.getMessage();
      }
      deepest = each;
    }
    Optional<String> quoted = quoted(thrown);
    if (quoted.isPresent()) {
      return quoted.get();
    }
    String message = deepestMessage(thrown, deepest);
    return message.lines().findFirst().orElse(message);
  }

  // An executor's exception may arrive as text only.
  private static Optional<String> quoted(Throwable thrown) {
    for (Throwable each = thrown; each != null; each = each.getCause()) {
      String message = String.valueOf(each.getMessage());
      int at = message.indexOf(ENGINE_EXCEPTION);
      if (at >= 0) {
        return message.substring(at + ENGINE_EXCEPTION.length()).lines().findFirst();
      }
    }
    return Optional.empty();
  }

  private static String deepestMessage(Throwable thrown, Throwable deepest) {
    if (deepest.getMessage() != null) {
      return deepest.getMessage();
    }
    return thrown.getMessage() == null ? thrown.getClass().getName() : thrown.getMessage();
  }
}
