package io.tracemill.job.report;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.within;

import io.tracemill.job.JobRun;
import io.tracemill.job.report.data.ReportData;
import io.tracemill.job.report.data.ReportRequest;
import io.tracemill.job.report.data.Timeline;
import io.tracemill.job.report.page.ReportPage;
import java.io.ByteArrayInputStream;
import java.io.IOException;
import java.nio.charset.StandardCharsets;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.HashSet;
import java.util.List;
import java.util.Optional;
import java.util.Set;
import java.util.regex.Matcher;
import java.util.regex.Pattern;
import javax.xml.parsers.DocumentBuilderFactory;
import org.apache.spark.sql.SparkSession;
import org.junit.jupiter.api.BeforeAll;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;
import org.w3c.dom.Document;
import org.w3c.dom.Element;
import org.w3c.dom.NodeList;

/** The page as a whole, from tables of a fake engine whose rows were given accounts and faults. */
class TestReport {
  private static final String HOSTILE = "</pre></text><script>alert(1)</script><img src=x>";

  @TempDir private static Path folder;

  private static Path output;
  private static String page;

  /** Twelve rows that ran with RPC and again with a full cache; the first have faults. */
  @BeforeAll
  static void run() throws IOException {
    StringBuilder lines = new StringBuilder();
    for (int i = 0; i < 12; i++) {
      String name = i == 0 ? HOSTILE : "r" + i;
      lines.append(
          "{\"id\": \"%s\", \"prompt\": \"%s %d\", \"answer\": \"%d\", \"kind\": \"%s\"}\n"
              .formatted(name, HOSTILE, i, i, i % 2 == 0 ? HOSTILE : "odd"));
    }
    Path in = JobRun.file(folder, "in.jsonl", lines.toString());
    output = folder.resolve("both");
    generate(in, folder.resolve("plain/rpc"), "rpc");
    generate(in, folder.resolve("plain/full"), "full");
    copy(folder.resolve("plain/rpc"), output.resolve("rpc"), COMPRESSED);
    copy(folder.resolve("plain/full"), output.resolve("full"), FULL);
    Path file = folder.resolve("new/report.html");
    JobRun report =
        JobRun.of(
            "report",
            "--output",
            output.toString(),
            "--group-by",
            "input.kind",
            "--to",
            file.toString());
    assertThat(report.exitCode()).as(report.output()).isZero();
    assertThat(report.output()).contains("Report: " + file);
    page = Files.readString(file);
  }

  /** 1000 tokens after a prompt of 50; two compressions of 500 rows; half of the answers right. */
  private static final String COMPRESSED =
      """
      SELECT * EXCEPT (status, finish_reason, error_class, error_message, prompt_tokens,
          generated_tokens, compressions, kv_full_rows, kv_peak_rows, kv_mean_rows, kv_saved_ratio,
          compression_events, extracted_answer, queue_ms, prefill_ms, decode_ms, trace),
        CASE WHEN row_key = 'r1' THEN 'error' ELSE 'ok' END AS status,
        CASE row_key WHEN 'r2' THEN 'loop' WHEN 'r3' THEN 'length' WHEN 'r1' THEN 'error'
          ELSE 'stop' END AS finish_reason,
        CASE WHEN row_key = 'r1' THEN 'PROMPT_TOO_LONG' END AS error_class,
        CASE WHEN row_key = 'r1' THEN '<b>too long</b>' END AS error_message,
        50 AS prompt_tokens, 1000 AS generated_tokens, 2 AS compressions,
        1049L AS kv_full_rows, 600L AS kv_peak_rows, 400D AS kv_mean_rows, 0.3D AS kv_saved_ratio,
        from_json('[{"step":400,"rows_before":450,"rows_after":250},
          {"step":800,"rows_before":650,"rows_after":350}]',
          'array<struct<step:int,rows_before:int,rows_after:int,candidates:int,retained:int,'
          || 'score_cut:float,millis:float>>') AS compression_events,
        CASE WHEN row_key IN ('r5', 'r7', 'r9', 'r11') THEN input.answer ELSE 'wrong' END
          AS extracted_answer,
        10D AS queue_ms, 10D AS prefill_ms, 5000D AS decode_ms,
        concat('%s', repeat('<i>so</i> ', 1000), 'end') AS trace
      FROM plain
      """
          .formatted(HOSTILE);

