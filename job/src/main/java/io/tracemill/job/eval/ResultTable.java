package io.tracemill.job.eval;

import io.tracemill.job.eval.result.AgainstFull;
import io.tracemill.job.eval.result.CellResult;
import io.tracemill.job.eval.result.RowGroup;
import io.tracemill.job.progress.SummaryTable;
import java.util.ArrayList;
import java.util.List;
import java.util.Locale;
import java.util.Optional;
import java.util.function.BiFunction;
import java.util.function.Function;
import java.util.stream.Collectors;

/** Results as a table of text: for a terminal, and as Markdown. */
final class ResultTable {
  private static final String NONE = "-";
  private static final double SMALLEST_P = 0.001;
  private static final String COMPRESSED =
      "Only rows that were compressed; \"full\" is the full cache on the same problems";

  private final List<CellResult> cells;

  /** A column: its head, and a cell's text over some of its rows. */
  private record Column(String head, BiFunction<CellResult, RowGroup, String> text) {
    static Column of(String head, Function<RowGroup, String> text) {
      return new Column(head, (cell, group) -> text.apply(group));
    }

    /** Empty without a full cache to compare with. */
    static Column paired(String head, Function<AgainstFull, String> text) {
      return of(head, group -> group.againstFull().map(text).orElse(NONE));
    }
  }

  ResultTable(List<CellResult> cells) {
    this.cells = List.copyOf(cells);
  }

  /** Lines for a terminal: all rows, then rows that were compressed. */
  List<String> lines() {
    List<String> lines = new ArrayList<>(List.of("All rows"));
    lines.addAll(aligned(allRows()));
    if (anyCompressed()) {
      lines.add(COMPRESSED);
      lines.addAll(aligned(compressedRows()));
    }
    lines.addAll(notes());
    return lines;
  }

  /** The same as Markdown. */
  String markdown() {
    StringBuilder text = new StringBuilder("All rows:\n\n").append(markdown(allRows()));
    if (anyCompressed()) {
      text.append('\n').append(COMPRESSED).append(":\n\n").append(markdown(compressedRows()));
    }
    text.append('\n');
    notes().forEach(note -> text.append(note).append('\n'));
    return text.toString();
  }

  private boolean anyCompressed() {
    return cells.stream().anyMatch(cell -> cell.compressed().isPresent());
  }

  private List<List<String>> allRows() {
    List<Column> columns = columns();
    if (cells.stream().anyMatch(cell -> cell.tokensPerSecond().isPresent())) {
      columns.add(
          new Column("tokens/s", (cell, all) -> whole(cell.tokensPerSecond().orElse(Double.NaN))));
    }
    return rows(columns, cell -> Optional.of(cell.all()));
  }

  private List<List<String>> compressedRows() {
    List<Column> columns = columns();
    columns.add(Column.paired("full", against -> percent(against.fullAccuracy())));
    return rows(columns, CellResult::compressed);
  }

  private List<List<String>> rows(
      List<Column> columns, Function<CellResult, Optional<RowGroup>> groupOf) {
    List<List<String>> rows = new ArrayList<>();
    rows.add(columns.stream().map(Column::head).toList());
    for (CellResult cell : cells) {
      groupOf
          .apply(cell)
          .ifPresent(
              group -> rows.add(columns.stream().map(c -> c.text().apply(cell, group)).toList()));
    }
    return rows;
  }

  private List<Column> columns() {
    List<Column> columns = new ArrayList<>();
    columns.add(new Column("policy", (cell, group) -> cell.given()));
    if (cells.stream().mapToDouble(CellResult::temperature).distinct().count() > 1) {
      columns.add(
          new Column("temperature", (cell, group) -> Float.toString((float) cell.temperature())));
    }
    columns.add(Column.of("rows", group -> whole(group.rows())));
    columns.add(Column.of("right", group -> percent(group.accuracy())));
    columns.add(
        Column.of(
            "95 % interval", group -> tenths(100 * group.low()) + " to " + percent(group.high())));
    columns.add(Column.paired("points", against -> points(against.difference())));
    columns.add(Column.paired("won:lost", against -> against.won() + ":" + against.lost()));
    columns.add(Column.paired("p (Holm)", against -> p(against.holmPValue())));
    columns.add(Column.of("truncated", group -> whole(group.truncated())));
    if (cells.stream().anyMatch(cell -> cell.all().failed() > 0)) {
      columns.add(Column.of("failed", group -> whole(group.failed())));
    }
    columns.add(Column.of("tokens", group -> whole(group.meanTokens())));
    columns.add(Column.of("of right", group -> whole(group.meanTokensRight())));
    columns.add(Column.paired("length", against -> factor(against.lengthInflation())));
    columns.add(Column.of("KV rows", group -> whole(group.meanRows())));
    columns.add(Column.of("peak", group -> whole(group.peakRows())));
    columns.add(Column.paired("shrink", against -> factor(against.kvShrink())));
    columns.add(Column.of("compressions", group -> tenths(group.compressions())));
    return columns;
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
