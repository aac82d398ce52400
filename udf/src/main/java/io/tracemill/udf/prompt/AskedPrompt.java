package io.tracemill.udf.prompt;

import com.fasterxml.jackson.core.JsonProcessingException;
import com.fasterxml.jackson.databind.ObjectMapper;
import io.tracemill.engine.api.ChatMessage;
import io.tracemill.engine.api.Prompt;
import java.util.ArrayList;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import java.util.Objects;
import java.util.Optional;

/**
 * What a row asks: a prompt, or the problem that keeps it from being one.
 *
 * @param prompt present exactly where there is no problem
 * @param text the prompt as a table shows it: the text, or the turns as JSON; empty where the cell
 *     was null
 * @param problem one sentence for a user; empty where there is none
 */
public record AskedPrompt(Optional<Prompt> prompt, Optional<String> text, String problem) {
  private static final ObjectMapper JSON = new ObjectMapper();

  public AskedPrompt {
    Objects.requireNonNull(text, "text");
    if (prompt.isPresent() != problem.isEmpty()) {
      throw new IllegalArgumentException(
          "prompt " + prompt + " with the problem '" + problem + "'");
    }
  }

  /** A row that cannot be asked. */
  public static AskedPrompt refused(Optional<String> text, String problem) {
    return new AskedPrompt(Optional.empty(), text, problem);
  }

  /** A text of one user turn. */
  public static AskedPrompt ofText(String text) {
    Optional<String> kept = Optional.of(text);
    if (text.isEmpty()) {
      return refused(kept, "The prompt is empty.");
    }
    return text.isBlank()
        ? refused(kept, "The prompt holds nothing but white space.")
        : new AskedPrompt(Optional.of(new Prompt.Text(text)), kept, "");
  }

  /**
   * A conversation from a cell: a list of structs or maps.
   *
   * @param turns a turn is a {@code Row}, a map, or null
   */
  public static AskedPrompt ofCells(List<?> turns) {
    return ofTurns(turns.stream().map(AskedPrompt::turn).toList());
  }

  @SuppressWarnings("unchecked") // Structs and maps become maps with texts as keys.
  private static Map<String, Object> turn(Object cell) {
    Map<String, Object> turn = (Map<String, Object>) SqlCells.plain(cell);
    if (turn != null) {
      turn.values().removeIf(Objects::isNull); // As a struct's null: the turn does not have it.
    }
    return turn;
  }

  /**
   * A conversation.
   *
   * @param turns what each turn has, {@code role} and {@code content} among it; null where the list
   *     has a null in its place
   */
  public static AskedPrompt ofTurns(List<Map<String, Object>> turns) {
    List<ChatMessage> messages = new ArrayList<>();
    List<Map<String, Object>> json = new ArrayList<>();
    String problem = turns.isEmpty() ? "The messages are an empty list." : "";
    for (int i = 0; i < turns.size(); i++) {
      Map<String, Object> fields = turns.get(i);
      if (fields == null) {
        problem = "Message %d is null.".formatted(i + 1);
        continue;
      }
      json.add(fields);
      Map<String, Object> extra = new LinkedHashMap<>(fields);
      Object role = extra.remove("role");
      Object content = extra.remove("content");
      if (role == null || role.toString().isBlank()) {
        problem = "Message %d has no role.".formatted(i + 1);
      } else if (content == null && extra.isEmpty()) {
        problem = "Message %d has no content.".formatted(i + 1);
      } else {
        messages.add(
            new ChatMessage(role.toString(), content == null ? "" : content.toString(), extra));
      }
    }
    if (problem.isEmpty() && messages.stream().allMatch(message -> message.content().isBlank())) {
      problem = "The messages hold nothing but white space.";
    }
    Optional<String> text = Optional.of(toJson(json));
    return problem.isEmpty()
        ? new AskedPrompt(Optional.of(new Prompt.Messages(messages)), text, "")
        : refused(text, problem);
  }

  private static String toJson(List<Map<String, Object>> turns) {
    try {
      return JSON.writeValueAsString(turns);
    } catch (JsonProcessingException e) {
      throw new IllegalStateException("maps of plain values are JSON", e);
    }
  }
}
