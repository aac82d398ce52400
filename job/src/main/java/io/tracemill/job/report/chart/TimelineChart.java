package io.tracemill.job.report.chart;

import io.tracemill.job.report.chart.Figure.Key;
import io.tracemill.job.report.chart.Figure.Mark;
import io.tracemill.job.report.data.ReportData;
import io.tracemill.job.report.data.Side;
import io.tracemill.job.report.data.Timeline.Point;
import java.util.ArrayList;
import java.util.List;
import java.util.function.ToDoubleFunction;
import org.jfree.chart.axis.NumberAxis;
import org.jfree.chart.plot.CombinedDomainXYPlot;
import org.jfree.chart.plot.XYPlot;
import org.jfree.chart.renderer.xy.XYLineAndShapeRenderer;
import org.jfree.data.xy.XYSeries;
import org.jfree.data.xy.XYSeriesCollection;

/** How busy a run was over its time: tokens a second, rows that ran at once, KV pages in use. */
public final class TimelineChart {
  private static final int HEIGHT_OF_A_PLOT = 170;
  private static final double MINUTES_FROM_SECONDS = 600;
  private static final double HOURS_FROM_SECONDS = 4 * 3600;

  private TimelineChart() {}

  /** Draws. */
  public static Figure of(ReportData data) {
    List<Key> legend = new ArrayList<>();
    legend.add(new Key(Ink.RUN, Mark.LINE, data.label(Side.RUN)));
    if (data.baseline().isPresent()) {
      legend.add(new Key(Ink.BASELINE, Mark.LINE, data.label(Side.BASELINE)));
    }
    boolean slots = points(data).stream().anyMatch(point -> point.slots() > 0);
    if (slots) {
      legend.add(new Key(Ink.REFERENCE, Mark.DASHED, "slots"));
    }
    boolean pages = points(data).stream().anyMatch(point -> point.kvShare() >= 0);
    return Chart.figure(
        "timeline",
        "Tokens a second and rows that ran at once, over the time of the run",
        HEIGHT_OF_A_PLOT * (pages ? 3 : 2) + 40,
        legend,
        size -> plot(data, slots, pages, size));
  }

  private static List<Point> points(ReportData data) {
    return data.timeline().points();
  }

  private static CombinedDomainXYPlot plot(
      ReportData data, boolean slots, boolean pages, Chart.Size size) {
    double longest = points(data).stream().mapToDouble(Point::seconds).max().orElse(0);
    double unit = longest > HOURS_FROM_SECONDS ? 3600 : longest > MINUTES_FROM_SECONDS ? 60 : 1;
    String name = unit == 3600 ? "hours" : unit == 60 ? "minutes" : "seconds";
    CombinedDomainXYPlot plot =
        new CombinedDomainXYPlot(Chart.counts(name + " since the run began"));
    plot.setGap(14);
    plot.add(lines(data, unit, Chart.counts("tokens/s"), Point::tokensPerSecond));
    XYPlot running =
        lines(
            data,
            unit,
            Chart.counts(size.isNarrow() ? "rows at once" : "rows decoding at once"),
            Point::running);
    if (slots) {
      addSlots(data, unit, running);
    }
    plot.add(running);
    if (pages) {
      plot.add(lines(data, unit, Chart.shares("KV pages used"), Point::kvShare));
    }
    return plot;
  }

  private static XYPlot lines(
      ReportData data, double unit, NumberAxis y, ToDoubleFunction<Point> value) {
    XYPlot plot = Chart.plot(null, y);
    XYSeriesCollection series = new XYSeriesCollection();
    XYLineAndShapeRenderer renderer = renderer();
    // The baseline first, so that the run lies over it.
    for (Side side : List.of(Side.BASELINE, Side.RUN)) {
      XYSeries one = series(data, side, unit, value);
      if (one.getItemCount() > 0) {
        int index = series.getSeriesCount();
        renderer.setSeriesPaint(index, (side == Side.RUN ? Ink.RUN : Ink.BASELINE).color());
        renderer.setSeriesStroke(index, Chart.LINE);
        series.addSeries(one);
      }
    }
    plot.setDataset(series);
    plot.setRenderer(renderer);
    return plot;
  }

  private static void addSlots(ReportData data, double unit, XYPlot plot) {
    XYLineAndShapeRenderer renderer = renderer();
    renderer.setSeriesPaint(0, Ink.REFERENCE.color());
    renderer.setSeriesStroke(0, Chart.DASHED);
    plot.setDataset(1, new XYSeriesCollection(series(data, Side.RUN, unit, Point::slots)));
    plot.setRenderer(1, renderer);
  }

  private static XYLineAndShapeRenderer renderer() {
    XYLineAndShapeRenderer renderer = new XYLineAndShapeRenderer(true, false);
    renderer.setDrawSeriesLineAsPath(true);
    return renderer;
  }

  private static XYSeries series(
      ReportData data, Side side, double unit, ToDoubleFunction<Point> value) {
    XYSeries series = new XYSeries(side.name());
    for (Point point : points(data)) {
      double y = value.applyAsDouble(point);
      if (point.side() == side && !Double.isNaN(y)) {
        series.add(point.seconds() / unit, y);
      }
    }
    return series;
  }
}
