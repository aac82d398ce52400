package io.tracemill.job.report.page;

import io.tracemill.job.error.Counted;
import io.tracemill.job.report.chart.AccuracyChart;
import io.tracemill.job.report.data.Outcomes.Failure;
import io.tracemill.job.report.data.Outcomes.Finish;
import io.tracemill.job.report.data.ReportData;
import io.tracemill.job.report.data.Side;
import java.util.List;
import java.util.Map;

/** How rows ended: right answers, finish reasons, failures. */
final class OutcomeSections {
  private static final Map<String, String> REASONS =
      Map.of(
          "stop", "the model ended it",
          "stop_string", "a stop text ended it",
          "length", "cut at the token budget",
          "context", "cut at the context limit",
          "loop", "stopped while repeating itself",
          "cancelled", "cancelled",
          "error", "failed");

  private static final String REASON = "finish reason";

  private final ReportData data;
  private final Html page;

  OutcomeSections(ReportData data, Html page) {
    this.data = data;
    this.page = page;
  }

  /** Accuracy and finish reasons. */
  void answers() {
    Parts.section(
        page,
        "answers",
        "What came out",
        () -> {
          if (data.isGraded()) {
            Parts.figure(page, "Right answers", AccuracyChart.byGroup(data), accuracyCaption());
          } else {
            page.element(
                "p",
                "Nothing is graded: the rows carry no gold answer. Name a column that holds it"
                    + " with --gold, for instance --gold input.solution.",
                "class",
                "note");
          }
          finishReasons();
        });
  }

  private String accuracyCaption() {
    String grouped =
        data.request()
            .groupBy()
            .map(by -> " By " + by + (data.outcomes().groups().isEmpty() ? ": no groups." : "."))
            .orElse("");
    return "Share of rows whose extracted answer equals the gold answer as mathematics, with"
        + " Wilson's 95 % interval. Rows that were cut off have no answer and count as wrong; rows"
        + " that failed are left out."
        + grouped;
  }

  private void finishReasons() {
    page.element("h3", "How outputs ended");
    page.open("div", "class", "scroll").open("table").open("thead").open("tr");
    List<String> head =
        data.subjects().size() > 1
            ? List.of("run", REASON, "rows", "share", "", "tokens")
            : List.of(REASON, "rows", "share", "", "tokens");
    head.forEach(
        cell ->
            page.element(
                "th",
                cell,
                "scope",
                "col",
                "class",
                cell.equals(REASON) ? "words" : cell.isEmpty() ? "filler" : "count"));
    page.close().close().open("tbody");
    for (Finish finish : data.outcomes().finishes()) {
      page.open("tr");
      if (data.subjects().size() > 1) {
        page.element("th", data.label(finish.side()), "scope", "row");
      }
      page.open("td", "class", "words");
      page.element("code", finish.reason());
      page.text(" " + REASONS.getOrDefault(finish.reason(), "")).close();
      page.element("td", Words.number(finish.rows()));
      page.element("td", Words.percent(finish.share()));
      Parts.bar(page, finish.side(), finish.share());
      page.element("td", Words.number(finish.tokens()));
      page.close();
    }
    page.close().close().close();
  }

  /** Failures by class. */
  void failures() {
    Parts.section(
        page,
        "failures",
        "Failures",
        () -> {
          List<Failure> failures = data.outcomes().failures();
          if (failures.isEmpty()) {
            page.element("p", "None: every row has a complete output.");
            return;
          }
          page.element(
              "p",
              "Rows without a complete output, by error class or finish reason. Their tokens were"
                  + " generated in vain: "
                  + Words.percent(data.run().incompleteTokenShare())
                  + " of the run's.");
          failures.forEach(this::failure);
        });
  }

  private void failure(Failure failure) {
    page.open("div", "class", "failure " + (failure.side() == Side.RUN ? "of-run" : "of-baseline"));
    page.open("p");
    page.element("code", failure.kind());
    page.text(
        " %s (%s)%s · %s tokens · for instance "
            .formatted(
                Counted.of(failure.rows(), "row"),
                Words.percent(failure.share()),
                data.subjects().size() > 1 ? " of " + data.label(failure.side()) : "",
                Words.number(failure.tokens())));
    page.element("code", failure.example()).close();
    failure.message().ifPresent(message -> page.element("p", message, "class", "message"));
    page.close();
  }
}
