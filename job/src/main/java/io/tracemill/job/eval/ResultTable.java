package io.tracemill.job.eval;

import io.tracemill.job.eval.result.AgainstFull;
import io.tracemill.job.eval.result.CellResult;
import io.tracemill.job.eval.result.RowGroup;
import io.tracemill.job.progress.SummaryTable;
import java.util.ArrayList;
import java.util.List;
import java.util.Locale;
import java.util.Optional;
import java.util.stream.Collectors;

/** Results as a table of text: for a terminal, and as Markdown. */
final class ResultTable {
  private static final String NONE = "-";
  private static final double SMALLEST_P = 0.001;

  private static final List<String> HEAD =
      List.of(
          "rows",
          "right",
          "95 % interval",
          "points to full",
          "won:lost",
          "p (Holm)",
          "truncated",
          "failed",
          "tokens",
          "of right ones",
          "length",
          "KV rows mean",
          "peak",
          "shrink",
          "compressions");

  private final boolean severalTemperatures;
  private final boolean speeds;
  private final List<CellResult> cells;

  ResultTable(List<CellResult> cells) {
    this.cells = List.copyOf(cells);
    this.severalTemperatures =
        cells.stream().mapToDouble(CellResult::temperature).distinct().count() > 1;
    this.speeds = cells.stream().anyMatch(cell -> cell.tokensPerSecond().isPresent());
  }

  /** Lines for a terminal: all rows, then rows that were compressed. */
  List<String> lines() {
    List<String> lines = new ArrayList<>(List.of("All rows"));
    lines.addAll(aligned(allRows()));
    if (compressedRows().size() > 1) {
      lines.add("Only rows that were compressed; \"full\" is the full cache on the same problems");
      lines.addAll(aligned(compressedRows()));
    }
    lines.addAll(notes());
    return lines;
  }

  /** The same as Markdown. */
  String markdown() {
    StringBuilder text = new StringBuilder("All rows:\n\n").append(markdown(allRows()));
    if (compressedRows().size() > 1) {
      text.append(
              "\nOnly rows that were compressed; \"full\" is the full cache on the same problems:\n\n")
          .append(markdown(compressedRows()));
    }
    text.append('\n');
    notes().forEach(note -> text.append(note).append('\n'));
    return text.toString();
  }

  private List<List<String>> allRows() {
    List<List<String>> rows = new ArrayList<>();
    rows.add(head(speeds ? List.of("speed") : List.of()));
    for (CellResult cell : cells) {
      List<String> row = row(cell, cell.all());
      if (speeds) {
        row.add(
            cell.tokensPerSecond().isPresent()
                ? whole(cell.tokensPerSecond().getAsDouble()) + " tokens/s"
                : NONE);
      }
      rows.add(row);
    }
    return rows;
  }

  private List<List<String>> compressedRows() {
    List<List<String>> rows = new ArrayList<>();
    rows.add(head(List.of("full")));
    for (CellResult cell : cells) {
      cell.compressed()
          .ifPresent(
              group -> {
                List<String> row = row(cell, group);
                row.add(group.againstFull().map(a -> percent(a.fullAccuracy())).orElse(NONE));
                rows.add(row);
              });
    }
    return rows;
  }

  private List<String> head(List<String> more) {
    List<String> head = new ArrayList<>(List.of("policy"));
    if (severalTemperatures) {
      head.add("temperature");
    }
    head.addAll(HEAD);
    head.addAll(more);
    return head;
  }

  private List<String> row(CellResult cell, RowGroup group) {
    List<String> row = new ArrayList<>(List.of(cell.given()));
    if (severalTemperatures) {
      row.add(String.format(Locale.ROOT, "%s", (float) cell.temperature()));
    }
    Optional<AgainstFull> against = group.againstFull();
    row.add(whole(group.rows()));
    row.add(percent(group.accuracy()));
    row.add(percent(group.low()) + " to " + percent(group.high()));
    row.add(against.map(a -> points(a.difference())).orElse(NONE));
    row.add(against.map(a -> a.won() + ":" + a.lost()).orElse(NONE));
    row.add(against.map(a -> p(a.holmPValue())).orElse(NONE));
    row.add(whole(group.truncated()));
    row.add(whole(group.failed()));
    row.add(whole(group.meanTokens()));
    row.add(whole(group.meanTokensRight()));
    row.add(against.map(a -> factor(a.lengthInflation())).orElse(NONE));
    row.add(whole(group.meanRows()));
    row.add(whole(group.peakRows()));
    row.add(against.map(a -> factor(a.kvShrink())).orElse(NONE));
    row.add(tenths(group.compressions()));
    return row;
  }

  private List<String> notes() {
    List<String> notes = new ArrayList<>();
    for (CellResult cell : cells) {
      if (!cell.proof().holds()) {
        notes.add(
            "%s: %d rows were not compressed as the policy says, %d that were never compressed differ from the full cache."
                .formatted(cell.given(), cell.proof().otherwise(), cell.proof().otherThanFull()));
      }
    }
    long checked =
        cells.stream().mapToLong(c -> c.proof().asPlanned() + c.proof().withinBound()).sum();
    notes.add(
        String.format(
            Locale.ROOT,
            "Compressions of %,d rows came when and as the policy says; %,d rows were never compressed, of which %,d greedy ones have the full cache's output token for token.",
            checked,
            cells.stream()
                .filter(cell -> !cell.isFull())
                .mapToLong(cell -> cell.proof().neverCompressed())
                .sum(),
            cells.stream().mapToLong(cell -> cell.proof().sameAsFull()).sum()));
    return notes;
  }

  private static List<String> aligned(List<List<String>> rows) {
    SummaryTable table = new SummaryTable();
    rows.forEach(row -> table.row(row.toArray(String[]::new)));
    return table.lines();
  }

  private static String markdown(List<List<String>> rows) {
    StringBuilder text = new StringBuilder();
    for (int i = 0; i < rows.size(); i++) {
      text.append(
          rows.get(i).stream()
              .map(cell -> cell.replace("|", "\\|"))
              .collect(Collectors.joining(" | ", "| ", " |\n")));
      if (i == 0) {
        text.append("|---").append("|---:".repeat(rows.get(0).size() - 1)).append("|\n");
      }
    }
    return text.toString();
  }

  private static String whole(double value) {
    return Double.isNaN(value) ? NONE : String.format(Locale.ROOT, "%,d", Math.round(value));
  }

  private static String tenths(double value) {
    return Double.isNaN(value) ? NONE : String.format(Locale.ROOT, "%.1f", value);
  }

  private static String percent(double share) {
    return String.format(Locale.ROOT, "%.1f %%", 100 * share);
  }

  private static String points(double difference) {
    return String.format(Locale.ROOT, "%+.1f", 100 * difference);
  }

  private static String factor(double ratio) {
    return Double.isNaN(ratio) ? NONE : String.format(Locale.ROOT, "%.2fx", ratio);
  }

  private static String p(double p) {
    return p < SMALLEST_P ? "< 0.001" : String.format(Locale.ROOT, "%.3f", p);
  }
}
