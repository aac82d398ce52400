package io.tracemill.job;

import static org.assertj.core.api.Assertions.assertThat;

import io.tracemill.job.eval.result.CellResult;
import io.tracemill.job.eval.result.EvaluationTable;
import io.tracemill.udf.FakeEngine;
import io.tracemill.udf.table.TableFiles;
import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.List;
import java.util.stream.Collectors;
import java.util.stream.IntStream;
import java.util.stream.Stream;
import org.apache.spark.sql.Dataset;
import org.apache.spark.sql.Row;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.MethodSource;

/** Evaluations through the command line, with an engine that is made up. */
class TestEval {
  private static final int PROBLEMS = 20;

  @TempDir private Path folder;

  /** What the made-up engine answers. */
  private static String answer(String prompt, int sample) {
    return "%08x".formatted((prompt + sample).hashCode());
  }

  /** Every fourth problem has an answer that nobody gives, the last has none. */
  private Path problems() {
    return JobRun.file(
        folder,
        "in.jsonl",
        IntStream.range(0, PROBLEMS)
            .mapToObj(
                i ->
                    "{\"id\": \"p%d\", \"prompt\": \"q%d\", \"gold\": \"%s\"}\n"
                        .formatted(
                            i, i, i == PROBLEMS - 1 ? "" : i % 4 == 0 ? "no" : answer("q" + i, 0)))
            .collect(Collectors.joining()));
  }

  private String[] arguments(String... more) {
    List<String> args =
        new ArrayList<>(List.of(JobRun.arguments(problems(), folder.resolve("out"), more)));
    args.set(0, "eval");
    args.addAll(List.of("--answer-column", "gold"));
    return args.toArray(String[]::new);
  }

  private static JobRun done(JobRun run) {
    assertThat(run.exitCode()).as(run.output()).isZero();
    return run;
  }

  private List<CellResult> cells() throws IOException {
    return EvaluationTable.read(JobRun.spark(), folder.resolve("out").toString());
  }

  private Dataset<Row> traces() throws IOException {
    return TableFiles.read(JobRun.spark(), folder.resolve("out/traces").toString());
  }

  @Test
  void everyProblemRunsInEveryCellAndTheTableSaysHow() throws IOException {
    Path markdown = folder.resolve("table.md");
    JobRun run =
        done(
            JobRun.of(
                arguments(
                    "--policy", "full",
                    "--policy", "tova rows=64|128",
                    "--temperature", "0",
                    "--temperature", "0.6",
                    "--samples", "2",
                    "--markdown", markdown.toString())));
    // Three policies: once greedily, twice with draws.
    assertThat(traces().count()).isEqualTo(3L * PROBLEMS * 3);
    assertThat(
            traces()
                .selectExpr("count_if(row_key = concat(input.variant_of, ' @ ', input.variant))")
                .head()
                .getLong(0))
        .isEqualTo(3L * PROBLEMS * 3);
    List<CellResult> cells = cells();
    assertThat(cells)
        .extracting(CellResult::given, CellResult::temperature, CellResult::samples)
        .containsExactly(
            org.assertj.core.groups.Tuple.tuple("full", 0.0, 1),
            org.assertj.core.groups.Tuple.tuple("full", 0.6, 2),
            org.assertj.core.groups.Tuple.tuple("tova rows=64", 0.0, 1),
            org.assertj.core.groups.Tuple.tuple("tova rows=64", 0.6, 2),
            org.assertj.core.groups.Tuple.tuple("tova rows=128", 0.0, 1),
            org.assertj.core.groups.Tuple.tuple("tova rows=128", 0.6, 2));
    CellResult greedy = cells.get(2);
    assertThat(greedy.all().problems()).as("with an answer").isEqualTo(PROBLEMS - 1L);
    assertThat(greedy.all().right()).isEqualTo(14);
    assertThat(greedy.all().againstFull().orElseThrow().pairs()).isEqualTo(PROBLEMS - 1L);
    assertThat(greedy.all().againstFull().orElseThrow().difference()).isZero();
    assertThat(greedy.compressed()).isEmpty();
    assertThat(greedy.tokensPerSecond()).isEmpty();
    // The second sample of a made-up engine is another answer.
    assertThat(cells.get(3).all().right()).isEqualTo(14);
    assertThat(cells.get(3).all().rows()).isEqualTo(2L * (PROBLEMS - 1));
    assertThat(cells.get(3).all().accuracy()).isEqualTo(7.0 / (PROBLEMS - 1));
    // Its account of the cache is made up too, and is found out.
    assertThat(greedy.proof().otherwise()).isEqualTo(PROBLEMS - 1L);
    assertThat(run.output()).contains("rows were not compressed as the policy says");

    String page = Files.readString(markdown);
    assertThat(page).contains("| tova rows=64 | 0.6 | 38 | 36.8 % |").doesNotContain("null");
    assertThat(run.output()).contains("tova rows=128").contains("73.7 %");
  }

