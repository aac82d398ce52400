package io.tracemill.udf.sql;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import java.nio.file.Path;
import java.util.List;
import org.apache.spark.sql.Row;
import org.apache.spark.sql.SaveMode;
import org.apache.spark.sql.SparkSession;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;

/**
 * Two runs of the same four prompts: "full" and "rpc". The numbers are small enough to be worked
 * out by hand.
 */
class TestTracemillViews {
  private static final String TRACES =
      """
      SELECT run_id, row_key, 0 AS sample_index, 'demo' AS model_id, status, finish_reason,
        error_class, error_message, 10 AS prompt_tokens, tokens - 5 AS thinking_tokens,
        5 AS answer_tokens, tokens AS generated_tokens,
        named_struct('name', policy, 'interval', interval, 'window', 32, 'ratio', 4, 'mode', 'paper')
          AS kv_policy,
        compressions, CAST(tokens + 10 AS BIGINT) AS kv_full_rows, peak AS kv_final_rows,
        peak AS kv_peak_rows, CAST(mean AS DOUBLE) AS kv_mean_rows,
        CAST(saved AS DOUBLE) AS kv_saved_ratio, CAST(compressions AS DOUBLE) AS compress_ms,
        CAST(100 AS DOUBLE) AS queue_ms, CAST(50 AS DOUBLE) AS prefill_ms,
        CAST(decode AS DOUBLE) AS decode_ms, CAST(NULL AS DOUBLE) AS tokens_per_second,
        TIMESTAMP '2026-01-01 00:00:00' AS finished_at, answer AS extracted_answer,
        named_struct('answer', gold) AS input
      FROM VALUES
        ('full', 'a', 'ok', 'stop', NULL, NULL, 'full', 0, 100, 0, 110L, 60, 0, 1000, '1/2', '0.5'),
        ('full', 'b', 'ok', 'stop', NULL, NULL, 'full', 0, 200, 0, 210L, 110, 0, 2000, '7', '7'),
        ('full', 'c', 'ok', 'length', NULL, NULL, 'full', 0, 700, 0, 710L, 360, 0, 7000, NULL, '9'),
        ('full', 'd', 'error', 'error', 'PROMPT_TOO_LONG', 'too long', 'full', 0, 0, 0, 0L, 0, 0, 0,
          NULL, '1'),
        ('rpc', 'a', 'ok', 'stop', NULL, NULL, 'rpc', 64, 120, 1, 80L, 50, 0.25, 900, '0.50', '0.5'),
        ('rpc', 'b', 'ok', 'stop', NULL, NULL, 'rpc', 64, 240, 3, 105L, 70, 0.5, 1500, '8', '7'),
        ('rpc', 'c', 'ok', 'loop', NULL, NULL, 'rpc', 64, 640, 9, 140L, 100, 0.75, 3600, '9', '9'),
        ('rpc', 'd', 'ok', 'stop', NULL, NULL, 'rpc', 64, 200, 2, 100L, 70, 0.5, 1000, '1', '1')
        AS t(run_id, row_key, status, finish_reason, error_class, error_message, policy, interval,
          tokens, compressions, peak, mean, saved, decode, answer, gold)
      """;

  private static final String RUNS =
      "SELECT * FROM VALUES ('full', 10.0D), ('rpc', 6.0D) AS t(run_id, seconds)";

  private SparkSession spark;

  @BeforeEach
  void tables() {
    spark = SparkSessions.get();
    spark.sql(TRACES).createOrReplaceTempView("my_traces");
    spark.sql(RUNS).createOrReplaceTempView("my_runs");
    TracemillViews.create(
        spark, new ViewSources("my_traces", "my_runs", java.util.Optional.empty()));
  }

  private List<Row> rows(String query) {
    return spark.sql(query).collectAsList();
  }

  @Test
  void throughputIsTokensOverTheRunsSeconds() {
    Row full = rows("SELECT * FROM tm_throughput WHERE run_id = 'full'").get(0);
    assertThat(full.<Long>getAs("rows")).isEqualTo(4);
    assertThat(full.<Long>getAs("generated_tokens")).isEqualTo(1000);
    assertThat(full.<Double>getAs("run_tokens_per_second")).isEqualTo(100.0);
    assertThat(full.<Double>getAs("rows_per_minute")).isEqualTo(24.0);
    assertThat(full.<Double>getAs("stream_tokens_per_second")).isEqualTo(100.0);
    assertThat(full.<Double>getAs("mean_running_rows")).isEqualTo(1.0);
    assertThat(full.<Double>getAs("queue_share")).isEqualTo(400.0 / 10_600.0);
    Row rpc = rows("SELECT * FROM tm_throughput WHERE run_id = 'rpc'").get(0);
    assertThat(rpc.<Double>getAs("run_tokens_per_second")).isEqualTo(200.0);
    assertThat(rpc.<Double>getAs("compress_share")).isEqualTo(15.0 / 7_000.0);
    assertThat(rpc.<String>getAs("kv_policy")).isEqualTo("rpc");
  }

  @Test
  void tailsAreOfRowsThatRan() {
    Row full = rows("SELECT * FROM tm_tails WHERE run_id = 'full'").get(0);
    assertThat(full.<Long>getAs("rows")).isEqualTo(3);
    assertThat(full.<Double>getAs("tokens_p50")).isEqualTo(200.0);
    assertThat(full.<Double>getAs("tokens_p90")).isEqualTo(600.0);
    assertThat(full.<Integer>getAs("tokens_max")).isEqualTo(700);
    assertThat(full.<String>getAs("longest_row")).isEqualTo("c");
    assertThat(full.<Double>getAs("max_over_median")).isEqualTo(3.5);
    assertThat(full.<Long>getAs("cut_rows")).isEqualTo(1);
    assertThat(full.<Double>getAs("incomplete_token_share")).isEqualTo(0.7);
    Row rpc = rows("SELECT * FROM tm_tails WHERE run_id = 'rpc'").get(0);
    assertThat(rpc.<Long>getAs("looped_rows")).isEqualTo(1);
  }

