package io.tracemill.engine.api;

import java.util.Map;
import java.util.Objects;

/**
 * One turn of a conversation, as a chat template sees it.
 *
 * @param role who speaks: {@code system}, {@code user}, {@code assistant}, {@code tool}
 * @param content the text of the turn; may be empty
 * @param extra further fields a template may read, such as {@code reasoning_content} or {@code
 *     tool_calls}: JSON-like values (string, number, boolean, list, map)
 */
public record ChatMessage(String role, String content, Map<String, Object> extra) {
  public ChatMessage {
    Objects.requireNonNull(role, "role");
    Objects.requireNonNull(content, "content");
    extra = Map.copyOf(extra);
  }

  /** A turn of one role without further fields. */
  public static ChatMessage of(String role, String content) {
    return new ChatMessage(role, content, Map.of());
  }

  /** A user's turn. */
  public static ChatMessage user(String content) {
    return of("user", content);
  }
}
