package io.tracemill.job.report.page;

import io.tracemill.job.report.chart.Figure;
import io.tracemill.job.report.chart.Ink;
import io.tracemill.job.report.data.Side;
import java.util.List;
import java.util.Locale;

/** Building blocks of the page: headings, figures, tables with bars. */
final class Parts {
  private Parts() {}

  static void section(Html page, String id, String title, Runnable content) {
    page.open("section", "id", id).element("h2", title);
    content.run();
    page.close();
  }

  /** A drawing with what it shows above and what to know about it below. */
  static void figure(Html page, String title, Figure figure, String caption) {
    page.open("figure");
    page.element("h3", title);
    if (!figure.legend().isEmpty()) {
      page.open("ul", "class", "legend");
      for (Figure.Key key : figure.legend()) {
        page.open("li");
        page.element(
            "i",
            "",
            "class",
            "key " + key.mark().name().toLowerCase(Locale.ROOT) + " " + key.ink().cssName());
        page.element("span", key.label()).close();
      }
      page.close();
    }
    page.open("div", "class", "wide").drawing(figure.wide()).close();
    page.open("div", "class", "narrow").drawing(figure.narrow()).close();
    page.element("figcaption", caption).close();
  }

  /** A table; the first column to the left, the others right. */
  static void table(Html page, List<String> head, List<List<String>> rows) {
    page.open("div", "class", "scroll").open("table").open("thead").open("tr");
    head.forEach(cell -> page.element("th", cell, "scope", "col"));
    page.close().close().open("tbody");
    for (List<String> row : rows) {
      page.open("tr");
      for (int i = 0; i < row.size(); i++) {
        if (i == 0) {
          page.element("th", row.get(i), "scope", "row");
        } else {
          page.element("td", row.get(i));
        }
      }
      page.close();
    }
    page.close().close().close();
  }

  /** A bar of a share of a cell's width. */
  static void bar(Html page, Side side, double share) {
    Ink ink = side == Side.RUN ? Ink.RUN : Ink.BASELINE;
    page.open("td", "class", "bar");
    page.element(
        "i",
        "",
        "class",
        ink.cssName(),
        "style",
        String.format(Locale.ROOT, "width:%.1f%%", 100 * Math.max(0, Math.min(1, share))));
    page.close();
  }
}
