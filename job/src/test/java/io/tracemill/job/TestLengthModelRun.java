package io.tracemill.job;

import static org.assertj.core.api.Assertions.assertThat;

import io.tracemill.udf.FakeEngine;
import io.tracemill.udf.ml.length.TraceLengthEstimator;
import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.Collections;
import java.util.List;
import java.util.Map;
import org.apache.spark.sql.Dataset;
import org.apache.spark.sql.Row;
import org.apache.spark.sql.functions;
import org.junit.jupiter.api.AfterAll;
import org.junit.jupiter.api.BeforeAll;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.TestInstance;
import org.junit.jupiter.api.io.TempDir;

/** Length models from their training to what they change in a run, and what they do not. */
@TestInstance(TestInstance.Lifecycle.PER_CLASS)
class TestLengthModelRun {
  private static final int ROWS = 90;
  private static final String[] OWN_BUDGETS = {"--parameter-column", "max-new-tokens=budget"};

  @TempDir private static Path folder;
  private Path trained;
  private JobRun training;

  /** Every row runs to its own budget, and its prompt tells how long that is. */
  private Path prompts(Path in, int rows) {
    StringBuilder lines = new StringBuilder();
    for (int i = 0; i < rows; i++) {
      int parts = 1 + i * 7 % 30;
      lines.append(
          "{\"id\": \"r%02d\", \"prompt\": \"Add%s.\", \"budget\": %d}\n"
              .formatted(i, " " + "1 + ".repeat(parts) + i, 12 * parts));
    }
    return JobRun.file(in, "in-" + rows + ".jsonl", lines.toString());
  }

  private static JobRun run(Path in, Path out, String... more) {
    List<String> options = new ArrayList<>(List.of(OWN_BUDGETS));
    options.addAll(List.of(more));
    return JobRun.with(
        new FakeEngine.Opener(0, 0, 0, ""),
        JobRun.arguments(in, out, options.toArray(String[]::new)));
  }

  @BeforeAll
  void train() {
    trained = folder.resolve("trained");
    assertThat(run(prompts(folder, ROWS), trained).exitCode()).isZero();
    training = JobRun.of("lengths", "--output", trained.toString());
    assertThat(training.exitCode()).as(training.output()).isZero();
  }

  @AfterAll
  void close() {
    io.tracemill.udf.EngineHolder.closeIdle();
  }

  @Test
  void trainingSaysWhatItIsWorthAndLeavesTheModelBesideTheTraces() {
    assertThat(training.output())
        .containsPattern("learner +loss at 10 % +50 % +90 % +mean loss +less than for all alike")
        .containsPattern("one prediction for all +0\\.\\d{4} .* -\n")
        .containsPattern("linear +0\\.\\d{4} .* [5-9]\\d %\n")
        .containsPattern("Kept: (linear|aft|gbt); totals of prompts that it had not seen were")
        .endsWith("Length model: " + trained.resolve("length-model") + "\n");
    assertThat(trained.resolve("length-model/metadata")).isDirectory();
    assertThat(trained.resolve("length-model.part")).doesNotExist();
    Row first = JobRun.traces(trained).selectExpr("count(*)", "count(predicted_tokens)").head();
    assertThat(first.mkString(" ")).as("no model was there yet").isEqualTo(ROWS + " 0");
  }

  @Test
  void rowsStartLongestFirstAndSayWhatWasPredicted() {
    Path out = folder.resolve("longest-first");
    JobRun run =
        run(
            prompts(folder, ROWS),
            out,
            "--slots=1",
            "--partitions=1",
            "--length-model=" + trained.resolve("length-model"));
    assertThat(run.exitCode()).as(run.output()).isZero();
    assertThat(run.output())
        .contains("Length model: " + trained.resolve("length-model") + " (")
        .doesNotContain("was made from traces of");
    // With one slot rows are written in the order in which they started.
    List<Double> predicted =
        JobRun.traces(out).select("predicted_tokens").collectAsList().stream()
            .map(row -> row.getDouble(0))
            .toList();
    assertThat(predicted).hasSize(ROWS).isSortedAccordingTo(Collections.reverseOrder());
    Row fit =
        JobRun.traces(out)
            .selectExpr(
                "corr(ln(predicted_tokens), ln(generated_tokens))",
                "avg(if(generated_tokens <= predicted_tokens, 1, 0))")
            .head();
    assertThat(fit.getDouble(0)).isGreaterThan(0.9);
    assertThat(fit.getDouble(1)).as("share below the median").isBetween(0.25, 0.75);
  }

