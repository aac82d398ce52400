package io.tracemill.job.report.chart;

import io.tracemill.job.report.chart.Figure.Key;
import io.tracemill.job.report.chart.Figure.Mark;
import io.tracemill.job.report.data.Lengths;
import io.tracemill.job.report.data.Lengths.Bin;
import io.tracemill.job.report.data.ReportData;
import io.tracemill.job.report.data.Side;
import java.util.ArrayList;
import java.util.List;
import org.jfree.chart.axis.NumberAxis;
import org.jfree.chart.plot.XYPlot;
import org.jfree.chart.renderer.xy.StackedXYBarRenderer;
import org.jfree.chart.renderer.xy.StandardXYBarPainter;
import org.jfree.chart.renderer.xy.XYStepRenderer;
import org.jfree.data.xy.DefaultTableXYDataset;
import org.jfree.data.xy.XYSeries;
import org.jfree.data.xy.XYSeriesCollection;

/** Lengths of outputs: the run as bars, its baseline as an outline. */
public final class LengthChart {
  private static final int HEIGHT = 260;

  private LengthChart() {}

  /** Draws. */
  public static Figure of(ReportData data) {
    List<Key> legend = new ArrayList<>();
    legend.add(new Key(Ink.RUN, Mark.AREA, data.label(Side.RUN)));
    if (data.lengths().bins().stream().anyMatch(bin -> bin.side() == Side.RUN && bin.cut() > 0)) {
      legend.add(new Key(Ink.CUT, Mark.AREA, "of these, not complete"));
    }
    if (data.baseline().isPresent()) {
      legend.add(new Key(Ink.BASELINE, Mark.LINE, data.label(Side.BASELINE)));
    }
    return Chart.figure(
        "lengths",
        "Histogram of generated tokens of a row",
        HEIGHT,
        legend,
        size -> plot(data.lengths()));
  }

  private static XYPlot plot(Lengths lengths) {
    NumberAxis x = Chart.counts("generated tokens");
    NumberAxis y = Chart.counts("rows");
    XYPlot plot = Chart.plot(x, y);
    DefaultTableXYDataset bars = new DefaultTableXYDataset();
    bars.setIntervalWidth(lengths.binTokens());
    XYSeries complete = new XYSeries("complete", true, false);
    XYSeries cut = new XYSeries("cut", true, false);
    XYSeries outline = new XYSeries("baseline", true, true);
    double middle = lengths.binTokens() / 2.0;
    for (Bin bin : lengths.bins()) {
      if (bin.side() == Side.RUN) {
        complete.add(bin.from() + middle, bin.complete());
        cut.add(bin.from() + middle, bin.cut());
      }
    }
    addOutline(lengths, outline);
    bars.addSeries(complete);
    bars.addSeries(cut);
    StackedXYBarRenderer renderer = new StackedXYBarRenderer(0.06);
    renderer.setBarPainter(new StandardXYBarPainter());
    renderer.setShadowVisible(false);
    renderer.setSeriesPaint(0, Ink.RUN.color());
    renderer.setSeriesPaint(1, Ink.CUT.color());
    plot.setDataset(1, bars);
    plot.setRenderer(1, renderer);
    if (outline.getItemCount() > 0) {
      XYStepRenderer steps = new XYStepRenderer();
      steps.setSeriesPaint(0, Ink.BASELINE.color());
      steps.setSeriesStroke(0, Chart.LINE);
      steps.setDefaultShapesVisible(false);
      plot.setDataset(0, new XYSeriesCollection(outline));
      plot.setRenderer(0, steps);
    }
    return plot;
  }

  /** Every bin up to the last with its count at its left end, then 0. */
  private static void addOutline(Lengths lengths, XYSeries outline) {
    long width = lengths.binTokens();
    List<Bin> bins = lengths.bins().stream().filter(bin -> bin.side() == Side.BASELINE).toList();
    if (bins.isEmpty()) {
      return;
    }
    long last = bins.get(bins.size() - 1).from();
    outline.add(0, 0);
    for (long from = 0; from <= last; from += width) {
      long start = from;
      outline.add(
          from,
          bins.stream()
              .filter(bin -> bin.from() == start)
              .mapToLong(bin -> bin.complete() + bin.cut())
              .sum());
    }
    outline.add(last + width, 0);
  }
}