  private static final String FULL =
      """
      SELECT * EXCEPT (prompt_tokens, generated_tokens, kv_full_rows, kv_peak_rows, kv_mean_rows,
          kv_saved_ratio, extracted_answer, queue_ms, prefill_ms, decode_ms),
        50 AS prompt_tokens, 500 AS generated_tokens, 549L AS kv_full_rows, 549L AS kv_peak_rows,
        300D AS kv_mean_rows, 0D AS kv_saved_ratio, input.answer AS extracted_answer,
        10D AS queue_ms, 10D AS prefill_ms, 2500D AS decode_ms
      FROM plain
      """;

  private static void generate(Path in, Path out, String policy) {
    JobRun run = JobRun.run(in, out, "--kv-policy", policy);
    assertThat(run.exitCode()).as(run.output()).isZero();
  }

  private static void copy(Path from, Path to, String query) {
    JobRun.traces(from).createOrReplaceTempView("plain");
    JobRun.spark().sql(query).write().format("delta").save(to.resolve("traces").toString());
    JobRun.runs(from).createOrReplaceTempView("plain_runs");
    JobRun.spark().sql(TIMED).write().format("delta").save(to.resolve("runs").toString());
  }

  /** Two executors of 4 slots each that report every four seconds, in turn. */
  private static final String TIMED =
      """
      SELECT * EXCEPT (timeline),
        transform(sequence(1, 6), i -> named_struct(
          'at', started_at + make_dt_interval(0, 0, 0, 2 * i), 'executor_id', string(i % 2),
          'slots_used', 3D, 'slots', 4, 'waiting', 1L, 'kv_pages_used', 10L, 'kv_pages', 20L,
          'tokens_per_second', 100D)) AS timeline
      FROM plain_runs
      """;

  @Test
  void nothingOfTheTextsIsMarkup() {
    assertThat(page).doesNotContain("<script", "<img", "<b>too", "<i>so", "</pre></text>");
    assertThat(page)
        .contains(
            "&lt;script&gt;alert(1)&lt;/script&gt;&lt;img src=x&gt; 0",
            "&lt;b&gt;too long&lt;/b&gt;",
            "characters left out");
  }

  @Test
  void nothingIsFetchedAndNothingRuns() {
    String links = page.replace("http://www.w3.org/", "").replace("url(#", "");
    assertThat(links).doesNotContain("http:", "https:", "url(", "@import", "<link", "javascript:");
    assertThat(links).doesNotContainPattern("<[a-z]+[^>]* (src|href|on[a-z]+)=");
    assertThat(page).contains("default-src &#39;none&#39;");
  }

  @Test
  void everyDrawingIsWellFormedAndIdsAreUnique() throws Exception {
    Matcher drawings = Pattern.compile("<svg.*?</svg>", Pattern.DOTALL).matcher(page);
    Set<String> ids = new HashSet<>();
    int found = 0;
    while (drawings.find()) {
      found++;
      Document drawing =
          DocumentBuilderFactory.newInstance()
              .newDocumentBuilder()
              .parse(new ByteArrayInputStream(drawings.group().getBytes(StandardCharsets.UTF_8)));
      assertThat(drawing.getDocumentElement().getAttribute("aria-label")).isNotBlank();
      NodeList all = drawing.getElementsByTagName("*");
      for (int i = 0; i < all.getLength(); i++) {
        String id = ((Element) all.item(i)).getAttribute("id");
        assertThat(id.isEmpty() || ids.add(id)).as(id).isTrue();
      }
      assertThat(drawings.group()).contains("class=\"ink-");
    }
    // Accuracy, by compressions, length ratio, lengths, KV rows and time; each wide and narrow.
    assertThat(found).isEqualTo(page.contains("accuracy-compressions-w") ? 12 : 10);
  }

  @Test
  void theFiguresAreThoseOfTheTables() {
    // 11 rows ran; r5, r7, r9 and r11 are right, and all 11 with the full cache.
    assertThat(tile("right answers")).contains("36 %", "4 of 11", "full cache: <b>100 %</b>");
    assertThat(tile("complete outputs")).contains("75 %", "1 failed, 2 cut off or looping");
    assertThat(tile("KV rows saved")).contains("30 %");
    assertThat(text("compare"))
        .contains("11 rows and samples ran in both (1 ran in one of the two only).")
        .contains("significantly less accurate than its baseline, by 63.6 points")
        .contains("p = 0.016, McNemar's exact test")
        .contains("2.00× tokens over the baseline's, in 9 rows complete in both");
    assertThat(text("failures"))
        .contains("PROMPT_TOO_LONG 1 row (8.3 %)", "loop 1 row", "length 1 row");
    assertThat(text("worst")).contains("failed r1", "looped r2", "cut off r3", "lost ");
    assertThat(text("answers")).contains("By input.kind.", "stopped while repeating itself");
  }