  @Test
  void aKilledEvaluationGoesOnAndALargerGridAddsToIt() throws IOException {
    String[] small =
        arguments(
            "--policy",
            "full",
            "--policy",
            "tova rows=64",
            "--wave-rows",
            "10",
            "--output-format",
            "parquet");
    JobRun killed = JobRun.with(new FakeEngine.Opener(0, 5, 25, ""), small);
    assertThat(killed.exitCode()).as(killed.output()).isEqualTo(1);
    long there = traces().count();
    assertThat(there).isBetween(1L, 2L * PROBLEMS - 1);
    assertThat(cells()).isEmpty();

    JobRun rest = done(JobRun.of(small));
    assertThat(rest.output()).contains("; %d were done before".formatted(there));
    assertThat(cells()).hasSize(2);

    String[] large =
        arguments(
            "--policy",
            "full",
            "--policy",
            "tova rows=64|128",
            "--wave-rows",
            "10",
            "--output-format",
            "parquet");
    JobRun more = done(JobRun.of(large));
    assertThat(more.output())
        .contains("%d rows of".formatted(PROBLEMS))
        .contains("; %d were done before".formatted(2 * PROBLEMS));
    assertThat(cells()).hasSize(3);
  }

  @Test
  void oneCellAtATimeHasSpeeds() throws IOException {
    done(
        JobRun.of(
            arguments(
                "--policy",
                "full",
                "--policy",
                "lagkv",
                "--one-cell-at-a-time",
                "--output-format",
                "parquet")));
    assertThat(cells()).hasSize(2).allMatch(cell -> cell.tokensPerSecond().isPresent());
    assertThat(traces().selectExpr("count(distinct run_id)").head().getLong(0)).isEqualTo(2);

    JobRun sql =
        done(
            JobRun.of(
                "sql",
                "--tables",
                folder.toString(),
                "SELECT policy_name, all_rows.rows, compressed_rows IS NULL FROM evaluation"
                    + " ORDER BY position"));
    assertThat(sql.output()).containsPattern("full +19 +true\n +lagkv +19 +true");
  }

  static Stream<EvalSentences.Mistake> mistakes() {
    return EvalSentences.all().keySet().stream();
  }

  @ParameterizedTest(name = "{0}")
  @MethodSource("mistakes")
  void aMistakeGetsOneSentence(EvalSentences.Mistake mistake) {
    Path in = JobRun.file(folder, "in.jsonl", mistake.input());
    List<String> args = new ArrayList<>(List.of(JobRun.arguments(in, folder.resolve("out"))));
    args.set(0, "eval");
    mistake.options().forEach(option -> args.add(option.replace("FOLDER", folder.toString())));
    JobRun run = JobRun.of(args.toArray(String[]::new));
    assertThat(run.exitCode()).as(run.output()).isEqualTo(2);
    assertThat(
            run.output().strip().replace(in.toString(), "IN").replace(folder.toString(), "FOLDER"))
        .isEqualTo("tracemill: " + EvalSentences.all().get(mistake));
  }
}
