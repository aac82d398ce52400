package io.tracemill.engine.text;

import java.util.Arrays;
import java.util.HashSet;
import java.util.Set;

/**
 * Turns token ids into text one by one. A piece of text comes out as soon as it is complete: a
 * character whose bytes are spread over tokens comes with the last of them, so no piece holds
 * U+FFFD for bytes that are still missing. All pieces together are the text of all ids.
 *
 * <p>Each token costs one native call on a short window of ids, however long the output is.
 * Threads: one at a time.
 */
public final class IncrementalDecoder {
  /** Ids after which a window that does not come to rest is cut where that changes nothing. */
  private static final int LONG_WINDOW = 24;

  /** Most replacement characters that missing bytes of one character can show up as. */
  private static final int MAX_PENDING = 3;

  private static final char REPLACEMENT = '\uFFFD';

  private final Tokenizer tokenizer;
  private final Set<Integer> skipped;
  private long[] window = new long[LONG_WINDOW];
  private int size;

  /** How much of the window's text is out already. */
  private int emittedChars;

  /** A decoder for one output of a tokenizer's model. */
  public IncrementalDecoder(Tokenizer tokenizer, SpecialTokenOutput specialTokens) {
    this.tokenizer = tokenizer;
    this.skipped = skipped(tokenizer, specialTokens);
  }

  private static Set<Integer> skipped(Tokenizer tokenizer, SpecialTokenOutput specialTokens) {
    Set<Integer> ids = new HashSet<>();
    if (specialTokens != SpecialTokenOutput.ALL) {
      for (AddedToken token : tokenizer.addedTokens()) {
        boolean kept =
            specialTokens == SpecialTokenOutput.THINKING_TAGS
                && ThinkingTags.isTag(token.content());
        if (token.special() && !kept) {
          ids.add(token.id());
        }
      }
    }
    return ids;
  }

  /** Adds one id and returns the text that it completes, often empty or one word. */
  public String append(int id) {
    if (skipped.contains(id)) {
      return "";
    }
    if (size == window.length) {
      window = Arrays.copyOf(window, 2 * size);
    }
    window[size++] = id;
    String text = decode(0, size);
    int end = settledLength(text);
    String piece = end > emittedChars ? text.substring(emittedChars, end) : "";
    emittedChars = Math.max(emittedChars, end);
    if (end == text.length()) {
      keepLast(text);
    } else if (size >= LONG_WINDOW) {
      cut(text);
    }
    return piece;
  }

  /** Returns what was held back: U+FFFD for the bytes of a character that never became whole. */
  public String finish() {
    String text = decode(0, size);
    String piece = emittedChars < text.length() ? text.substring(emittedChars) : "";
    size = 0;
    emittedChars = 0;
    return piece;
  }

  /**
   * The text of all ids at once, as {@link #append} and {@link #finish} would give it in pieces.
   */
  public static String decode(Tokenizer tokenizer, SpecialTokenOutput specialTokens, int[] ids) {
    Set<Integer> skipped = skipped(tokenizer, specialTokens);
    return tokenizer.decode(Arrays.stream(ids).filter(id -> !skipped.contains(id)).toArray());
  }

  private static int settledLength(String text) {
    int end = text.length();
    while (end > 0 && text.length() - end < MAX_PENDING && text.charAt(end - 1) == REPLACEMENT) {
      end--;
    }
    return end;
  }

  /**
   * Shortens the window to its last id, which tells some decoders that they are not at the start of
   * a text.
   */
  private void keepLast(String text) {
    for (int keep = 1; keep < size; keep++) {
      String context = decode(size - keep, size);
      // A context without text, or one cut inside a character, would not stand for what was before
      // it.
      if (!context.isEmpty() && context.charAt(0) != REPLACEMENT && text.endsWith(context)) {
        drop(size - keep, context.length());
        return;
      }
      if (keep == LONG_WINDOW) {
        return;
      }
    }
  }

  /**
   * Drops the front of a window full of broken bytes, at a place that lies between two characters.
   */
  private void cut(String text) {
    for (int at = size - 1; at >= size - 2 * (MAX_PENDING + 1) && at > 0; at--) {
      String rest = decode(at, size);
      int before = text.length() - rest.length();
      if (before <= emittedChars && before >= 0 && decode(0, at).concat(rest).equals(text)) {
        drop(at, emittedChars - before);
        return;
      }
    }
  }

  private void drop(int ids, int charsOut) {
    System.arraycopy(window, ids, window, 0, size - ids);
    size -= ids;
    emittedChars = charsOut;
  }

  private String decode(int from, int to) {
    return to == from ? "" : tokenizer.decode(Arrays.copyOfRange(window, from, to));
  }
}
