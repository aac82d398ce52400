package io.tracemill.engine.api;

import java.util.Objects;
import java.util.Optional;

/**
 * A finished output as text.
 *
 * @param trace everything that was generated, without the stop token or stop string
 * @param thinking the part between the thinking tags, or all of an output that never closed them;
 *     empty without tags
 * @param answer what follows the thinking; absent where the output was truncated inside its
 *     thinking
 * @param extractedAnswer the last {@code \boxed{}} of a complete answer, else its last non-empty
 *     line; absent where the output was truncated
 */
public record TraceText(
    String trace, String thinking, Optional<String> answer, Optional<String> extractedAnswer) {
  /** The text of a row that generated nothing. */
  public static final TraceText NONE = new TraceText("", "", Optional.empty(), Optional.empty());

  public TraceText {
    Objects.requireNonNull(trace, "trace");
    Objects.requireNonNull(thinking, "thinking");
    Objects.requireNonNull(answer, "answer");
    Objects.requireNonNull(extractedAnswer, "extractedAnswer");
  }
}
