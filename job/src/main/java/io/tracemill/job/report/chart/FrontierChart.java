package io.tracemill.job.report.chart;

import io.tracemill.job.eval.result.CellResult;
import io.tracemill.job.report.chart.Figure.Key;
import io.tracemill.job.report.chart.Figure.Mark;
import java.awt.Font;
import java.awt.geom.Ellipse2D;
import java.text.DecimalFormat;
import java.text.DecimalFormatSymbols;
import java.util.ArrayList;
import java.util.Comparator;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Locale;
import java.util.Map;
import org.jfree.chart.axis.NumberAxis;
import org.jfree.chart.axis.SymbolAxis;
import org.jfree.chart.labels.ItemLabelAnchor;
import org.jfree.chart.labels.ItemLabelPosition;
import org.jfree.chart.plot.XYPlot;
import org.jfree.chart.renderer.xy.XYErrorRenderer;
import org.jfree.chart.ui.TextAnchor;
import org.jfree.data.xy.XYIntervalSeries;
import org.jfree.data.xy.XYIntervalSeriesCollection;

/**
 * Cells of an evaluation: accuracy with its 95 % interval against what the cache held. Cells are
 * numbered from 1, as in the table beside the drawing.
 */
public final class FrontierChart {
  private static final int HEIGHT = 380;
  private static final int FRAME = 56;
  private static final int HEIGHT_OF_A_CELL = 26;

  /** Keeps a number off its point; a plain space would be dropped by readers of SVG. */
  private static final String GAP = "\u00a0";

  private static final DecimalFormatSymbols ROOT = DecimalFormatSymbols.getInstance(Locale.ROOT);
  private static final String FULL = "full";
  private static final String RPC = "rpc";

  private FrontierChart() {}

  /** A cell and its number. */
  private record Numbered(int number, CellResult cell) {}

  /** One point a cell; cells of one policy and temperature are joined by a line. */
  public static Figure accuracyByRows(List<CellResult> cells) {
    return Chart.figure(
        "frontier",
        "Accuracy against the mean number of KV rows held, one point for each cell",
        HEIGHT,
        legend(cells),
        size -> frontier(lines(cells)));
  }

  /** One line a cell, in the grid's order from above. */
  public static Figure accuracyByCell(List<CellResult> cells) {
    return Chart.figure(
        "cells",
        "Accuracy of each cell with its 95 % interval",
        FRAME + HEIGHT_OF_A_CELL * cells.size(),
        List.of(),
        size -> byCell(cells, size));
  }

  private static List<Key> legend(List<CellResult> cells) {
    List<Key> legend = new ArrayList<>();
    for (Ink ink : List.of(Ink.BASELINE, Ink.RUN, Ink.REFERENCE)) {
      if (cells.stream().anyMatch(cell -> ink(cell) == ink)) {
        legend.add(
            new Key(
                ink,
                Mark.LINE,
                ink == Ink.BASELINE ? "full cache" : ink == Ink.RUN ? "rpc" : "other policies"));
      }
    }
    return legend;
  }

  private static Ink ink(CellResult cell) {
    return switch (cell.policyName()) {
      case FULL -> Ink.BASELINE;
      case RPC -> Ink.RUN;
      default -> Ink.REFERENCE;
    };
  }

  private static List<List<Numbered>> lines(List<CellResult> cells) {
    Map<String, List<Numbered>> lines = new LinkedHashMap<>();
    for (int i = 0; i < cells.size(); i++) {
      CellResult cell = cells.get(i);
      lines
          .computeIfAbsent(cell.policyName() + " " + cell.temperature(), key -> new ArrayList<>())
          .add(new Numbered(i + 1, cell));
    }
    lines.values().forEach(line -> line.sort(Comparator.comparing(n -> n.cell().all().meanRows())));
    return List.copyOf(lines.values());
  }

