package io.tracemill.udf.sql;

import io.tracemill.engine.text.Tokenizer;
import java.nio.file.Path;
import java.util.concurrent.ConcurrentHashMap;
import java.util.concurrent.ConcurrentMap;

/**
 * One tokenizer for each model directory in this JVM, so that all tasks of an executor share it.
 * They are never closed: a query that needs one again would load it again, at a second each.
 */
final class TokenizerCache {
  private static final ConcurrentMap<String, Tokenizer> BY_DIRECTORY = new ConcurrentHashMap<>();

  private TokenizerCache() {}

  /**
   * The number of tokens of a text.
   *
   * @throws io.tracemill.engine.error.ReasoningException where the directory holds no tokenizer
   */
  static int count(String text, String modelDirectory) {
    if (text.isEmpty()) {
      return 0;
    }
    return tokenizer(modelDirectory).encode(wellFormed(text)).length;
  }

  static int size() {
    return BY_DIRECTORY.size();
  }

  private static Tokenizer tokenizer(String modelDirectory) {
    return BY_DIRECTORY.computeIfAbsent(
        modelDirectory, directory -> Tokenizer.load(directoryOf(directory)));
  }

  /** The folder itself, or that of a path to its {@code tokenizer.json}. */
  private static Path directoryOf(String path) {
    String local = path.startsWith("file:") ? path.replaceFirst("^file:/*", "/") : path;
    Path given = Path.of(local);
    return given.endsWith("tokenizer.json") ? given.toAbsolutePath().getParent() : given;
  }

  /** Half a character, which no encoder takes, as the replacement character. */
  private static String wellFormed(String text) {
    StringBuilder out = null;
    for (int i = 0; i < text.length(); i++) {
      char c = text.charAt(i);
      boolean pair =
          Character.isHighSurrogate(c)
              && i + 1 < text.length()
              && Character.isLowSurrogate(text.charAt(i + 1));
      if (pair) {
        i++;
      } else if (Character.isSurrogate(c)) {
        out = out == null ? new StringBuilder(text) : out;
        out.setCharAt(i, '\uFFFD');
      }
    }
    return out == null ? text : out.toString();
  }
}
