package io.tracemill.udf.grade.math;

import java.io.IOException;
import java.io.InputStream;
import java.io.UncheckedIOException;
import java.nio.charset.StandardCharsets;
import java.util.List;

/** The pairs of {@code grade/pairs.tsv}: two answers and whether a person calls them the same. */
final class AnswerPairs {
  private AnswerPairs() {}

  record Pair(String category, boolean same, String first, String second) {}

  static List<Pair> load() {
    try (InputStream in = AnswerPairs.class.getResourceAsStream("/grade/pairs.tsv")) {
      return new String(in.readAllBytes(), StandardCharsets.UTF_8)
          .lines()
          .filter(line -> !line.startsWith("#") && !line.isBlank())
          .map(AnswerPairs::parse)
          .toList();
    } catch (IOException e) {
      throw new UncheckedIOException(e);
    }
  }

  private static Pair parse(String line) {
    String[] fields = line.split("\t", -1);
    if (fields.length != 4 || !(fields[1].equals("same") || fields[1].equals("different"))) {
      throw new IllegalStateException("pairs.tsv has a malformed line: " + line);
    }
    return new Pair(fields[0], fields[1].equals("same"), fields[2], fields[3]);
  }
}
