package io.tracemill.job.report.page;

import io.tracemill.job.report.chart.KvLifeChart;
import io.tracemill.job.report.chart.LengthChart;
import io.tracemill.job.report.chart.TimelineChart;
import io.tracemill.job.report.data.Overview;
import io.tracemill.job.report.data.Overview.Quantiles;
import io.tracemill.job.report.data.ReportData;
import io.tracemill.job.report.data.Side;
import io.tracemill.job.report.data.SlowRow;
import io.tracemill.job.report.data.Timeline.Source;
import java.util.ArrayList;
import java.util.List;
import java.util.Locale;
import java.util.function.Function;

/** The shape of a run: lengths, the KV cache, time, tails. */
final class ShapeSections {
  private final ReportData data;
  private final Html page;

  ShapeSections(ReportData data, Html page) {
    this.data = data;
    this.page = page;
  }

  /** Lengths of outputs. */
  void lengths() {
    Parts.section(
        page,
        "lengths",
        "Length of outputs",
        () -> {
          Parts.figure(
              page,
              "Generated tokens of a row",
              LengthChart.of(data),
              "Bins of %s tokens; rows that failed are left out."
                  .formatted(Words.number(data.lengths().binTokens())));
          List<List<String>> rows = new ArrayList<>();
          sides((label, overview) -> rows.add(quantiles(label, overview.tokens(), Words::number)));
          Parts.table(page, List.of("tokens of a row", "median", "90 %", "99 %", "longest"), rows);
        });
  }

  /** What the cache held. */
  void kvCache() {
    Parts.section(
        page,
        "kv",
        "KV cache",
        () -> {
          String sample =
              data.kvLife().sampledOneIn() > 1
                  ? " From every %s. row.".formatted(Words.number(data.kvLife().sampledOneIn()))
                  : "";
          Parts.figure(
              page,
              "Rows that a trace holds while it grows",
              KvLifeChart.of(data),
              "At each step: traces that had not ended by then, so the right end stands on the few"
                  + " longest. A row is one token's key and value in one layer; the prompt's rows"
                  + " are always kept."
                  + sample);
          List<List<String>> rows = new ArrayList<>();
          sides(
              (label, o) ->
                  rows.add(
                      List.of(
                          label,
                          Words.percent(o.savedShare()),
                          Words.number(o.meanPeakRows()),
                          Words.number(o.meanFullRows()),
                          Words.bytes(o.meanPeakBytes()),
                          Words.bytes(o.maxPeakBytes()),
                          Words.number(o.compressions()))));
          Parts.table(
              page,
              List.of(
                  "",
                  "rows saved",
                  "peak rows, mean",
                  "full cache, mean",
                  "peak bytes, mean",
                  "largest trace",
                  "compressions"),
              rows);
          page.element(
              "p",
              "Rows saved: of all KV rows that the steps of these traces would have read from a"
                  + " full cache, the share that was not there to be read. Means are over traces;"
                  + " the full cache is the same traces' length, not another run's.",
              "class",
              "note");
        });
  }

  /** Throughput and slots. */
  void time() {
    Parts.section(
        page,
        "time",
        "Over time",
        () ->
            Parts.figure(
                page,
                "How busy the engines were",
                TimelineChart.of(data),
                (data.timeline().source() == Source.ENGINES
                        ? "As the engines reported, means over intervals of %s."
                        : "Derived from the rows, since their runs table has no timeline: each row's"
                            + " tokens are spread evenly over the time in which it decoded, in"
                            + " intervals of %s. Waiting rows and free slots are not known.")
                    .formatted(interval())));
  }

  private String interval() {
    double seconds = data.timeline().intervalSeconds();
    return seconds < 10 ? String.format(Locale.ROOT, "%.1f s", seconds) : Words.seconds(seconds);
  }

  /** What took longest. */
  void tails() {
    Parts.section(
        page,
        "tails",
        "Tails",
        () -> {
          Quantiles tokens = data.run().tokens();
          page.element(
              "p",
              "The longest row has %s times the median's tokens; the slowest decoded for %s, the median row for %s."
                  .formatted(
                      String.format(Locale.ROOT, "%.1f", tokens.max() / tokens.p50()),
                      Words.seconds(data.run().decodeSeconds().max()),
                      Words.seconds(data.run().decodeSeconds().p50())));
          List<List<String>> rows = new ArrayList<>();
          for (SlowRow row : data.slowRows()) {
            rows.add(
                List.of(
                    row.rowKey(),
                    Words.number(row.generatedTokens()),
                    Words.percent(row.share()),
                    Words.seconds(row.decodeSeconds()),
                    Words.seconds(row.queueSeconds()),
                    Words.number(row.compressions()),
                    row.finishReason()));
          }
          page.element("h3", "Slowest rows");
          Parts.table(
              page,
              List.of(
                  "row", "tokens", "of all tokens", "decoding", "waiting", "compressions", "ended"),
              rows);
        });
  }

  private static List<String> quantiles(
      String label, Quantiles values, Function<Double, String> words) {
    return List.of(
        label,
        words.apply(values.p50()),
        words.apply(values.p90()),
        words.apply(values.p99()),
        words.apply(values.max()));
  }

  private interface OfSide {
    void accept(String label, Overview overview);
  }

  private void sides(OfSide each) {
    each.accept(data.label(Side.RUN), data.run());
    data.baseline().ifPresent(overview -> each.accept(data.label(Side.BASELINE), overview));
  }
}
