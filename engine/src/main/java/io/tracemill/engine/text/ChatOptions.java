package io.tracemill.engine.text;

import java.util.List;
import java.util.Map;
import java.util.Objects;

/**
 * How messages are rendered, beside the messages.
 *
 * @param tools descriptions of tools, each a JSON-like map; empty for none
 * @param ending whether the prompt ends with the opening of an assistant's turn
 * @param variables further variables for the template, such as {@code enable_thinking}; JSON-like
 *     values
 */
public record ChatOptions(
    List<Map<String, Object>> tools, Ending ending, Map<String, Object> variables) {
  /** Opens the assistant's turn, offers no tools, sets no variables. */
  public static final ChatOptions DEFAULT =
      new ChatOptions(List.of(), Ending.GENERATION_PROMPT, Map.of());

  /** How a rendered conversation ends. */
  public enum Ending {
    /** With the opening of an assistant's turn, for the model to go on. */
    GENERATION_PROMPT,
    /** With the last message. */
    LAST_MESSAGE
  }

  public ChatOptions {
    tools = List.copyOf(tools);
    Objects.requireNonNull(ending, "ending");
    variables = Map.copyOf(variables);
  }

  /** These options with other variables. */
  public ChatOptions withVariables(Map<String, Object> newVariables) {
    return new ChatOptions(tools, ending, newVariables);
  }

  /** These options with other tools. */
  public ChatOptions withTools(List<Map<String, Object>> newTools) {
    return new ChatOptions(newTools, ending, variables);
  }
}
