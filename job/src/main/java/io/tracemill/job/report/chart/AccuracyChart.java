package io.tracemill.job.report.chart;

import io.tracemill.job.report.chart.Figure.Key;
import io.tracemill.job.report.chart.Figure.Mark;
import io.tracemill.job.report.data.Outcomes.Group;
import io.tracemill.job.report.data.Overview.Share;
import io.tracemill.job.report.data.Pairing.CompressedTimes;
import io.tracemill.job.report.data.ReportData;
import io.tracemill.job.report.data.Side;
import java.awt.geom.Ellipse2D;
import java.util.ArrayList;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import java.util.Optional;
import org.jfree.chart.axis.NumberAxis;
import org.jfree.chart.axis.NumberTickUnit;
import org.jfree.chart.axis.SymbolAxis;
import org.jfree.chart.axis.ValueAxis;
import org.jfree.chart.plot.XYPlot;
import org.jfree.chart.renderer.xy.XYErrorRenderer;
import org.jfree.data.xy.XYIntervalSeries;
import org.jfree.data.xy.XYIntervalSeriesCollection;

/** Shares of right answers with their 95 % intervals. */
public final class AccuracyChart {
  private static final int FRAME = 56;
  private static final int HEIGHT_OF_A_GROUP = 44;
  private static final int HEIGHT_BY_COMPRESSIONS = 260;
  private static final int LONGEST_NAME = 24;
  private static final int LONGEST_NAME_NARROW = 12;
  private static final double APART = 0.14;

  private AccuracyChart() {}

  /** All rows and the groups that were asked for, one line each. */
  public static Figure byGroup(ReportData data) {
    Map<String, Map<Side, Share>> lines = new LinkedHashMap<>();
    for (Group group : data.outcomes().groups()) {
      lines
          .computeIfAbsent(group.name(), name -> new LinkedHashMap<>())
          .put(group.side(), group.accuracy());
    }
    Map<Side, Share> all = new LinkedHashMap<>();
    data.run().accuracy().ifPresent(share -> all.put(Side.RUN, share));
    data.baseline()
        .flatMap(baseline -> baseline.accuracy())
        .ifPresent(share -> all.put(Side.BASELINE, share));
    lines.put("all rows", all); // The last is drawn on top.
    return Chart.figure(
        "accuracy",
        "Accuracy with 95 % intervals",
        FRAME + HEIGHT_OF_A_GROUP * lines.size(),
        legend(data),
        size -> groupPlot(lines, size));
  }

  /** The same rows in both runs, by how often the run compressed them. */
  public static Figure byCompressions(ReportData data, List<CompressedTimes> groups) {
    return Chart.figure(
        "accuracy-compressions",
        "Accuracy of both runs by how often a row was compressed",
        HEIGHT_BY_COMPRESSIONS,
        legend(data),
        size -> compressionPlot(groups));
  }

  private static List<Key> legend(ReportData data) {
    List<Key> legend = new ArrayList<>();
    if (data.baseline().isPresent()) {
      legend.add(new Key(Ink.RUN, Mark.LINE, data.label(Side.RUN)));
      legend.add(new Key(Ink.BASELINE, Mark.LINE, data.label(Side.BASELINE)));
    }
    return legend;
  }

  private static XYPlot groupPlot(Map<String, Map<Side, Share>> lines, Chart.Size size) {
    int longest = size.isNarrow() ? LONGEST_NAME_NARROW : LONGEST_NAME;
    String[] names =
        lines.keySet().stream().map(name -> shortened(name, longest)).toArray(String[]::new);
    SymbolAxis y = new SymbolAxis(null, names);
    Chart.style(y);
    y.setGridBandsVisible(false);
    y.setTickMarksVisible(false);
    y.setRange(-0.5, names.length - 0.5);
    XYPlot plot = Chart.plot(Chart.shares("right answers"), y);
    plot.setRangeGridlinesVisible(false);
    plot.setDomainGridlinesVisible(true);
    plot.setDomainGridlinePaint(Ink.GRID.color());
    plot.setDomainGridlineStroke(Chart.THIN);
    boolean two = lines.values().stream().anyMatch(sides -> sides.size() > 1);
    XYIntervalSeriesCollection series = new XYIntervalSeriesCollection();
    for (Side side : Side.values()) {
      XYIntervalSeries one = new XYIntervalSeries(side.name());
      int line = 0;
      for (Map<Side, Share> shares : lines.values()) {
        double at = line++ + (two ? (side == Side.RUN ? APART : -APART) : 0);
        Optional.ofNullable(shares.get(side))
            .ifPresent(s -> one.add(s.value(), s.low(), s.high(), at, at, at));
      }
      series.addSeries(one);
    }
    plot.setDataset(series);
    XYErrorRenderer renderer = renderer();
    renderer.setDrawYError(false);
    plot.setRenderer(renderer);
    return plot;
  }

  private static XYPlot compressionPlot(List<CompressedTimes> groups) {
    int last = groups.stream().mapToInt(CompressedTimes::times).max().orElse(0);
    boolean orMore = groups.stream().anyMatch(CompressedTimes::orMore);
    NumberAxis x = new NumberAxis("compressions of the row");
    Chart.style(x);
    x.setRange(-0.5, last + 0.5);
    x.setTickUnit(
        new NumberTickUnit(
            1,
            new NumberFormatOf(
                n -> Math.round(n) + (orMore && Math.round(n) == last ? " or more" : ""))));
    ValueAxis y = Chart.shares("right answers");
    XYPlot plot = Chart.plot(x, y);
    XYIntervalSeries run = new XYIntervalSeries("run");
    XYIntervalSeries baseline = new XYIntervalSeries("baseline");
    for (CompressedTimes group : groups) {
      addVertical(run, group.times() - APART / 2, group.run());
      addVertical(baseline, group.times() + APART / 2, group.baseline());
    }
    XYIntervalSeriesCollection series = new XYIntervalSeriesCollection();
    series.addSeries(run);
    series.addSeries(baseline);
    plot.setDataset(series);
    XYErrorRenderer renderer = renderer();
    renderer.setDrawXError(false);
    plot.setRenderer(renderer);
    return plot;
  }

  private static void addVertical(XYIntervalSeries series, double at, Share share) {
    series.add(at, at, at, share.value(), share.low(), share.high());
  }

  private static XYErrorRenderer renderer() {
    XYErrorRenderer renderer = new XYErrorRenderer();
    renderer.setErrorStroke(Chart.LINE);
    renderer.setCapLength(0);
    for (Side side : Side.values()) {
      renderer.setSeriesPaint(side.ordinal(), (side == Side.RUN ? Ink.RUN : Ink.BASELINE).color());
      renderer.setSeriesShape(side.ordinal(), new Ellipse2D.Double(-4.5, -4.5, 9, 9));
      renderer.setSeriesStroke(side.ordinal(), Chart.LINE);
    }
    return renderer;
  }

  private static String shortened(String name, int most) {
    return name.codePointCount(0, name.length()) <= most
        ? name
        : name.substring(0, name.offsetByCodePoints(0, most - 1)) + "…";
  }
}
