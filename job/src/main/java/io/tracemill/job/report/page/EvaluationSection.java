package io.tracemill.job.report.page;

import io.tracemill.job.eval.result.AgainstFull;
import io.tracemill.job.eval.result.CellResult;
import io.tracemill.job.eval.result.RowGroup;
import io.tracemill.job.report.chart.FrontierChart;
import io.tracemill.job.report.data.ReportData;
import java.util.ArrayList;
import java.util.List;
import java.util.Locale;
import java.util.Optional;

/** The cells of an evaluation side by side. */
final class EvaluationSection {
  private static final String NONE = "–";

  private final List<CellResult> cells;
  private final Html page;

  EvaluationSection(ReportData data, Html page) {
    this.cells = data.evaluation();
    this.page = page;
  }

  /** Nothing where the output is no evaluation's. */
  void write() {
    if (cells.isEmpty()) {
      return;
    }
    Parts.section(
        page,
        "frontier",
        "Policies side by side",
        () -> {
          page.element(
              "p",
              "Every cell ran all problems; the figures of the sections below are of all cells"
                  + " together. p values are of the paired test against the full cache, corrected"
                  + " for the number of cells (Holm).",
              "class",
              "note");
          Parts.figure(
              page,
              "Right answers against KV rows",
              FrontierChart.accuracyByRows(cells),
              "Further up and further left is better. Numbers are those of the table. Bars are"
                  + " 95 % intervals of each cell alone: cells share their problems, so the table's"
                  + " paired tests see more than the overlap of bars does.");
          Parts.figure(
              page,
              "Right answers of each cell",
              FrontierChart.accuracyByCell(cells),
              "All rows; intervals as above.");
          page.element("h3", "All rows");
          table(false);
          if (cells.stream().anyMatch(cell -> cell.compressed().isPresent())) {
            page.element("h3", "Only rows that were compressed");
            page.element(
                "p",
                "Rows that a cell compressed, against the same problems with the full cache."
                    + " Compressed rows are long, and long rows are harder.",
                "class",
                "note");
            table(true);
          }
          proof();
        });
  }

  private void table(boolean compressedOnly) {
    List<String> head =
        new ArrayList<>(
            List.of(
                "cell",
                "rows",
                "right",
                "95 % interval",
                "full, same rows",
                "points",
                "p",
                "tokens",
                "length",
                "KV rows",
                "peak",
                "shrink",
                "compressions"));
    List<List<String>> rows = new ArrayList<>();
    for (int i = 0; i < cells.size(); i++) {
      CellResult cell = cells.get(i);
      Optional<RowGroup> group = compressedOnly ? cell.compressed() : Optional.of(cell.all());
      if (group.isPresent()) {
        rows.add(row((i + 1) + "  " + name(cell), group.get()));
      }
    }
    page.open("div", "class", "cells");
    Parts.table(page, head, rows);
    page.close();
  }

  private String name(CellResult cell) {
    boolean several = cells.stream().mapToDouble(CellResult::temperature).distinct().count() > 1;
    return several
        ? String.format(Locale.ROOT, "%s, temperature %s", cell.given(), (float) cell.temperature())
        : cell.given();
  }

  private static List<String> row(String name, RowGroup group) {
    Optional<AgainstFull> against = group.againstFull();
    return List.of(
        name,
        Words.number(group.rows()),
        Words.percent(group.accuracy()),
        Words.percent(group.low()) + " to " + Words.percent(group.high()),
        against.map(a -> Words.percent(a.fullAccuracy())).orElse(NONE),
        against.map(a -> Words.points(a.difference())).orElse(NONE),
        against.map(a -> Words.pValue(a.holmPValue()).replaceFirst("^p (= )?", "")).orElse(NONE),
        Words.number(group.meanTokens()),
        against.map(a -> Words.factor(a.lengthInflation())).orElse(NONE),
        Words.number(group.meanRows()),
        Words.number(group.peakRows()),
        against.map(a -> Words.factor(a.kvShrink())).orElse(NONE),
        String.format(Locale.ROOT, "%.1f", group.compressions()));
  }

  private void proof() {
    long otherwise = cells.stream().mapToLong(cell -> cell.proof().otherwise()).sum();
    long other = cells.stream().mapToLong(cell -> cell.proof().otherThanFull()).sum();
    long rows = cells.stream().mapToLong(cell -> cell.all().rows() - cell.all().failed()).sum();
    long same = cells.stream().mapToLong(cell -> cell.proof().sameAsFull()).sum();
    page.element(
        "p",
        "Counters: of %s rows, %s were not compressed at the steps and to the rows that their policy says; of %s greedy rows that were never compressed, %s differ from the full cache's output."
            .formatted(
                Words.number(rows),
                Words.number(otherwise),
                Words.number(same + other),
                Words.number(other)),
        "class",
        "note");
  }
}
