package io.tracemill.engine.text;

import io.tracemill.engine.text.jinja.Origin;
import io.tracemill.engine.text.jinja.Text;
import java.util.ArrayList;
import java.util.Comparator;
import java.util.HashMap;
import java.util.List;
import java.util.Map;

/**
 * Finds the added tokens that are written out in a rendered prompt and decides which of them are
 * meant.
 *
 * <p>What the template wrote is meant. What the caller's data holds is text. In an earlier output
 * of the model that is played back, thinking tags and tokens that the tokenizer does not mark as
 * special are meant, turn markers are text. A token that straddles the template and the data is
 * text.
 */
final class SpecialTokenScanner {
  /** One written-out token: {@code token} in {@code [begin, end)}. */
  record Occurrence(AddedToken token, int begin, int end) {}

  /**
   * What a scan found: the tokens that are meant, in order, and the first one that is text, or
   * null.
   */
  record Scan(List<Occurrence> meant, AddedToken firstPlain) {}

  private final Map<Character, List<AddedToken>> byFirstChar = new HashMap<>();

  SpecialTokenScanner(List<AddedToken> tokens) {
    for (AddedToken token : tokens) {
      byFirstChar.computeIfAbsent(token.content().charAt(0), key -> new ArrayList<>()).add(token);
    }
    byFirstChar
        .values()
        .forEach(
            list ->
                list.sort(
                    Comparator.comparingInt((AddedToken token) -> token.content().length())
                        .reversed()));
  }

  Scan scan(Text text) {
    List<Occurrence> meant = new ArrayList<>();
    AddedToken firstPlain = null;
    String value = text.value();
    for (int i = 0; i < value.length(); ) {
      AddedToken token = tokenAt(value, i);
      if (token == null) {
        i++;
      } else if (isMeant(token, text, i)) {
        meant.add(new Occurrence(token, i, i + token.content().length()));
        i += token.content().length();
      } else {
        firstPlain = firstPlain == null ? token : firstPlain;
        i++;
      }
    }
    return new Scan(meant, firstPlain);
  }

  /** The longest token that begins at {@code at}, as the tokenizer itself would choose. */
  private AddedToken tokenAt(String value, int at) {
    for (AddedToken token : byFirstChar.getOrDefault(value.charAt(at), List.of())) {
      if (value.startsWith(token.content(), at)) {
        return token;
      }
    }
    return null;
  }

  private static boolean isMeant(AddedToken token, Text text, int begin) {
    if (!token.isMarker()) {
      return true;
    }
    Origin strongest = Origin.TEMPLATE;
    for (int i = begin; i < begin + token.content().length(); i++) {
      Origin origin = text.originAt(i);
      strongest = origin.compareTo(strongest) > 0 ? origin : strongest;
    }
    return switch (strongest) {
      case TEMPLATE -> true;
      case MODEL -> !token.special() || ThinkingTags.isTag(token.content());
      case INPUT -> false;
    };
  }
}
