package io.tracemill.job.input;

import com.fasterxml.jackson.databind.JsonNode;
import com.fasterxml.jackson.databind.ObjectMapper;
import java.util.ArrayList;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;

/** The conversation of a chat completion: content as text, or as a list of text parts. */
final class OpenAiMessages {
  private static final ObjectMapper JSON = new ObjectMapper();

  private OpenAiMessages() {}

  /** The turns as maps; roles and emptiness are checked by whoever makes a prompt of them. */
  static List<Map<String, Object>> read(JsonNode messages) throws BadRowException {
    if (!messages.isArray()) {
      throw new BadRowException("body.messages is missing or not a list.");
    }
    List<Map<String, Object>> turns = new ArrayList<>();
    for (int i = 0; i < messages.size(); i++) {
      turns.add(turn(messages.get(i), i + 1));
    }
    return turns;
  }

  private static Map<String, Object> turn(JsonNode message, int number) throws BadRowException {
    if (!message.isObject()) {
      throw new BadRowException("Message %d is not an object.".formatted(number));
    }
    Map<String, Object> turn = new LinkedHashMap<>();
    var fields = message.fields();
    while (fields.hasNext()) {
      var field = fields.next();
      if (field.getValue().isNull()) {
        continue;
      }
      turn.put(
          field.getKey(),
          field.getKey().equals("content")
              ? content(field.getValue(), number)
              : JSON.convertValue(field.getValue(), Object.class));
    }
    return turn;
  }

  private static String content(JsonNode content, int number) throws BadRowException {
    if (content.isTextual()) {
      return content.asText();
    }
    if (!content.isArray()) {
      throw new BadRowException(
          "The content of message %d is neither a text nor a list of parts.".formatted(number));
    }
    StringBuilder text = new StringBuilder();
    for (JsonNode part : content) {
      if (!part.path("type").asText().equals("text") || !part.path("text").isTextual()) {
        throw new BadRowException(
            "Message %d has a part of type '%s'; the model reads text only."
                .formatted(number, part.path("type").asText("unknown")));
      }
      text.append(part.path("text").asText());
    }
    return text.toString();
  }
}
