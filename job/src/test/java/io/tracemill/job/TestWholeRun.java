package io.tracemill.job;

import static org.assertj.core.api.Assertions.assertThat;

import io.tracemill.udf.FakeEngine;
import java.nio.file.Path;
import java.util.concurrent.CompletableFuture;
import java.util.concurrent.TimeUnit;
import java.util.stream.Collectors;
import java.util.stream.IntStream;
import org.apache.spark.sql.Row;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;

/** Counts, engines and ends of a run. */
class TestWholeRun {
  @TempDir private Path folder;

  private Path prompts(int rows) {
    return JobRun.file(
        folder,
        "in.jsonl",
        IntStream.range(0, rows)
            .mapToObj("{\"id\": %1$d, \"prompt\": \"prompt %1$d\"}\n"::formatted)
            .collect(Collectors.joining()));
  }

  @Test
  void manyTasksShareOneEngineAndNothingIsLostOrTwice() {
    Path out = folder.resolve("out");
    int before = FakeEngine.OPENED.get();
    JobRun run = JobRun.run(prompts(200), out, "--partitions", "8", "--samples", "3");
    assertThat(run.exitCode()).as(run.output()).isZero();
    assertThat(FakeEngine.OPENED.get() - before).as("engines opened").isEqualTo(1);
    Row counts =
        JobRun.traces(out)
            .selectExpr(
                "count(*)",
                "count(distinct row_key, sample_index)",
                "count(distinct row_key)",
                "count(distinct _metadata.file_path)",
                "max(attempts)")
            .head();
    assertThat(counts.mkString(" ")).isEqualTo("600 600 200 8 1");
    assertThat(run.output()).containsPattern("rows +600\n  failed +0\n");
  }

  @Test
  void aModelThatCannotBeOpenedStopsTheRunBeforeItStarts() {
    Path out = folder.resolve("out");
    JobRun run =
        JobRun.with(
            new FakeEngine.Opener(0, 1, 0, "Shard 2 of the model is missing."),
            JobRun.arguments(prompts(5), out));
    assertThat(run.exitCode()).isEqualTo(2);
    assertThat(run.output().strip()).isEqualTo("tracemill: Shard 2 of the model is missing.");
    assertThat(out).doesNotExist();
  }

  @Test
  void anEngineThatDiesFailsTheRunAndTheSameCommandMayBeGivenAgain() {
    Path in = prompts(50);
    Path out = folder.resolve("out");
    JobRun run = JobRun.with(new FakeEngine.Opener(0, 5, 10, ""), JobRun.arguments(in, out));
    assertThat(run.exitCode()).isEqualTo(1);
    assertThat(run.output()).contains("tracemill: The run failed: The fake engine has died.");
    assertThat(run.output()).doesNotContain("\tat ");
    Row failed = JobRun.runs(out).selectExpr("outcome", "message", "rows").head();
    assertThat(failed.mkString("|"))
        .isEqualTo("failed|The run failed: The fake engine has died.|0");

    assertThat(JobRun.run(in, out).exitCode()).isZero();
    assertThat(JobRun.traces(out).count()).isEqualTo(50);
    assertThat(JobRun.runs(out).count()).isEqualTo(2);
  }

  @Test
  void aCancelledRunWithdrawsItsRowsFromTheEngine() throws Exception {
    int before = FakeEngine.WITHDRAWN.get();
    CompletableFuture<JobRun> running =
        CompletableFuture.supplyAsync(
            () ->
                JobRun.with(
                    new FakeEngine.Opener(50, 100_000, 0, ""),
                    JobRun.arguments(prompts(100), folder.resolve("out"))));
    awaitTasks();
    JobRun.spark().sparkContext().cancelAllJobs();
    JobRun run = running.get(60, TimeUnit.SECONDS);
    assertThat(run.exitCode()).isEqualTo(1);
    assertThat(FakeEngine.WITHDRAWN.get() - before).as("rows withdrawn").isEqualTo(100);
  }

  @Test
  void aHopelessRunIsStopped() {
    StringBuilder lines = new StringBuilder();
    for (int i = 0; i < 40; i++) {
      lines.append("{\"id\": %d, \"prompt\": \"%s\"}\n".formatted(i, i % 2 == 0 ? "" : "fine"));
    }
    JobRun run =
        JobRun.with(
            new FakeEngine.Opener(100, 100_000, 0, ""),
            JobRun.arguments(
                JobRun.file(folder, "in.jsonl", lines.toString()),
                folder.resolve("out"),
                "--max-errors",
                "10%"));
    assertThat(run.exitCode()).isEqualTo(1);
    assertThat(run.output()).contains(" of 40 rows failed, more than --max-errors 10%;");
  }

  private static void awaitTasks() throws InterruptedException {
    for (int i = 0; i < 600; i++) {
      int active = JobRun.spark().sparkContext().statusTracker().getActiveStageIds().length;
      boolean generating = active > 0 && FakeEngine.insideNewest() == 100;
      if (generating) {
        return;
      }
      Thread.sleep(100);
    }
    throw new AssertionError("no task began to generate");
  }
}
