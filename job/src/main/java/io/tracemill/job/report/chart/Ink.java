package io.tracemill.job.report.chart;

import java.awt.Color;
import java.util.Arrays;
import java.util.Optional;

/**
 * What a colour of a chart stands for. Charts are drawn with the colours here, which are then
 * replaced by classes, so that a page shows them in its light, dark or printed form. The pairs that
 * meet in a chart can be told apart with any kind of colour vision (Okabe and Ito's palette).
 */
public enum Ink {
  /** The run. */
  RUN(0, 114, 178),
  /** Its baseline. */
  BASELINE(213, 94, 0),
  /** What was computed and did not happen. */
  REFERENCE(119, 119, 119),
  /** Rows that did not complete. */
  CUT(204, 121, 167),
  /** Words and numbers. */
  TEXT(34, 34, 34),
  /** Axes. */
  AXIS(136, 136, 136),
  /** Grid. */
  GRID(221, 221, 221);

  private final Color color;

  Ink(int red, int green, int blue) {
    this.color = new Color(red, green, blue);
  }

  Color color() {
    return color;
  }

  /** The style sheet's name for it. */
  public String cssName() {
    return "ink-" + name().toLowerCase(java.util.Locale.ROOT);
  }

  /** The ink of a colour as SVG writes it. */
  static Optional<Ink> ofSvg(String value) {
    return Arrays.stream(values()).filter(ink -> ink.svg().equals(value)).findFirst();
  }

  private String svg() {
    return "rgb(%d,%d,%d)".formatted(color.getRed(), color.getGreen(), color.getBlue());
  }
}
