package io.tracemill.job;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.within;

import io.tracemill.job.output.TableViews;
import io.tracemill.udf.ReasoningEngines;
import java.nio.file.Path;
import java.util.List;
import java.util.regex.Matcher;
import java.util.regex.Pattern;
import org.apache.spark.sql.Row;
import org.apache.spark.sql.SparkSession;
import org.junit.jupiter.api.AfterAll;
import org.junit.jupiter.api.BeforeAll;
import org.junit.jupiter.api.Tag;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;

/** What the demo prints, against its tables: fewer prompts, else the command as it is. */
@Tag("model")
class TestDemoTables {
  private static final int EVERY = 28;
  private static final int PROMPTS = 8;
  private static final List<String> POLICIES = List.of("rpc", "sinks-window", "full");

  @TempDir private static Path folder;

  private static JobRun demo;
  private static SparkSession spark;

  @BeforeAll
  static void run() {
    System.setProperty("tracemill.home", "..");
    demo =
        JobRun.with(
            ReasoningEngines.INSTANCE,
            "demo",
            "--every",
            Integer.toString(EVERY),
            "--tables",
            folder.resolve("demo").toString());
    assertThat(demo.exitCode()).as(demo.output()).isZero();
    spark = JobRun.spark();
    TableViews.register(spark, folder.resolve("demo").toString());
  }

  @AfterAll
  static void forget() {
    System.clearProperty("tracemill.home");
  }

  @Test
  void accuracyInSqlIsWhatTheDemoPrints() {
    Matcher printed =
        Pattern.compile(
                "right answers" + " +(\\d+) of (\\d+) \\((\\d+) %\\)".repeat(POLICIES.size()))
            .matcher(demo.output());
    assertThat(printed.find()).as(demo.output()).isTrue();
    for (int i = 0; i < POLICIES.size(); i++) {
      long right = Long.parseLong(printed.group(3 * i + 1));
      long rows = Long.parseLong(printed.group(3 * i + 2));
      assertThat(rows).isEqualTo(PROMPTS);
      Row view =
          spark
              .sql(
                  "SELECT correct, graded, accuracy FROM tm_compression_accuracy WHERE kv_policy = '%s'"
                      .formatted(POLICIES.get(i)))
              .head();
      assertThat(view.getLong(0)).isEqualTo(right);
      assertThat(view.getLong(1)).isEqualTo(rows);
      assertThat(view.getDouble(2)).isEqualTo((double) right / rows);
      assertThat(Math.round(100 * view.getDouble(2)))
          .isEqualTo(Long.parseLong(printed.group(3 * i + 3)));
      // The demo's answers are whole numbers: plain equality of texts must say the same.
      Row plain =
          spark
              .sql(
                  "SELECT count_if(extracted_answer = input.answer) FROM traces WHERE kv_policy.name = '%s'"
                      .formatted(POLICIES.get(i)))
              .head();
      assertThat(plain.getLong(0)).isEqualTo(right);
    }
    Path tables = folder.resolve("demo");
    assertThat(demo.output())
        .contains(
            "bin/tracemill report --output %s/rpc --compare %s/full".formatted(tables, tables));
  }

  @Test
  void everyViewAnswersOverRealTables() {
    assertThat(count("tm_graded")).isEqualTo(3 * PROMPTS);
    assertThat(count("tm_throughput")).isEqualTo(3);
    assertThat(count("tm_tails")).isEqualTo(3);
    assertThat(count("tm_compression_accuracy")).isEqualTo(3);
    assertThat(count("tm_full_against_compressed")).isEqualTo(2 * PROMPTS);
    assertThat(count("tm_failures"))
        .isEqualTo(
            spark
                .sql("SELECT DISTINCT run_id, finish_reason FROM tm_graded WHERE NOT complete")
                .count());
    Row pairs =
        spark
            .sql(
                "SELECT count_if(full_correct IS NULL OR compressed_correct IS NULL),"
                    + " count_if(peak_compression < 1), max(saved_ratio) FROM tm_full_against_compressed")
            .head();
    assertThat(pairs.getLong(0)).isZero();
    assertThat(pairs.getDouble(2)).as("saved by the row compressed most").isPositive();
    Row speed =
        spark
            .sql(
                "SELECT min(run_tokens_per_second), max(queue_share), max(mean_running_rows) FROM tm_throughput")
            .head();
    assertThat(speed.getDouble(0)).isPositive();
    assertThat(speed.getDouble(1)).isBetween(0.0, 1.0);
    assertThat(speed.getDouble(2)).isBetween(0.0, 32.0);
  }

  /** The report draws KV rows from events; their mean must be the one that the engine counted. */
  @Test
  void rowsOfEveryStepFollowFromTheEvents() {
    List<Row> rows =
        spark
            .sql(
                """
                SELECT t.row_key, any_value(t.kv_mean_rows), avg(t.prompt_tokens + step - aggregate(
                  filter(t.compression_events, e -> e.step < step), 0,
                  (removed, e) -> removed + e.rows_before - e.rows_after))
                FROM traces t LATERAL VIEW explode(sequence(1, t.generated_tokens - 1)) s AS step
                WHERE t.compressions > 0
                GROUP BY t.run_id, t.row_key
                """)
            .collectAsList();
    assertThat(rows).isNotEmpty();
    for (Row row : rows) {
      assertThat(row.getDouble(2)).as(row.getString(0)).isCloseTo(row.getDouble(1), within(1e-6));
    }
  }

  @Test
  void theReportOfTheDemoComparesRpcWithTheFullCache() {
    Path file = folder.resolve("report.html");
    JobRun report =
        JobRun.of(
            "report",
            "--output",
            folder.resolve("demo/rpc").toString(),
            "--compare",
            folder.resolve("demo/full").toString(),
            "--to",
            file.toString());
    assertThat(report.exitCode()).as(report.output()).isZero();
    assertThat(file)
        .content()
        .contains(
            "RPC (P 640, R 64, c 10) against full cache",
            PROMPTS + " rows and samples ran in both");
  }

  private static long count(String view) {
    return spark.table(view).collectAsList().size();
  }
}