  @Test
  void failuresHaveTheirShareOfTheRun() {
    List<Row> failures = rows("SELECT * FROM tm_failures ORDER BY run_id, kind");
    assertThat(failures).hasSize(3);
    assertThat(failures.get(0).<String>getAs("kind")).isEqualTo("PROMPT_TOO_LONG");
    assertThat(failures.get(0).<Double>getAs("share")).isEqualTo(0.25);
    assertThat(failures.get(0).<String>getAs("example_message")).isEqualTo("too long");
    assertThat(failures.get(1).<String>getAs("kind")).isEqualTo("length");
    assertThat(failures.get(2).<String>getAs("kind")).isEqualTo("loop");
    assertThat(failures.get(2).<Long>getAs("generated_tokens")).isEqualTo(640);
  }

  @Test
  void compressionStandsBesideAccuracy() {
    Row full = rows("SELECT * FROM tm_compression_accuracy WHERE kv_policy = 'full'").get(0);
    assertThat(full.<Long>getAs("graded")).isEqualTo(3);
    assertThat(full.<Long>getAs("correct")).isEqualTo(2);
    assertThat(full.<Double>getAs("accuracy")).isEqualTo(2.0 / 3);
    assertThat(full.<Double>getAs("saved_ratio")).isEqualTo(0.0);
    assertThat(full.<Double>getAs("tokens_per_correct")).isEqualTo(500.0);
    Row rpc = rows("SELECT * FROM tm_compression_accuracy WHERE kv_policy = 'rpc'").get(0);
    assertThat(rpc.<Integer>getAs("interval")).isEqualTo(64);
    assertThat(rpc.<Long>getAs("correct")).isEqualTo(3);
    assertThat(rpc.<Double>getAs("accuracy")).isEqualTo(0.75);
    assertThat(rpc.<Double>getAs("accuracy_low")).isLessThan(0.75);
    assertThat(rpc.<Double>getAs("complete_share")).isEqualTo(0.75);
    assertThat(rpc.<Double>getAs("mean_generated_tokens")).isEqualTo(300.0);
    assertThat(rpc.<Double>getAs("saved_ratio")).isEqualTo((30 + 120 + 480 + 100) / 1200.0);
    assertThat(rpc.<Double>getAs("mean_peak_rows")).isEqualTo(106.25);
    assertThat(rpc.<Double>getAs("kv_row_steps_per_correct"))
        .isEqualTo((120 * 50 + 240 * 70 + 640 * 100 + 200 * 70) / 3.0);
  }

  @Test
  void fullAndCompressedMeetOnTheSameKeys() {
    List<Row> pairs = rows("SELECT * FROM tm_full_against_compressed ORDER BY row_key");
    assertThat(pairs)
        .extracting(row -> row.<String>getAs("row_key"))
        .containsExactly("a", "b", "c");
    assertThat(pairs)
        .extracting(row -> row.<String>getAs("outcome"))
        .containsExactly("both", "lost", "won");
    assertThat(pairs.get(0).<Boolean>getAs("same_answer")).isTrue();
    assertThat(pairs.get(1).<Boolean>getAs("same_answer")).isFalse();
    assertThat(pairs.get(1).<Double>getAs("peak_compression")).isEqualTo(2.0);
    assertThat(pairs.get(2).<Object>getAs("same_answer")).isNull();
  }

  @Test
  void withoutGoldAnswersNothingIsGradedAndTheRestStands() {
    spark.table("my_traces").drop("input").createOrReplaceTempView("ungraded");
    TracemillViews.create(
        spark, new ViewSources("ungraded", "my_runs", java.util.Optional.empty()));
    Row rpc = rows("SELECT * FROM tm_compression_accuracy WHERE kv_policy = 'rpc'").get(0);
    assertThat(rpc.<Long>getAs("graded")).isZero();
    assertThat(rpc.<Object>getAs("accuracy")).isNull();
    assertThat(rpc.<Double>getAs("mean_peak_rows")).isEqualTo(106.25);
  }

  @Test
  void goldMayBeAnyExpression() {
    TracemillViews.create(
        spark,
        new ViewSources("my_traces", "my_runs", java.util.Optional.empty())
            .gradedBy("concat('x = ', input.answer)"));
    assertThat(rows("SELECT * FROM tm_graded WHERE correct")).hasSize(5);
  }

  @Test
  void aFolderOfParquetTablesIsReadAsItIs(@TempDir Path folder) {
    spark.table("my_traces").write().mode(SaveMode.Overwrite).parquet(folder + "/traces");
    spark.table("my_runs").write().mode(SaveMode.Overwrite).parquet(folder + "/runs");
    TracemillViews.create(spark, folder.toString());
    assertThat(rows("SELECT * FROM tm_throughput")).hasSize(2);
  }

  @Test
  void aMissingFolderOrAForeignTableIsSaidInOneSentence() {
    assertThatThrownBy(() -> TracemillViews.create(spark, "/no/such/run"))
        .hasMessage(
            "There is no table at /no/such/run/traces; give the folder that the run was given as"
                + " --output.");
    assertThatThrownBy(
            () ->
                TracemillViews.create(
                    spark, new ViewSources("my_runs", "my_runs", java.util.Optional.empty())))
        .hasMessageStartingWith("The table my_runs is no traces table: it lacks row_key, ");
  }
}
