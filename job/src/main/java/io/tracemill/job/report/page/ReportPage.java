package io.tracemill.job.report.page;

import io.tracemill.job.error.Counted;
import io.tracemill.job.report.data.Overview;
import io.tracemill.job.report.data.ReportData;
import io.tracemill.job.report.data.Side;
import io.tracemill.job.report.data.Subject;
import java.io.IOException;
import java.io.InputStream;
import java.io.UncheckedIOException;
import java.nio.charset.StandardCharsets;
import java.util.Optional;
import java.util.function.Function;

/** The page as a whole: head, summary, sections in order. */
public final class ReportPage {
  /** Even if something in a text were markup after all, nothing would run or be fetched. */
  private static final String CONTENT_POLICY =
      "default-src 'none'; style-src 'unsafe-inline'; base-uri 'none'; form-action 'none'";

  private final ReportData data;
  private final Html page = new Html();

  private ReportPage(ReportData data) {
    this.data = data;
  }

  /** The page as HTML. */
  public static String of(ReportData data) {
    return new ReportPage(data).write();
  }

  private String write() {
    page.open("html", "lang", "en").open("head");
    page.empty("meta", "charset", "utf-8");
    page.empty("meta", "http-equiv", "Content-Security-Policy", "content", CONTENT_POLICY);
    page.empty("meta", "name", "viewport", "content", "width=device-width, initial-scale=1");
    page.empty("meta", "name", "color-scheme", "content", "light dark");
    page.element("title", "Tracemill: " + title());
    page.style(css());
    page.close().open("body").open("main");
    header();
    summary();
    new EvaluationSection(data, page).write();
    OutcomeSections outcomes = new OutcomeSections(data, page);
    outcomes.answers();
    new CompareSection(data, page).write();
    ShapeSections shape = new ShapeSections(data, page);
    shape.lengths();
    shape.kvCache();
    shape.time();
    shape.tails();
    outcomes.failures();
    new WorstRowsSection(data, page).write();
    new AboutSection(data, page).write();
    page.close().close().close();
    return page.toString();
  }

  private String title() {
    String run = data.label(Side.RUN);
    return data.subjects().size() > 1 ? run + " against " + data.label(Side.BASELINE) : run;
  }

  private void header() {
    Subject run = data.subjects().get(0);
    page.open("header");
    page.element("p", "Tracemill report", "class", "kind");
    page.element("h1", title());
    page.open("p", "class", "facts");
    page.text(Counted.of(data.run().rows(), "row") + " of ");
    page.element("b", modelName(run.modelId()));
    if (!run.engine().isEmpty()) {
      page.text(" · " + run.engine());
    }
    run.startedAt().ifPresent(at -> page.text(" · " + Words.time(at)));
    page.close().close();
  }

  /** Without the hash behind it. */
  static String modelName(String modelId) {
    int at = modelId.lastIndexOf('@');
    return at > 0 ? modelId.substring(0, at) : modelId;
  }

  private void summary() {
    Overview run = data.run();
    page.open("section", "class", "tiles", "aria-label", "Summary");
    run.accuracy()
        .ifPresent(
            share ->
                tile(
                    "right answers",
                    Words.percent(share.value()),
                    "%s of %s; %s"
                        .formatted(
                            Words.number(share.hits()),
                            Words.number(share.trials()),
                            Words.interval(share)),
                    o -> o.accuracy().map(s -> Words.percent(s.value())).orElse("–")));
    tile(
        "complete outputs",
        Words.percent((double) run.complete() / run.rows()),
        "%s failed, %s cut off or looping"
            .formatted(
                Words.number(run.failed()),
                Words.number(run.rows() - run.failed() - run.complete())),
        o -> Words.percent((double) o.complete() / o.rows()));
    tile(
        "generated",
        Words.number(run.tokensPerSecond()) + " tokens/s",
        "%s tokens in %s"
            .formatted(Words.number(run.generatedTokens()), Words.seconds(run.generatingSeconds())),
        o -> Words.number(o.tokensPerSecond()) + " tokens/s");
    tile(
        "KV rows saved",
        Words.percent(run.savedShare()),
        "of what the same traces would have read from a full cache",
        o -> Words.percent(o.savedShare()));
    tile(
        "peak KV of a trace, mean",
        Words.bytes(run.meanPeakBytes()),
        "a full cache of the same traces: " + Words.bytes(run.meanFullBytes()),
        o -> Words.bytes(o.meanPeakBytes()));
    tile(
        "median output",
        Words.number(run.tokens().p50()) + " tokens",
        "1 in 100 is longer than " + Words.number(run.tokens().p99()),
        o -> Words.number(o.tokens().p50()) + " tokens");
    page.close();
  }

  private void tile(
      String name, String value, String more, Function<Overview, String> baselineValue) {
    page.open("div", "class", "tile");
    page.element("div", name, "class", "name");
    page.element("div", value, "class", "value");
    page.element("div", more, "class", "more");
    Optional<Overview> baseline = data.baseline();
    if (baseline.isPresent()) {
      page.open("div", "class", "base");
      page.text(data.label(Side.BASELINE) + ": ");
      page.element("b", baselineValue.apply(baseline.get())).close();
    }
    page.close();
  }

  private static String css() {
    try (InputStream in = ReportPage.class.getResourceAsStream("report.css")) {
      return new String(in.readAllBytes(), StandardCharsets.UTF_8);
    } catch (IOException e) {
      throw new UncheckedIOException("the style sheet is in the jar", e);
    }
  }
}
