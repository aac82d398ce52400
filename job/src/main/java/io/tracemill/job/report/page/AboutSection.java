package io.tracemill.job.report.page;

import io.tracemill.job.report.data.ReportData;
import io.tracemill.job.report.data.Side;
import io.tracemill.job.report.data.Subject;
import java.util.ArrayList;
import java.util.List;
import java.util.TreeSet;

/** Which runs the page is about and what they were told to do. */
final class AboutSection {
  private final ReportData data;
  private final Html page;

  AboutSection(ReportData data, Html page) {
    this.data = data;
    this.page = page;
  }

  void write() {
    Parts.section(
        page,
        "about",
        "About this page",
        () -> {
          List<String> head = new ArrayList<>(List.of(""));
          data.subjects()
              .forEach(
                  subject -> head.add(data.label(Side.values()[data.subjects().indexOf(subject)])));
          List<List<String>> rows = new ArrayList<>();
          rows.add(row("tables", subject -> subject.tables().folder()));
          rows.add(row("run ids", subject -> String.join(", ", subject.runIds())));
          rows.add(row("model", Subject::modelId));
          rows.add(row("engine", Subject::engine));
          rows.add(row("started", s -> s.startedAt().map(Words::time).orElse("not ended")));
          rows.add(row("whole time", s -> s.seconds() > 0 ? Words.seconds(s.seconds()) : "–"));
          page.open("div", "class", "long");
          Parts.table(page, head, rows);
          page.close();
          settings(head);
          page.element(
              "p",
              "All figures are queries over the tables traces and runs; this page holds aggregates"
                  + " and the excerpts shown above. It loads nothing and runs no script.",
              "class",
              "note");
        });
  }

  private void settings(List<String> head) {
    TreeSet<String> keys = new TreeSet<>();
    data.subjects().forEach(subject -> keys.addAll(subject.settings().keySet()));
    if (keys.isEmpty()) {
      return;
    }
    List<List<String>> rows = new ArrayList<>();
    for (String key : keys) {
      rows.add(row(key, subject -> subject.settings().getOrDefault(key, "–")));
    }
    page.open("details", "class", "long").element("summary", "Settings in force");
    Parts.table(page, head, rows);
    page.close();
  }

  private interface OfSubject {
    String value(Subject subject);
  }

  private List<String> row(String name, OfSubject value) {
    List<String> row = new ArrayList<>(List.of(name));
    data.subjects().forEach(subject -> row.add(value.value(subject)));
    return row;
  }
}
