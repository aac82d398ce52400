package io.tracemill.udf.ml.length;

import java.util.List;
import java.util.Locale;
import java.util.Set;
import org.apache.spark.ml.linalg.Vector;
import org.apache.spark.ml.linalg.Vectors;

/**
 * What a prompt looks like, in numbers: how long it is, what it is made of, which words it has.
 * Counts enter as {@code log(1 + count)}, since lengths of traces are multiples of one another. The
 * same text gives the same numbers in every JVM.
 */
final class PromptFeatures {
  /** Names of the features of {@link #summary}, in order. */
  static final List<String> SUMMARY =
      List.of(
          "characters",
          "words",
          "sentences",
          "lines",
          "numbers",
          "digits",
          "longest_number",
          "operators",
          "brackets",
          "deepest_bracket",
          "questions",
          "question_words",
          "capitals",
          "commas",
          "backslashes");

  private static final int BUCKETS = 64;
  private static final int MOST_CHARACTERS = 20_000;
  private static final Set<String> QUESTION_WORDS =
      Set.of(
          "how",
          "what",
          "which",
          "who",
          "whom",
          "whose",
          "when",
          "where",
          "why",
          "find",
          "prove",
          "show",
          "compute",
          "evaluate",
          "solve",
          "explain",
          "list",
          "determine",
          "calculate");

  private PromptFeatures() {}

  /** The numbers of {@link #SUMMARY}, dense. */
  static Vector summary(String prompt) {
    return Vectors.dense(counts(head(prompt)));
  }

  /** The summary, then words and pairs of words in {@value #BUCKETS} buckets by hash. */
  static Vector all(String prompt) {
    String text = head(prompt);
    double[] summary = counts(text);
    double[] all = java.util.Arrays.copyOf(summary, summary.length + BUCKETS);
    String before = "";
    for (String word : words(text)) {
      // Numbers differ from prompt to prompt; how many digits they have does not.
      String kind = Character.isDigit(word.charAt(0)) ? "#" + word.length() : word;
      all[summary.length + bucket(kind)]++;
      all[summary.length + bucket(before + " " + kind)]++;
      before = kind;
    }
    for (int i = summary.length; i < all.length; i++) {
      all[i] = Math.log1p(all[i]);
    }
    return Vectors.dense(all);
  }

  private static String head(String prompt) {
    return prompt.length() > MOST_CHARACTERS ? prompt.substring(0, MOST_CHARACTERS) : prompt;
  }

  private static int bucket(String words) {
    int hash = words.hashCode() * 0x9e3779b9;
    return (hash >>> 16) % BUCKETS;
  }

  private static List<String> words(String text) {
    return java.util.Arrays.stream(text.toLowerCase(Locale.ROOT).split("[^\\p{L}\\p{Nd}]+"))
        .filter(word -> !word.isEmpty())
        .toList();
  }

  private static double[] counts(String text) {
    Counter counter = new Counter();
    text.chars().forEach(counter::add);
    counter.endNumber();
    long questionWords = words(text).stream().filter(QUESTION_WORDS::contains).count();
    double[] counts = {
      text.length(),
      words(text).size(),
      counter.sentences,
      counter.lines,
      counter.numbers,
      counter.digits,
      counter.longestNumber,
      counter.operators,
      counter.brackets,
      counter.deepest,
      counter.questions,
      questionWords,
      counter.capitals,
      counter.commas,
      counter.backslashes
    };
    for (int i = 0; i < counts.length; i++) {
      counts[i] = Math.log1p(counts[i]);
    }
    return counts;
  }

  /** One pass over the characters. */
  private static final class Counter {
    private int sentences;
    private int lines;
    private int numbers;
    private int digits;
    private int longestNumber;
    private int operators;
    private int brackets;
    private int depth;
    private int deepest;
    private int questions;
    private int capitals;
    private int commas;
    private int backslashes;
    private int number;

    private void add(int c) {
      if (Character.isDigit(c)) {
        digits++;
        number++;
        return;
      }
      endNumber();
      switch (c) {
        case '.', '!' -> sentences++;
        case '?' -> questions++;
        case '\n' -> lines++;
        case ',' -> commas++;
        case '\\' -> backslashes++;
        case '+', '-', '*', '/', '=', '^', '<', '>', '%', '×', '÷', '−' -> operators++;
        case '(', '[', '{' -> {
          brackets++;
          depth++;
          deepest = Math.max(deepest, depth);
        }
        case ')', ']', '}' -> depth = Math.max(0, depth - 1);
        default -> capitals += Character.isUpperCase(c) ? 1 : 0;
      }
    }

    private void endNumber() {
      if (number > 0) {
        numbers++;
        longestNumber = Math.max(longestNumber, number);
        number = 0;
      }
    }
  }
}
