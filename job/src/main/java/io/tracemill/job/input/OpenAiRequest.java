package io.tracemill.job.input;

import com.fasterxml.jackson.core.JsonProcessingException;
import com.fasterxml.jackson.core.StreamReadFeature;
import com.fasterxml.jackson.databind.JsonNode;
import com.fasterxml.jackson.databind.json.JsonMapper;
import java.util.ArrayList;
import java.util.EnumMap;
import java.util.Iterator;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;

/**
 * One line of OpenAI's Batch format: a chat completion with its settings. A field that would change
 * the result and that nothing here honours is refused by its name.
 *
 * @param messages the conversation: role, content and what else each turn has
 * @param own the request's own settings; null for those that it leaves open
 */
record OpenAiRequest(List<Map<String, Object>> messages, Map<RowParameter, Object> own) {
  private static final String URL = "/v1/chat/completions";
  private static final JsonMapper JSON =
      JsonMapper.builder().enable(StreamReadFeature.STRICT_DUPLICATE_DETECTION).build();

  /** Names of the body's fields and the settings that they are. */
  private static final Map<String, RowParameter> SETTINGS =
      Map.of(
          "temperature", RowParameter.TEMPERATURE,
          "top_p", RowParameter.TOP_P,
          "top_k", RowParameter.TOP_K,
          "min_p", RowParameter.MIN_P,
          "repetition_penalty", RowParameter.REPETITION_PENALTY,
          "seed", RowParameter.SEED,
          "stop", RowParameter.STOP,
          "n", RowParameter.SAMPLES,
          "kv_policy", RowParameter.KV_POLICY);

  private static final List<String> BUDGETS = List.of("max_completion_tokens", "max_tokens");

  OpenAiRequest {
    messages = List.copyOf(messages);
  }

  /**
   * Reads a line.
   *
   * @throws BadRowException where it is no request that this job can answer
   */
  static OpenAiRequest parse(String line) throws BadRowException {
    JsonNode request = read(line);
    JsonNode method = request.path("method");
    if (given(method) && !method.asText().equalsIgnoreCase("POST")) {
      throw new BadRowException("method is '%s'; it must be POST.".formatted(method.asText()));
    }
    JsonNode url = request.path("url");
    if (given(url) && !url.asText().equals(URL)) {
      throw new BadRowException(
          "url is '%s'; only %s can be answered.".formatted(url.asText(), URL));
    }
    JsonNode body = request.path("body");
    if (!body.isObject()) {
      throw new BadRowException("The request has no body.");
    }
    Map<RowParameter, Object> own = new EnumMap<>(RowParameter.class);
    for (Iterator<Map.Entry<String, JsonNode>> fields = body.fields(); fields.hasNext(); ) {
      Map.Entry<String, JsonNode> field = fields.next();
      take(field.getKey(), field.getValue(), own);
    }
    return new OpenAiRequest(OpenAiMessages.read(body.path("messages")), own);
  }

  /** The line as an object. */
  static JsonNode read(String line) throws BadRowException {
    JsonNode request;
    try {
      request = JSON.readTree(line);
    } catch (JsonProcessingException e) {
      throw new BadRowException("The line is not a JSON object.");
    }
    if (!request.isObject()) {
      throw new BadRowException("The line is not a JSON object.");
    }
    return request;
  }

  /** The body without its conversation, for the table; empty text where there is none. */
  static String settingsOf(JsonNode request) {
    Map<String, JsonNode> rest = new LinkedHashMap<>();
    request
        .path("body")
        .fields()
        .forEachRemaining(
            field -> {
              if (!field.getKey().equals("messages")) {
                rest.put(field.getKey(), field.getValue());
              }
            });
    return JSON.valueToTree(rest).toString();
  }

  private static boolean given(JsonNode value) {
    return !value.isMissingNode() && !value.isNull();
  }

  private static void take(String name, JsonNode value, Map<RowParameter, Object> own)
      throws BadRowException {
    if (!given(value) || name.equals("messages")) {
      return;
    }
    if (BUDGETS.contains(name)) {
      Object budget = plain(name, value);
      Object other = own.put(RowParameter.MAX_NEW_TOKENS, budget);
      if (other != null && !other.equals(budget)) {
        throw new BadRowException(
            "body.max_tokens and body.max_completion_tokens differ; leave one of them out.");
      }
    } else if (SETTINGS.containsKey(name)) {
      own.put(SETTINGS.get(name), plain(name, value));
    } else {
      OpenAiFields.requireHarmless(name, value);
    }
  }

  private static Object plain(String name, JsonNode value) throws BadRowException {
    boolean isText = name.equals("stop") || name.equals("kv_policy");
    if (isText && value.isTextual()) {
      return value.asText();
    }
    if (!isText && value.isNumber()) {
      return value.decimalValue();
    }
    if (name.equals("stop") && value.isArray()) {
      List<Object> texts = new ArrayList<>();
      value.forEach(text -> texts.add(text.isTextual() ? text.asText() : text));
      return texts;
    }
    String wanted =
        name.equals("stop") ? "a text or a list of texts" : isText ? "a text" : "a number";
    throw new BadRowException("body.%s is %s; it must be %s.".formatted(name, value, wanted));
  }
}
