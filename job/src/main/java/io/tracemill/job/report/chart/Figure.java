package io.tracemill.job.report.chart;

import java.util.List;
import java.util.Objects;

/**
 * A chart for a page, drawn for a wide and for a narrow screen, since text in a drawing that is
 * shrunk to a phone cannot be read.
 *
 * @param wide SVG
 * @param narrow SVG
 * @param legend what its inks mean, in the order of importance; empty for a single obvious one
 */
public record Figure(String wide, String narrow, List<Key> legend) {
  public Figure {
    Objects.requireNonNull(wide, "wide");
    Objects.requireNonNull(narrow, "narrow");
    legend = List.copyOf(legend);
  }

  /** How an ink appears. */
  public enum Mark {
    LINE,
    DASHED,
    AREA
  }

  /** One entry of a legend. */
  public record Key(Ink ink, Mark mark, String label) {}
}
