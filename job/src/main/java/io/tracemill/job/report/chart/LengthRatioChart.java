package io.tracemill.job.report.chart;

import io.tracemill.job.report.data.Pairing;
import io.tracemill.job.report.data.Pairing.RatioBin;
import java.util.List;
import org.jfree.chart.axis.NumberAxis;
import org.jfree.chart.axis.NumberTickUnit;
import org.jfree.chart.plot.ValueMarker;
import org.jfree.chart.plot.XYPlot;
import org.jfree.chart.renderer.xy.StandardXYBarPainter;
import org.jfree.chart.renderer.xy.XYBarRenderer;
import org.jfree.chart.ui.Layer;
import org.jfree.data.xy.XYBarDataset;
import org.jfree.data.xy.XYSeries;
import org.jfree.data.xy.XYSeriesCollection;

/** How much longer or shorter rows are than in the baseline. */
public final class LengthRatioChart {
  private static final int HEIGHT = 230;
  private static final double BIN = 0.25;

  private LengthRatioChart() {}

  /** Draws. */
  public static Figure of(Pairing pairing) {
    return Chart.figure(
        "length-ratio",
        "Rows by their length over their length in the baseline",
        HEIGHT,
        List.of(),
        size -> plot(pairing.ratios()));
  }

  private static XYPlot plot(List<RatioBin> bins) {
    double furthest =
        Math.max(
            1, Math.ceil(bins.stream().mapToDouble(bin -> Math.abs(bin.log2())).max().orElse(1)));
    NumberAxis x = new NumberAxis("length compared with the baseline");
    Chart.style(x);
    x.setRange(-furthest - BIN, furthest + BIN);
    x.setTickUnit(new NumberTickUnit(1, new NumberFormatOf(LengthRatioChart::factor)));
    XYPlot plot = Chart.plot(x, Chart.counts("rows"));
    XYSeries series = new XYSeries("rows");
    bins.forEach(bin -> series.add(bin.log2(), bin.pairs()));
    plot.setDataset(new XYBarDataset(new XYSeriesCollection(series), BIN));
    XYBarRenderer renderer = new XYBarRenderer(0.06);
    renderer.setBarPainter(new StandardXYBarPainter());
    renderer.setShadowVisible(false);
    renderer.setSeriesPaint(0, Ink.RUN.color());
    plot.setRenderer(renderer);
    ValueMarker same = new ValueMarker(0, Ink.TEXT.color(), Chart.THIN);
    same.setAlpha(1);
    plot.addDomainMarker(same, Layer.FOREGROUND);
    return plot;
  }

  private static String factor(double log2) {
    long power = Math.round(log2);
    return power == 0 ? "same" : power > 0 ? "×" + (1L << power) : "1/" + (1L << -power);
  }
}
