package io.tracemill.job.calibrate;

import static org.apache.spark.sql.functions.col;

import io.tracemill.job.calibrate.TextTable.UnusableText;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.Comparator;
import java.util.List;
import java.util.Optional;
import org.apache.spark.sql.Row;

/**
 * The texts of a calibration, on the driver: some hundred kilobytes at the usual size.
 *
 * @param texts token ids, the last one cut where the number of tokens is reached
 * @param tokens of all texts
 * @param refusal why the first of those that were passed over was; empty where none was
 */
record PickedTexts(List<int[]> texts, int tokens, Optional<String> refusal) {
  /** Places in the order and sizes are small, but not for a table of billions. */
  private static final int MOST_TEXTS = 2_000_000;

  PickedTexts {
    texts = List.copyOf(texts);
  }

  /** Where a row stands and how large it may be. */
  private record Place(long order, long size) {}

  /**
   * Takes texts in the table's order until there are so many tokens, or no text is left.
   *
   * @param wantedTokens at least 1
   * @param maxTextTokens longer texts are cut there
   */
  static PickedTexts of(TextTable table, int wantedTokens, int maxTextTokens) {
    List<Place> places =
        table
            .rows()
            .select(TextTable.ORDER, TextTable.SIZE)
            .orderBy(TextTable.ORDER)
            .limit(Math.min(wantedTokens, MOST_TEXTS))
            .collectAsList()
            .stream()
            .map(row -> new Place(row.getLong(0), row.isNullAt(1) ? 1 : row.getLong(1)))
            .toList();
    List<int[]> texts = new ArrayList<>();
    Optional<String> refusal = Optional.empty();
    int tokens = 0;
    int next = 0;
    while (next < places.size() && tokens < wantedTokens) {
      int end = next;
      for (long expected = tokens; end < places.size() && expected < wantedTokens; end++) {
        expected += Math.max(1, Math.min(maxTextTokens, places.get(end).size()));
      }
      for (Row row :
          rows(
              table,
              next == 0 ? Long.MIN_VALUE : places.get(next - 1).order() + 1,
              places.get(end - 1).order())) {
        if (tokens == wantedTokens) {
          break;
        }
        try {
          int[] text = table.tokens(row);
          int length = Math.min(Math.min(maxTextTokens, wantedTokens - tokens), text.length);
          texts.add(Arrays.copyOf(text, length));
          tokens += length;
        } catch (UnusableText e) {
          refusal = refusal.or(() -> Optional.of(e.getMessage()));
        }
      }
      // Rows of equal order were read together.
      long read = places.get(end - 1).order();
      next = end;
      while (next < places.size() && places.get(next).order() == read) {
        next++;
      }
    }
    return new PickedTexts(texts, tokens, refusal);
  }

  private static List<Row> rows(TextTable table, long first, long last) {
    List<Row> rows =
        new ArrayList<>(
            table.rows().filter(col(TextTable.ORDER).between(first, last)).collectAsList());
    rows.sort(
        Comparator.comparingLong((Row row) -> row.getLong(row.fieldIndex(TextTable.ORDER)))
            .thenComparing(table::key));
    return rows;
  }

  /** Deals the texts out to so many tasks, at most one for each text, about equally many tokens. */
  List<List<int[]>> dealt(int tasks) {
    List<List<int[]>> hands = new ArrayList<>();
    long[] sizes = new long[Math.max(1, Math.min(tasks, texts.size()))];
    for (int i = 0; i < sizes.length; i++) {
      hands.add(new ArrayList<>());
    }
    List<int[]> longestFirst = new ArrayList<>(texts);
    longestFirst.sort(Comparator.comparingInt((int[] text) -> text.length).reversed());
    for (int[] text : longestFirst) {
      int smallest = 0;
      for (int i = 1; i < sizes.length; i++) {
        smallest = sizes[i] < sizes[smallest] ? i : smallest;
      }
      hands.get(smallest).add(text);
      sizes[smallest] += text.length;
    }
    return hands;
  }
}