  @Test
  void aModelChangesNoTextAndARunGoesOnWithOneThatBeganWithout() {
    Path out = folder.resolve("resumed");
    assertThat(run(prompts(folder, 40), out, "--length-model=none").exitCode()).isZero();
    copy(trained.resolve("length-model"), out.resolve("length-model"));
    JobRun second = run(prompts(folder, ROWS), out, "--wave-rows=20", "--partitions=3");
    assertThat(second.exitCode()).as(second.output()).isZero();
    assertThat(second.output()).contains("; 40 were done before").contains("Length model: ");

    String[] made = {"row_key", "trace", "request_hash", "generated_tokens"};
    assertThat(rows(JobRun.traces(out), made)).isEqualTo(rows(JobRun.traces(trained), made));
    Row counts = JobRun.traces(out).selectExpr("count(*)", "count(predicted_tokens)").head();
    assertThat(counts.mkString(" ")).isEqualTo(ROWS + " " + (ROWS - 40));
    List<Row> runs =
        JobRun.runs(out).orderBy("started_at").select("fingerprint", "settings").collectAsList();
    assertThat(runs).hasSize(2);
    assertThat(runs.get(0).getString(0)).isEqualTo(runs.get(1).getString(0));
    Map<String, String> without = runs.get(0).getJavaMap(1);
    Map<String, String> with = runs.get(1).getJavaMap(1);
    assertThat(without)
        .containsEntry("length-model", "none")
        .doesNotContainKey("length-model-hash");
    assertThat(with).containsEntry("length-model", out.resolve("length-model").toString());
    assertThat(with.get("length-model-hash")).matches("[0-9a-f]{12}");
  }

  @Test
  void conversationsArePredictedFromWhatTheTracesHold() {
    StringBuilder lines = new StringBuilder();
    for (int i = 0; i < 6; i++) {
      lines.append(
          "{\"id\": %d, \"messages\": [{\"role\": \"user\", \"content\": \"Add %s1\"}]}\n"
              .formatted(i, "1 + ".repeat(1 + 5 * i)));
    }
    Path out = folder.resolve("turns");
    JobRun run =
        JobRun.run(
            JobRun.file(folder, "turns.jsonl", lines.toString()),
            out,
            "--slots=1",
            "--partitions=1",
            "--length-model=" + trained.resolve("length-model"));
    assertThat(run.exitCode()).as(run.output()).isZero();
    assertThat(
            JobRun.traces(out).select("row_key").collectAsList().stream()
                .map(row -> row.getString(0)))
        .containsExactly("5", "4", "3", "2", "1", "0");
  }

  @Test
  void aModelOfAnotherLanguageModelIsUsedWithAWarningAndABrokenOneIsOneSentence()
      throws IOException {
    Path other = folder.resolve("other-model");
    new TraceLengthEstimator()
        .setLearners(new String[] {"linear"})
        .setFolds(2)
        .fit(JobRun.traces(trained).withColumn("model_id", functions.lit("large@0123456789ab")))
        .write()
        .overwrite()
        .save(other.toString());
    String warning =
        "The length model " + other + " was made from traces of large@0123456789ab, and this run's";
    Path in = prompts(folder, 40);
    JobRun run = run(in, folder.resolve("warned"), "--length-model=" + other);
    assertThat(run.exitCode()).as(run.output()).isZero();
    assertThat(run.output()).contains(warning);

    String[] preflight =
        JobRun.arguments(in, folder.resolve("none"), "--length-model=" + other, "--slots=4");
    preflight[0] = "preflight";
    JobRun before = JobRun.with(new FakeEngine.Opener(1, 9, 0, ""), preflight);
    assertThat(before.exitCode()).as(before.output()).isZero();
    assertThat(before.output())
        .contains("Length model: " + other + " (linear)\n")
        .contains("warning: " + warning)
        .containsPattern("Estimate for 40 rows on 1 engine: [\\d,]+ to [\\d,]+ tokens");

    Path broken = folder.resolve("broken");
    copy(other, broken);
    try (var parts = Files.list(broken.resolve("metadata"))) {
      for (Path part :
          parts.filter(file -> file.getFileName().toString().startsWith("part")).toList()) {
        Files.writeString(part, "{}");
      }
    }
    try (var sums = Files.list(broken.resolve("metadata"))) {
      for (Path sum :
          sums.filter(file -> file.getFileName().toString().endsWith(".crc")).toList()) {
        Files.delete(sum);
      }
    }
    JobRun refused = run(in, folder.resolve("refused"), "--length-model=" + broken);
    assertThat(refused.exitCode()).isEqualTo(2);
    assertThat(refused.output().strip())
        .startsWith("tracemill: --length-model " + broken + " is no length model (")
        .endsWith("); train one with tracemill lengths, or give none.")
        .hasLineCount(1);
    assertThat(folder.resolve("refused")).doesNotExist();
  }

  @Test
  void tooFewTracesAreOneSentence() {
    Path out = folder.resolve("few");
    assertThat(run(prompts(folder, 5), out).exitCode()).isZero();
    JobRun few = JobRun.of("lengths", "--output", out.toString());
    assertThat(few.exitCode()).isEqualTo(2);
    assertThat(few.output().strip())
        .isEqualTo(
            "tracemill: --output "
                + out
                + ": A length model needs at least 20 traces of 10 prompts; the table has 5 of 5.");
  }

  private static List<String> rows(Dataset<Row> traces, String... columns) {
    return traces.selectExpr(columns).orderBy("row_key").collectAsList().stream()
        .map(row -> row.mkString("|"))
        .toList();
  }

  private static void copy(Path from, Path to) {
    try (var files = Files.walk(from)) {
      for (Path file : files.toList()) {
        Files.copy(file, to.resolve(from.relativize(file).toString()));
      }
    } catch (IOException e) {
      throw new java.io.UncheckedIOException(e);
    }
  }
}
