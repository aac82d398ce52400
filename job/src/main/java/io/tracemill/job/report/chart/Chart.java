package io.tracemill.job.report.chart;

import java.awt.BasicStroke;
import java.awt.Dimension;
import java.awt.Font;
import java.awt.Stroke;
import java.text.NumberFormat;
import java.util.List;
import java.util.Locale;
import java.util.function.Function;
import org.jfree.chart.JFreeChart;
import org.jfree.chart.axis.NumberAxis;
import org.jfree.chart.axis.NumberTickUnit;
import org.jfree.chart.axis.TickUnits;
import org.jfree.chart.axis.ValueAxis;
import org.jfree.chart.plot.Plot;
import org.jfree.chart.plot.XYPlot;
import org.jfree.chart.text.TextUtils;
import org.jfree.chart.ui.RectangleInsets;

/** What all charts share: sizes, fonts, axes and lines. */
final class Chart {
  /** Size of all text, in pixels of the drawing. */
  static final float FONT_POINTS = 12;

  static final Stroke LINE = new BasicStroke(2f, BasicStroke.CAP_ROUND, BasicStroke.JOIN_ROUND);
  static final Stroke THIN = new BasicStroke(1f);
  static final Stroke DASHED =
      new BasicStroke(
          1.75f, BasicStroke.CAP_BUTT, BasicStroke.JOIN_ROUND, 1f, new float[] {6, 4}, 0);

  private static final double MARGIN_OF_SHARES = 0.035;
  private static final int WIDE = 840;
  private static final int NARROW = 380;
  private static final Font FONT = new Font(Font.SANS_SERIF, Font.PLAIN, (int) FONT_POINTS);

  static {
    // Else turned text becomes outlines, which no reader can read or select.
    TextUtils.setUseDrawRotatedStringWorkaround(false);
  }

  private Chart() {}

  /** How large a chart is drawn. */
  enum Size {
    WIDE_SCREEN(WIDE, 1),
    NARROW_SCREEN(NARROW, 0.92);

    private final int width;
    private final double heightFactor;

    Size(int width, double heightFactor) {
      this.width = width;
      this.heightFactor = heightFactor;
    }

    Dimension of(int height) {
      return new Dimension(width, (int) Math.round(height * heightFactor));
    }

    boolean isNarrow() {
      return this == NARROW_SCREEN;
    }
  }

  /**
   * Draws a plot for both screens.
   *
   * @param plot makes the plot anew for a size
   */
  static Figure figure(
      String name,
      String description,
      int height,
      List<Figure.Key> legend,
      Function<Size, Plot> plot) {
    return new Figure(
        svg(plot.apply(Size.WIDE_SCREEN), Size.WIDE_SCREEN.of(height), name + "-w", description),
        svg(
            plot.apply(Size.NARROW_SCREEN),
            Size.NARROW_SCREEN.of(height),
            name + "-n",
            description),
        legend);
  }

  private static String svg(Plot plot, Dimension size, String name, String description) {
    plot.setBackgroundPaint(null);
    plot.setOutlineVisible(false);
    plot.setInsets(new RectangleInsets(4, 2, 2, 14));
    JFreeChart chart = new JFreeChart(null, FONT, plot, false);
    chart.setBackgroundPaint(null);
    chart.setBorderVisible(false);
    chart.setPadding(RectangleInsets.ZERO_INSETS);
    return SvgWriter.write(chart, size, name, description);
  }

  /** A plot without data. */
  static XYPlot plot(ValueAxis x, ValueAxis y) {
    XYPlot plot = new XYPlot(null, x, y, null);
    plot.setBackgroundPaint(null);
    plot.setOutlineVisible(false);
    plot.setDomainGridlinesVisible(false);
    plot.setRangeGridlinePaint(Ink.GRID.color());
    plot.setRangeGridlineStroke(THIN);
    plot.setAxisOffset(RectangleInsets.ZERO_INSETS);
    return plot;
  }

  /** An axis of counts, from 0. */
  static NumberAxis counts(String label) {
    NumberAxis axis = new NumberAxis(label);
    style(axis);
    axis.setAutoRangeIncludesZero(true);
    axis.setStandardTickUnits(countUnits());
    return axis;
  }

  /** An axis of shares from 0 to 1, labelled in percent. */
  static NumberAxis shares(String label) {
    NumberAxis axis = new NumberAxis(label);
    style(axis);
    axis.setRange(-MARGIN_OF_SHARES, 1 + MARGIN_OF_SHARES); // Room for marks at both ends.
    axis.setTickUnit(
        new NumberTickUnit(0.25, new NumberFormatOf(share -> Math.round(100 * share) + " %")));
    return axis;
  }

  /** Fonts and lines of an axis. */
  static void style(ValueAxis axis) {
    axis.setLabelFont(FONT);
    axis.setTickLabelFont(FONT);
    axis.setLabelPaint(Ink.TEXT.color());
    axis.setTickLabelPaint(Ink.TEXT.color());
    axis.setAxisLinePaint(Ink.AXIS.color());
    axis.setAxisLineStroke(THIN);
    axis.setTickMarkPaint(Ink.AXIS.color());
    axis.setTickMarkStroke(THIN);
    axis.setLabelInsets(new RectangleInsets(4, 4, 4, 4));
    axis.setUpperMargin(0.04);
    axis.setLowerMargin(0);
  }

  private static TickUnits countUnits() {
    TickUnits units = new TickUnits();
    NumberFormat whole = NumberFormat.getIntegerInstance(Locale.ROOT);
    NumberFormat thousands =
        new NumberFormatOf(
            value -> NumberFormat.getIntegerInstance(Locale.ROOT).format(value / 1e3) + " k");
    NumberFormat millions =
        new NumberFormatOf(
            value -> NumberFormat.getInstance(Locale.ROOT).format(value / 1e6) + " M");
    for (double decade = 1; decade <= 1e9; decade *= 10) {
      for (double digit : new double[] {1, 2, 5}) {
        double unit = digit * decade;
        NumberFormat format = unit >= 1e6 ? millions : unit >= 5_000 ? thousands : whole;
        units.add(new NumberTickUnit(unit, format));
      }
    }
    return units;
  }
}