  /** The words of a tile of the summary, with the baseline's mark-up. */
  private static String tile(String name) {
    Matcher tile =
        Pattern.compile(
                "<div class=\"name\">" + name + "</div>(.*?)</div>\\s*</div>", Pattern.DOTALL)
            .matcher(page);
    assertThat(tile.find()).as(name).isTrue();
    return tile.group(1);
  }

  /** The words of a section. */
  private static String text(String id) {
    Matcher section =
        Pattern.compile("<section id=\"" + id + "\">(.*?)</section>", Pattern.DOTALL).matcher(page);
    assertThat(section.find()).as(id).isTrue();
    return section
        .group(1)
        .replaceAll("<svg.*?</svg>|<[^>]+>", " ")
        .replace("&#39;", "'")
        .replaceAll("\\s+", " ");
  }

  @Test
  void whatEnginesReportedIsSummedOverExecutors() {
    Timeline timeline = read(output.resolve("full")).timeline();
    assertThat(timeline.source()).isEqualTo(Timeline.Source.ENGINES);
    List<Timeline.Point> middle =
        timeline.points().stream().filter(p -> p.seconds() > 1 && p.seconds() < 9).toList();
    assertThat(middle).hasSizeGreaterThan(50);
    for (Timeline.Point point : middle) {
      assertThat(point.running()).isEqualTo(6);
      assertThat(point.slots()).isEqualTo(8);
      assertThat(point.tokensPerSecond()).isEqualTo(200);
      assertThat(point.kvShare()).isEqualTo(0.5);
    }
    assertThat(text("time")).contains("As the engines reported", "slots");
  }

  @Test
  void aRunWithoutATimelineIsDerivedFromItsRowsAndAloneHasNoComparison() {
    Path old = folder.resolve("old");
    JobRun.traces(output.resolve("full"))
        .write()
        .format("delta")
        .save(old.resolve("traces").toString());
    JobRun.runs(output.resolve("full"))
        .drop("timeline")
        .write()
        .format("delta")
        .save(old.resolve("runs").toString());
    ReportData data = read(old);
    assertThat(data.timeline().source()).isEqualTo(Timeline.Source.ROWS);
    double tokens =
        data.timeline().points().stream()
            .mapToDouble(p -> p.tokensPerSecond() * data.timeline().intervalSeconds())
            .sum();
    assertThat(tokens).isCloseTo(12 * 500, within(1e-6));
    assertThat(ReportPage.of(data))
        .contains("full cache</h1>", "Derived from the rows")
        .doesNotContain("id=\"compare\"");
  }

  private static ReportData read(Path folder) {
    SparkSession session = JobRun.spark().newSession();
    session.conf().set("spark.sql.datetime.java8API.enabled", "true");
    return ReportData.read(
        session,
        new ReportRequest(
            folder.toString(), Optional.empty(), List.of(), Optional.empty(), Optional.empty()));
  }

  @Test
  void wrongRequestsGetOneSentence() {
    String run = JobRun.runs(output.resolve("rpc")).select("run_id").head().getString(0);
    List<String> said = new ArrayList<>();
    for (String[] args :
        new String[][] {
          {"--runs", "nope"},
          {"--runs", run + "," + run},
          {"--runs", "a,b,c"},
          {"--runs", run, "--compare", "x"},
          {"--gold", "input.nope"},
          {"--group-by", "no such thing"}
        }) {
      List<String> all = new ArrayList<>(List.of("report", "--output", output.toString()));
      all.addAll(List.of(args));
      JobRun report = JobRun.of(all.toArray(String[]::new));
      assertThat(report.exitCode()).as(report.output()).isEqualTo(2);
      assertThat(report.output().strip().lines()).as(report.output()).hasSize(1);
      said.add(report.output());
    }
    assertThat(said.get(0)).contains("--runs nope names not exactly one run of");
    assertThat(said.get(1)).contains("names one run twice");
    assertThat(said.get(2)).contains("--runs is a,b,c; it must be one or two run ids.");
    assertThat(said.get(3)).contains("--compare and --runs exclude each other");
    assertThat(said.get(4)).contains("--gold input.nope does not fit the traces table");
    assertThat(said.get(5)).contains("--group-by no such thing does not fit the traces table");

    JobRun none = JobRun.of("report", "--output", folder.resolve("new").toString());
    assertThat(none.output()).contains("holds no tables of Tracemill");
  }
}
