package io.tracemill.job.input;

import com.fasterxml.jackson.databind.JsonNode;
import java.util.Map;
import java.util.Set;
import java.util.function.Predicate;

/**
 * Fields of a chat completion that are no settings of ours. Those that cannot change the result are
 * passed over, those that could are let through only where they ask for nothing.
 */
final class OpenAiFields {
  /** Accounting, storage and routing. */
  private static final Set<String> WITHOUT_EFFECT =
      Set.of(
          "metadata",
          "model", // The run's --model answers; the table keeps both names.
          "parallel_tool_calls",
          "prompt_cache_key",
          "prompt_cache_retention",
          "safety_identifier",
          "service_tier",
          "store",
          "user");

  private static final Predicate<JsonNode> IS_FALSE =
      value -> value.isBoolean() && !value.asBoolean();
  private static final Predicate<JsonNode> IS_ZERO =
      value -> value.isNumber() && value.decimalValue().signum() == 0;
  private static final Predicate<JsonNode> IS_EMPTY =
      value -> value.isContainerNode() && value.isEmpty();

  /** What each must be, so that leaving it out changes nothing. */
  private static final Map<String, Predicate<JsonNode>> ONLY =
      Map.ofEntries(
          Map.entry("frequency_penalty", IS_ZERO),
          Map.entry("presence_penalty", IS_ZERO),
          Map.entry("logit_bias", IS_EMPTY),
          Map.entry("logprobs", IS_FALSE),
          Map.entry("top_logprobs", IS_ZERO),
          Map.entry("stream", IS_FALSE),
          Map.entry("stream_options", IS_EMPTY),
          Map.entry("tools", IS_EMPTY),
          Map.entry("functions", IS_EMPTY),
          Map.entry("tool_choice", value -> value.asText().matches("none|auto")),
          Map.entry("function_call", value -> value.asText().matches("none|auto")),
          Map.entry("response_format", value -> value.path("type").asText().equals("text")),
          Map.entry("modalities", value -> value.toString().equals("[\"text\"]")));

  private OpenAiFields() {}

  /**
   * Lets a field pass.
   *
   * @throws BadRowException where it asks for what is not done here
   */
  static void requireHarmless(String name, JsonNode value) throws BadRowException {
    if (WITHOUT_EFFECT.contains(name)) {
      return;
    }
    Predicate<JsonNode> only = ONLY.get(name);
    if (only == null) {
      throw new BadRowException(
          "body.%s is not known here and might change the result; remove it from the request."
              .formatted(name));
    }
    if (!only.test(value)) {
      throw new BadRowException(
          "body.%s is %s, which is not supported and would change the result; remove it from the request."
              .formatted(name, shortened(value)));
    }
  }

  private static String shortened(JsonNode value) {
    String text = value.toString();
    return text.length() <= 60 ? text : text.substring(0, 57) + "...";
  }
}
