package io.tracemill.engine.text;

import io.tracemill.engine.api.ChatMessage;
import io.tracemill.engine.text.jinja.Origin;
import io.tracemill.engine.text.jinja.Text;
import java.util.ArrayList;
import java.util.Collection;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import java.util.regex.Pattern;

/** Turns messages into template values whose strings remember that the caller wrote them. */
final class MessageTexts {
  /**
   * Names such as {@code assistant}; templates build tokens from roles, so these count as the
   * template's.
   */
  private static final Pattern ROLE = Pattern.compile("[A-Za-z0-9_-]{1,64}");

  private MessageTexts() {}

  static List<Object> of(List<ChatMessage> messages) {
    List<Object> values = new ArrayList<>(messages.size());
    for (int i = 0; i < messages.size(); i++) {
      values.add(of(messages.get(i), "message " + (i + 1)));
    }
    return values;
  }

  private static Map<String, Object> of(ChatMessage message, String where) {
    boolean ofModel = message.role().equals("assistant");
    Origin origin = ofModel ? Origin.MODEL : Origin.INPUT;
    UnicodeChecks.requireCharacters(message.role(), "the role of " + where);
    Map<String, Object> fields = new LinkedHashMap<>();
    Origin roleOrigin = ROLE.matcher(message.role()).matches() ? Origin.TEMPLATE : Origin.INPUT;
    fields.put("role", Text.of(message.role(), roleOrigin));
    fields.put("content", marked(message.content(), origin, "the content of " + where));
    message
        .extra()
        .forEach(
            (name, value) ->
                fields.put(name, marked(value, origin, "the field '" + name + "' of " + where)));
    return fields;
  }

  /** A copy of a JSON-like value, all of whose strings have the origin. */
  static Object marked(Object value, Origin origin, String where) {
    if (value instanceof String string) {
      UnicodeChecks.requireCharacters(string, where);
      return Text.of(string, origin);
    }
    if (value instanceof Map<?, ?> map) {
      Map<Object, Object> copy = new LinkedHashMap<>();
      map.forEach((key, item) -> copy.put(marked(key, origin, where), marked(item, origin, where)));
      return copy;
    }
    if (value instanceof Collection<?> collection) {
      List<Object> copy = new ArrayList<>(collection.size());
      collection.forEach(item -> copy.add(marked(item, origin, where)));
      return copy;
    }
    return value;
  }
}
