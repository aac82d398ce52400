package io.tracemill.job.report.chart;

import io.tracemill.job.report.chart.Figure.Key;
import io.tracemill.job.report.chart.Figure.Mark;
import io.tracemill.job.report.data.KvLife.Point;
import io.tracemill.job.report.data.ReportData;
import io.tracemill.job.report.data.Side;
import java.util.ArrayList;
import java.util.List;
import java.util.function.ToDoubleFunction;
import org.jfree.chart.plot.XYPlot;
import org.jfree.chart.renderer.xy.DeviationRenderer;
import org.jfree.data.xy.YIntervalSeries;
import org.jfree.data.xy.YIntervalSeriesCollection;

/** KV rows of a trace while it grows: the run with its spread, and what they are compared with. */
public final class KvLifeChart {
  private static final int HEIGHT = 320;

  private KvLifeChart() {}

  /** Draws. */
  public static Figure of(ReportData data) {
    List<Key> legend = new ArrayList<>();
    legend.add(new Key(Ink.RUN, Mark.LINE, data.label(Side.RUN) + ", mean"));
    legend.add(new Key(Ink.RUN, Mark.AREA, "middle 80 % of traces"));
    if (showsReference(data)) {
      legend.add(new Key(Ink.REFERENCE, Mark.DASHED, "the same traces with a full cache"));
    }
    if (data.baseline().isPresent()) {
      legend.add(new Key(Ink.BASELINE, Mark.LINE, data.label(Side.BASELINE) + ", mean"));
    }
    return Chart.figure(
        "kv-life",
        "KV rows of a trace against tokens generated so far",
        HEIGHT,
        legend,
        size -> plot(data));
  }

  /** Where the run was compressed and no real full cache is there to compare with. */
  private static boolean showsReference(ReportData data) {
    boolean compressed = data.run().compressions() > 0;
    boolean realFull = data.subjects().size() > 1 && data.subjects().get(1).isFullCache();
    return compressed && !realFull;
  }

  private static XYPlot plot(ReportData data) {
    XYPlot plot =
        Chart.plot(
            Chart.counts("tokens generated so far"), Chart.counts("KV rows held (per layer)"));
    YIntervalSeriesCollection series = new YIntervalSeriesCollection();
    DeviationRenderer renderer = new DeviationRenderer(true, false);
    renderer.setAlpha(0.22f);
    List<Point> run = of(data, Side.RUN);
    add(series, renderer, "run", run, Point::mean, Point::low, Point::high, Ink.RUN);
    if (showsReference(data)) {
      add(series, renderer, "full", run, Point::full, Point::full, Point::full, Ink.REFERENCE);
      renderer.setSeriesStroke(series.getSeriesCount() - 1, Chart.DASHED);
    }
    List<Point> baseline = of(data, Side.BASELINE);
    if (!baseline.isEmpty()) {
      add(
          series,
          renderer,
          "baseline",
          baseline,
          Point::mean,
          Point::mean,
          Point::mean,
          Ink.BASELINE);
    }
    plot.setDataset(series);
    plot.setRenderer(renderer);
    return plot;
  }

  private static List<Point> of(ReportData data, Side side) {
    return data.kvLife().points().stream().filter(point -> point.side() == side).toList();
  }

  private static void add(
      YIntervalSeriesCollection all,
      DeviationRenderer renderer,
      String name,
      List<Point> points,
      ToDoubleFunction<Point> middle,
      ToDoubleFunction<Point> low,
      ToDoubleFunction<Point> high,
      Ink ink) {
    YIntervalSeries series = new YIntervalSeries(name);
    for (Point point : points) {
      series.add(
          point.step(),
          middle.applyAsDouble(point),
          low.applyAsDouble(point),
          high.applyAsDouble(point));
    }
    int index = all.getSeriesCount();
    all.addSeries(series);
    renderer.setSeriesPaint(index, ink.color());
    renderer.setSeriesFillPaint(index, ink.color());
    renderer.setSeriesStroke(index, Chart.LINE);
  }
}
