package io.tracemill.job.report.page;

import io.tracemill.job.report.data.ReportData;
import io.tracemill.job.report.data.WorstRow;

/** Rows that went wrong, to be unfolded. */
final class WorstRowsSection {
  private final ReportData data;
  private final Html page;

  WorstRowsSection(ReportData data, Html page) {
    this.data = data;
    this.page = page;
  }

  void write() {
    Parts.section(
        page,
        "worst",
        "Worst rows",
        () -> {
          if (data.worstRows().isEmpty()) {
            page.element("p", data.isGraded() ? "None: all is right." : "None: all are complete.");
            return;
          }
          page.element(
              "p",
              "The three longest of each kind; unfold one to read its prompt and output."
                  + (data.baseline().isPresent()
                      ? " Lost: wrong where the baseline is right."
                      : ""));
          data.worstRows().forEach(this::row);
        });
  }

  private void row(WorstRow row) {
    page.open("details").open("summary");
    page.element("span", kind(row.kind()), "class", "tag");
    page.element("code", row.rowKey());
    page.element(
        "span",
        "%s tokens, %s compressions, %s%s"
            .formatted(
                Words.number(row.generatedTokens()),
                Words.number(row.compressions()),
                row.finishReason(),
                row.gold()
                    .map(
                        gold ->
                            "; answer %s, right is %s".formatted(row.answer().orElse("none"), gold))
                    .orElse("")),
        "class",
        "what");
    page.close();
    row.error().ifPresent(error -> page.element("p", error, "class", "message"));
    page.element("h4", "Prompt").element("pre", row.prompt());
    if (!row.head().isEmpty()) {
      page.element("h4", "Output").open("pre").text(row.head());
      if (!row.tail().isEmpty()) {
        page.element(
            "span",
            " … %s characters left out … ".formatted(Words.number(row.omittedCharacters())),
            "class",
            "gap");
        page.text(row.tail());
      }
      page.close();
    }
    page.close();
  }

  private static String kind(WorstRow.Kind kind) {
    return switch (kind) {
      case ERROR -> "failed";
      case LOOP -> "looped";
      case CUT -> "cut off";
      case LOST -> "lost";
      case WRONG -> "wrong";
    };
  }
}
