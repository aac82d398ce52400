package io.tracemill.udf.grade;

import com.fasterxml.jackson.core.JsonProcessingException;
import com.fasterxml.jackson.core.json.JsonReadFeature;
import com.fasterxml.jackson.databind.DeserializationFeature;
import com.fasterxml.jackson.databind.JsonNode;
import com.fasterxml.jackson.databind.cfg.JsonNodeFeature;
import com.fasterxml.jackson.databind.json.JsonMapper;
import java.util.Arrays;
import java.util.Optional;

/** Reads fields of JSON objects that stand somewhere in prose. */
final class JsonFields {
  private static final JsonMapper MAPPER =
      JsonMapper.builder()
          .enable(JsonReadFeature.ALLOW_BACKSLASH_ESCAPING_ANY_CHARACTER)
          .enable(JsonReadFeature.ALLOW_UNESCAPED_CONTROL_CHARS)
          .enable(JsonReadFeature.ALLOW_TRAILING_COMMA)
          .enable(DeserializationFeature.USE_BIG_DECIMAL_FOR_FLOATS)
          .disable(JsonNodeFeature.STRIP_TRAILING_BIGDECIMAL_ZEROES)
          .build();

  /** Characters parsed at most, as a multiple of the text: nested braces are tried once each. */
  private static final int MAX_PARSED_SHARE = 8;

  private static final int MIN_PARSED_CHARACTERS = 10_000;

  private JsonFields() {}

  /**
   * The field of the last object that closes in the text, can be read and has it; a path of names
   * with dots reaches into inner objects. A string comes as it is, anything else as JSON; a JSON
   * null counts as absent.
   */
  static Optional<String> last(String text, String field) {
    if (field.isEmpty() || text.indexOf('{') < 0) {
      return Optional.empty();
    }
    Optional<String> found = last(text, field, true);
    // A stray quotation mark in prose hides the braces behind it.
    return found.isPresent() ? found : last(text, field, false);
  }

  private static Optional<String> last(String text, String field, boolean quotesHideBraces) {
    int[] spans = spans(text, quotesHideBraces);
    long budget = Math.max(MIN_PARSED_CHARACTERS, (long) MAX_PARSED_SHARE * text.length());
    String name = field.substring(field.lastIndexOf('.') + 1);
    for (int i = spans.length - 2; i >= 0 && budget > 0; i -= 2) {
      int length = spans[i + 1] - spans[i];
      budget -= length;
      if (budget >= 0) {
        Optional<String> value = read(text.substring(spans[i], spans[i + 1]), name, field);
        if (value.isPresent()) {
          return value;
        }
      }
    }
    return Optional.empty();
  }

  /** Begins and ends of balanced braces, in the order in which they close. */
  private static int[] spans(String text, boolean quotesHideBraces) {
    int[] open = new int[16];
    int[] spans = new int[16];
    int depth = 0;
    int count = 0;
    boolean quoted = false;
    for (int i = 0; i < text.length(); i++) {
      char c = text.charAt(i);
      if (c == '\\' && depth > 0) {
        i++;
      } else if (c == '"' && depth > 0 && quotesHideBraces) {
        quoted = !quoted;
      } else if (c == '{' && !quoted) {
        open = depth == open.length ? Arrays.copyOf(open, 2 * depth) : open;
        open[depth++] = i;
      } else if (c == '}' && !quoted && depth > 0) {
        spans = count + 2 > spans.length ? Arrays.copyOf(spans, 2 * count) : spans;
        spans[count++] = open[--depth];
        spans[count++] = i + 1;
      }
    }
    return Arrays.copyOf(spans, count);
  }

  private static Optional<String> read(String json, String name, String field) {
    if (!json.contains(name)) {
      return Optional.empty();
    }
    try {
      JsonNode node = MAPPER.readTree(json);
      if (node.isObject() && node.has(field)) {
        node = node.get(field);
      } else {
        for (String part : field.split("\\.", -1)) {
          node = node.path(part);
        }
      }
      if (node.isMissingNode() || node.isNull()) {
        return Optional.empty();
      }
      return Optional.of(node.isTextual() ? node.asText() : node.toString());
    } catch (JsonProcessingException e) {
      return Optional.empty();
    }
  }
}
