package io.tracemill.job.report.page;

import io.tracemill.job.report.chart.AccuracyChart;
import io.tracemill.job.report.chart.LengthRatioChart;
import io.tracemill.job.report.data.Pairing;
import io.tracemill.job.report.data.ReportData;
import io.tracemill.job.report.data.Side;
import io.tracemill.job.stats.PairedTest;
import java.util.ArrayList;
import java.util.List;

/** The run and its baseline on the same rows. */
final class CompareSection {
  private static final double SIGNIFICANT = 0.05;

  private final ReportData data;
  private final Html page;

  CompareSection(ReportData data, Html page) {
    this.data = data;
    this.page = page;
  }

  void write() {
    if (data.baseline().isEmpty()) {
      return;
    }
    Parts.section(
        page,
        "compare",
        "Against " + data.label(Side.BASELINE) + ", row by row",
        () -> {
          if (data.pairing().isEmpty()) {
            page.element(
                "p",
                "The two runs have no row in common: rows meet by key and sample.",
                "class",
                "note");
          } else {
            write(data.pairing().get());
          }
        });
  }

  private void write(Pairing pairing) {
    page.element("p", verdict(pairing), "class", "verdict");
    page.open("dl", "class", "pairs");
    pairing
        .test()
        .ifPresent(
            test ->
                fact(
                    "accuracy, difference",
                    Words.points(test.difference()) + " points",
                    "95 %% interval %s to %s; %s, %s"
                        .formatted(
                            Words.points(test.low()),
                            Words.points(test.high()),
                            Words.pValue(test.pValue()),
                            method(test.method()))));
    fact(
        "length of outputs",
        Words.factor(pairing.lengthInflation()),
        "tokens over the baseline's, in %s rows complete in both; median row %s"
            .formatted(
                Words.number(pairing.completePairs()), Words.factor(pairing.medianLengthRatio())));
    fact(
        "KV rows read",
        Words.factor(pairing.rowStepRatio()),
        "rows attended to, summed over all steps, over the baseline's");
    page.close();
    if (pairing.test().isPresent()) {
      outcomes(pairing);
    }
    if (pairing.byCompressions().size() > 1) {
      Parts.figure(
          page,
          "Right answers by how often a row was compressed",
          AccuracyChart.byCompressions(data, pairing.byCompressions()),
          "The same rows in both runs, grouped by compressions in the run. Rows that are compressed"
              + " often are long, and long rows are harder: compare the two runs at one place, not"
              + " places with each other.");
    }
    if (pairing.completePairs() > 0) {
      Parts.figure(
          page,
          "Length of a row against the baseline",
          LengthRatioChart.of(pairing),
          "Rows complete in both runs; the axis is logarithmic, bars at the ends hold all beyond.");
    }
  }

  private String verdict(Pairing pairing) {
    String unmatched =
        pairing.runOnly() + pairing.baselineOnly() == 0
            ? "all of both runs"
            : "%s ran in one of the two only"
                .formatted(Words.number(pairing.runOnly() + pairing.baselineOnly()));
    String pairs =
        "%s rows and samples ran in both (%s).".formatted(Words.number(pairing.pairs()), unmatched);
    return pairing.test().map(test -> pairs + " " + sentence(test)).orElse(pairs);
  }

  private String sentence(PairedTest test) {
    if (test.pValue() >= SIGNIFICANT) {
      return "The accuracies do not differ significantly; a difference from %s to %s points would fit the data."
          .formatted(Words.points(test.low()), Words.points(test.high()));
    }
    return "The run is significantly %s accurate than its baseline, by %s points."
        .formatted(
            test.difference() < 0 ? "less" : "more",
            Words.points(Math.abs(test.difference())).substring(1));
  }

  private static String method(PairedTest.Method method) {
    return switch (method) {
      case MC_NEMAR_EXACT -> "McNemar's exact test";
      case CLUSTERED_BY_ROW -> "z test clustered by row";
    };
  }

  private void outcomes(Pairing pairing) {
    long graded = pairing.both() + pairing.lost() + pairing.won() + pairing.neither();
    List<List<String>> rows = new ArrayList<>();
    rows.add(outcome("right in both", pairing.both(), graded));
    rows.add(outcome("only the baseline right (lost)", pairing.lost(), graded));
    rows.add(outcome("only the run right (won)", pairing.won(), graded));
    rows.add(outcome("right in neither", pairing.neither(), graded));
    Parts.table(page, List.of("the same row", "rows", "share"), rows);
  }

  private static List<String> outcome(String name, long rows, long graded) {
    return List.of(name, Words.number(rows), Words.percent((double) rows / graded));
  }

  private void fact(String name, String value, String more) {
    page.open("div").element("dt", name).element("dd", value, "class", "value");
    page.element("dd", more, "class", "more").close();
  }
}