  private static XYPlot frontier(List<List<Numbered>> lines) {
    NumberAxis x = Chart.counts("KV rows held, mean over steps and rows");
    x.setAutoRangeIncludesZero(false);
    x.setLowerMargin(0.06);
    x.setUpperMargin(0.08);
    NumberAxis y = new NumberAxis("right answers");
    Chart.style(y);
    y.setAutoRangeIncludesZero(false);
    y.setNumberFormatOverride(
        new NumberFormatOf(
            share ->
                new DecimalFormat("0.#", ROOT).format(Math.round(1_000 * share) / 10.0) + " %"));
    y.setLowerMargin(0.04);
    XYPlot plot = Chart.plot(x, y);
    XYIntervalSeriesCollection points = new XYIntervalSeriesCollection();
    XYErrorRenderer renderer = renderer();
    renderer.setDrawXError(false);
    for (int line = 0; line < lines.size(); line++) {
      XYIntervalSeries series = new XYIntervalSeries(line, false, true);
      for (Numbered point : lines.get(line)) {
        var all = point.cell().all();
        series.add(
            all.meanRows(), all.meanRows(), all.meanRows(), all.accuracy(), all.low(), all.high());
      }
      points.addSeries(series);
      ink(renderer, line, ink(lines.get(line).get(0).cell()));
      renderer.setSeriesLinesVisible(line, lines.get(line).size() > 1);
    }
    renderer.setDefaultItemLabelGenerator(
        (data, line, item) -> GAP + lines.get(line).get(item).number());
    renderer.setDefaultItemLabelsVisible(true);
    renderer.setDefaultItemLabelFont(
        new Font(Font.SANS_SERIF, Font.PLAIN, (int) Chart.FONT_POINTS));
    renderer.setDefaultItemLabelPaint(Ink.TEXT.color());
    renderer.setDefaultPositiveItemLabelPosition(
        new ItemLabelPosition(ItemLabelAnchor.OUTSIDE3, TextAnchor.CENTER_LEFT));
    plot.setDataset(points);
    plot.setRenderer(renderer);
    return plot;
  }

  private static XYPlot byCell(List<CellResult> cells, Chart.Size size) {
    int last = cells.size() - 1;
    String[] names = new String[cells.size()];
    XYIntervalSeriesCollection points = new XYIntervalSeriesCollection();
    XYErrorRenderer renderer = renderer();
    renderer.setDrawYError(false);
    for (int i = 0; i < cells.size(); i++) {
      CellResult cell = cells.get(i);
      String number = Integer.toString(i + 1);
      names[last - i] = size.isNarrow() ? number : number + "  " + cell.policyName();
      XYIntervalSeries series = new XYIntervalSeries(i);
      double at = last - i;
      series.add(cell.all().accuracy(), cell.all().low(), cell.all().high(), at, at, at);
      points.addSeries(series);
      ink(renderer, i, ink(cell));
    }
    SymbolAxis y = new SymbolAxis(null, names);
    Chart.style(y);
    y.setGridBandsVisible(false);
    y.setTickMarksVisible(false);
    y.setRange(-0.5, last + 0.5);
    XYPlot plot = Chart.plot(Chart.shares("right answers"), y);
    plot.setRangeGridlinesVisible(false);
    plot.setDomainGridlinesVisible(true);
    plot.setDomainGridlinePaint(Ink.GRID.color());
    plot.setDomainGridlineStroke(Chart.THIN);
    plot.setDataset(points);
    plot.setRenderer(renderer);
    return plot;
  }

  private static XYErrorRenderer renderer() {
    XYErrorRenderer renderer = new XYErrorRenderer();
    renderer.setErrorStroke(Chart.THIN);
    renderer.setCapLength(0);
    return renderer;
  }

  private static void ink(XYErrorRenderer renderer, int series, Ink ink) {
    renderer.setSeriesPaint(series, ink.color());
    renderer.setSeriesShape(series, new Ellipse2D.Double(-4, -4, 8, 8));
    renderer.setSeriesStroke(series, Chart.LINE);
  }
}
