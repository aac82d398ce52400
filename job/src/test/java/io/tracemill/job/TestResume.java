package io.tracemill.job;

import static org.assertj.core.api.Assertions.assertThat;

import io.tracemill.job.output.OutputFormat;
import io.tracemill.job.output.OutputTables;
import io.tracemill.job.output.TraceTable;
import io.tracemill.job.output.Wave;
import io.tracemill.udf.FakeEngine;
import io.tracemill.udf.table.TableFiles;
import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.nio.file.StandardCopyOption;
import java.util.ArrayList;
import java.util.List;
import java.util.Map;
import java.util.TreeMap;
import java.util.stream.Collectors;
import java.util.stream.IntStream;
import java.util.stream.Stream;
import org.apache.spark.sql.Dataset;
import org.apache.spark.sql.Row;
import org.apache.spark.sql.functions;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.ValueSource;

/** The same command again: what stays, what is generated, what is refused. */
class TestResume {
  @TempDir private Path folder;

  private Path prompts(int from, int to) {
    return prompts(from, to, "prompt");
  }

  private Path prompts(int from, int to, String prompt) {
    return JobRun.file(
        folder,
        "in.jsonl",
        IntStream.range(from, to)
            .mapToObj(i -> "{\"id\": %d, \"prompt\": \"%s %d\"}\n".formatted(i, prompt, i))
            .collect(Collectors.joining()));
  }

  private Path out() {
    return folder.resolve("out");
  }

  private static JobRun done(JobRun run) {
    assertThat(run.exitCode()).as(run.output()).isZero();
    return run;
  }

  /** The table, which is the same for readers that know nothing of manifests. */
  private Dataset<Row> read(String table) {
    String path = out().resolve(table).toString();
    try {
      Dataset<Row> rows = TableFiles.read(JobRun.spark(), path);
      if (!Files.exists(out().resolve(table).resolve("_delta_log"))) {
        String key = table.equals("traces") ? "row_key || '/' || sample_index" : "run_id";
        assertThat(keys(JobRun.spark().read().parquet(path), key)).isEqualTo(keys(rows, key));
      }
      return rows;
    } catch (IOException e) {
      throw new java.io.UncheckedIOException(e);
    }
  }

  private static List<String> keys(Dataset<Row> rows, String key) {
    return rows.selectExpr(key + " as key").orderBy("key").collectAsList().stream()
        .map(row -> row.getString(0))
        .toList();
  }

  private Map<String, String> texts() {
    Map<String, String> texts = new TreeMap<>();
    for (Row row : read("traces").select("row_key", "sample_index", "trace").collectAsList()) {
      String was = texts.put(row.getString(0) + "/" + row.getInt(1), row.getString(2));
      assertThat(was).as("second row of " + row.getString(0)).isNull();
    }
    return texts;
  }

  private String counts() {
    return read("traces")
        .selectExpr(
            "count(*)",
            "count(distinct row_key, sample_index)",
            "count_if(status = 'error')",
            "count(distinct run_id)")
        .head()
        .mkString(" ");
  }

  @ParameterizedTest
  @ValueSource(strings = {"delta", "parquet"})
  void manyWavesHoldEveryRowOnceAndACompletedRunGeneratesNothing(String format) {
    String[] args =
        JobRun.arguments(prompts(0, 300), out(), "--wave-rows", "40", "--output-format", format);
    JobRun run = done(JobRun.of(args));
    assertThat(run.output()).contains("300 rows of ").contains(" in 8 waves to ");
    assertThat(counts()).isEqualTo("300 300 0 1");
    assertThat(read("traces").selectExpr("count(distinct wave)").head().getLong(0)).isEqualTo(8);
    // A fake engine may be done before the first sample of its load, so the time line may be empty.
    assertThat(
            read("runs").selectExpr("outcome", "rows", "timeline is not null").head().mkString(" "))
        .isEqualTo("completed 300 true");
    assertThat(out().resolve("_work")).doesNotExist();

    Map<String, String> before = texts();
    int submitted = FakeEngine.OPENED.get();
    JobRun again = done(JobRun.of(args));
    assertThat(again.output()).contains("Nothing to generate: ").contains("all 300 results");
    assertThat(again.output()).containsPattern("rows +300\n");
    assertThat(FakeEngine.OPENED.get()).isLessThanOrEqualTo(submitted + 1);
    assertThat(texts()).isEqualTo(before);
    assertThat(read("runs").count()).isEqualTo(1);
  }

  @ParameterizedTest
  @ValueSource(strings = {"delta", "parquet"})
  void newRowsAndMoreSamplesJoinAndWhatIsGoneStays(String format) {
    done(JobRun.run(prompts(0, 30), out(), "--output-format", format));
    Map<String, String> first = texts();
    JobRun more =
        done(JobRun.run(prompts(10, 50), out(), "--output-format", format, "--samples", "2"));
    assertThat(more.output()).contains("60 rows of ");
    assertThat(more.output())
        .contains("; 20 were done before; 10 that the input no longer asks for stay\n");
    assertThat(counts()).isEqualTo("90 90 0 2");
    assertThat(texts()).containsAllEntriesOf(first);
    assertThat(more.output()).containsPattern("rows +90\n +by this run +60\n");
    assertThat(
            read("runs")
                .orderBy("started_at")
                .selectExpr("outcome", "rows")
                .collectAsList()
                .stream()
                .map(row -> row.mkString(" ")))
        .containsExactly("completed 30", "completed 60");
  }

  @Test
  void anotherSettingIsRefusedByNameAndNoResumeRefusesEverything() {
    Path in = prompts(0, 5);
    done(JobRun.run(in, out(), "--temperature", "0"));
    JobRun other = JobRun.run(in, out(), "--temperature", "0.5", "--seed", "7");
    assertThat(other.exitCode()).isEqualTo(2);
    assertThat(other.output().strip())
        .isEqualTo(
            "tracemill: --output %s holds a run with other settings (seed 0 there, 7 here; temperature 0.0 there, 0.5 here); give the same to continue it, or another --output."
                .formatted(out()));
    JobRun faster = done(JobRun.run(in, out(), "--temperature", "0", "--slots", "3"));
    assertThat(faster.output()).contains("Nothing to generate");

    JobRun refused = JobRun.run(in, out(), "--temperature", "0", "--no-resume");
    assertThat(refused.exitCode()).isEqualTo(2);
    assertThat(refused.output().strip())
        .isEqualTo(
            "tracemill: --output %s already holds a run (%s/traces); leave out --no-resume to continue it, or give another folder."
                .formatted(out(), out()));
    JobRun parquet = JobRun.run(in, out(), "--temperature", "0", "--output-format", "parquet");
    assertThat(parquet.output().strip())
        .isEqualTo(
            "tracemill: --output %s holds tables in delta; give --output-format delta or another folder."
                .formatted(out()));
  }

  @ParameterizedTest
  @ValueSource(strings = {"delta", "parquet"})
  void changedRowsAreRefusedKeptOrGeneratedAnewAsTheUserSays(String format) {
    done(JobRun.run(prompts(0, 20), out(), "--output-format", format));
    Map<String, String> first = texts();
    Path changed =
        JobRun.file(
            folder,
            "in.jsonl",
            IntStream.range(0, 25)
                .mapToObj(
                    i ->
                        "{\"id\": %d, \"prompt\": \"%s %d\"}\n"
                            .formatted(i, i < 3 ? "other" : "prompt", i))
                .collect(Collectors.joining()));
    JobRun refused = JobRun.run(changed, out(), "--output-format", format);
    assertThat(refused.exitCode()).isEqualTo(2);
    assertThat(refused.output().strip())
        .isEqualTo(
            "tracemill: 3 rows of --input %s (such as '0') ask something else than when --output %s was generated; add --changed-rows regenerate or keep, or give another --output."
                .formatted(changed, out()));
    assertThat(texts()).isEqualTo(first);

    done(JobRun.run(changed, out(), "--output-format", format, "--changed-rows", "keep"));
    assertThat(texts()).hasSize(25).containsAllEntriesOf(first);

    JobRun anew =
        done(JobRun.run(changed, out(), "--output-format", format, "--changed-rows", "regenerate"));
    assertThat(anew.output()).contains("; 3 are generated anew");
    Map<String, String> last = texts();
    assertThat(last).hasSize(25);
    assertThat(last.get("1/0")).startsWith("about other 1");
    assertThat(last.get("3/0")).isEqualTo(first.get("3/0"));
    assertThat(counts()).isEqualTo("25 25 0 3");
  }

  @ParameterizedTest
  @ValueSource(strings = {"delta", "parquet"})
  void errorsAreGeneratedAnewInTheirPlaceAndAttemptsCountUp(String format) {
    List<String> lines = new ArrayList<>();
    for (int i = 0; i < 60; i++) {
      lines.add("{\"id\": %d, \"prompt\": \"%s\"}".formatted(i, i % 10 == 0 ? " " : "good"));
    }
    Path in = JobRun.file(folder, "in.jsonl", String.join("\n", lines));
    String[] usual = {"--output-format", format, "--wave-rows", "20"};
    done(JobRun.run(in, out(), usual));
    assertThat(counts()).isEqualTo("60 60 6 1");
    JobRun kept = done(JobRun.run(in, out(), usual));
    assertThat(kept.output()).contains("(6 failed; see --retry-errors)");

    // Fails again: the row is another, the attempt the second.
    String[] retry = {"--output-format", format, "--wave-rows", "2", "--retry-errors"};
    JobRun again = done(JobRun.run(in, out(), retry));
    assertThat(again.output()).contains("6 rows of ").contains("; 54 were done before");
    assertThat(counts()).isEqualTo("60 60 6 2");
    assertThat(attempts()).isEqualTo("54x1 6x2");

    // The prompts are mended: a failed row whose request changed is no obstacle.
    JobRun.file(folder, "in.jsonl", String.join("\n", lines).replace("\" \"", "\"mended\""));
    done(JobRun.run(in, out(), retry));
    assertThat(counts()).isEqualTo("60 60 0 2");
    assertThat(texts().get("10/0")).startsWith("about mended");
    assertThat(attempts()).isEqualTo("60x1");
  }

  @Test
  void whatADeadDriverLeftBetweenFilesAndManifestIsGoneAfterTheSameCommand() throws IOException {
    Path in = prompts(0, 40);
    String[] usual = {"--output-format", "parquet", "--wave-rows", "20"};
    done(JobRun.run(in, out(), usual));
    Map<String, String> before = texts();
    // A copy is what a compaction leaves that moved its file and died before the manifest.
    Path traces = out().resolve("traces");
    Path first;
    try (Stream<Path> files = Files.list(traces)) {
      first =
          files
              .filter(file -> file.getFileName().toString().startsWith("wave-"))
              .findFirst()
              .orElseThrow();
    }
    Files.copy(
        first, traces.resolve(first.getFileName().toString().replaceAll("-\\d{6}-", "-900000-")));
    Path state;
    try (Stream<Path> files = Files.list(out().resolve("runs"))) {
      state =
          files.filter(file -> file.toString().endsWith(".2.parquet")).findFirst().orElseThrow();
    }
    Files.copy(state, Path.of(state.toString().replace(".2.parquet", ".1.parquet")));
    assertThat(JobRun.spark().read().parquet(traces.toString()).count()).isGreaterThan(40);
    assertThat(TableFiles.read(JobRun.spark(), traces.toString()).count()).isEqualTo(40);

    assertThat(done(JobRun.run(in, out(), usual)).output()).contains("Nothing to generate");
    assertThat(texts()).isEqualTo(before);
    assertThat(read("runs").count()).isEqualTo(1);
  }

  @Test
  void aCommandWithNothingToGenerateShutsOutNoRunThatIsMovingFiles() throws IOException {
    Path in = prompts(0, 4);
    String[] usual = {"--output-format", "parquet"};
    done(JobRun.run(in, out(), usual));
    OutputTables tables = new OutputTables(out().toString(), OutputFormat.PARQUET);
    TraceTable live = tables.writeTraces(JobRun.spark(), "live");
    Dataset<Row> committed = live.snapshot().orElseThrow();
    live.claim(committed.schema());
    Path file;
    try (Stream<Path> files = Files.list(out().resolve("traces"))) {
      file =
          files
              .filter(each -> each.getFileName().toString().startsWith("wave-"))
              .findFirst()
              .orElseThrow();
    }
    Path moving =
        Files.copy(
            file,
            file.resolveSibling(file.getFileName().toString().replaceAll("-\\d{6}-", "-900000-")));

    assertThat(done(JobRun.run(in, out(), usual)).output())
        .contains("Nothing to generate")
        .contains(
            "Files in %s/traces belong to no committed wave; a run that is still at work may be committing them. Once nothing has moved there for ten minutes the same command removes them.\n"
                .formatted(out()));
    assertThat(moving).exists();
    live.write(
        committed.limit(1).withColumn("row_key", functions.lit("another")).coalesce(1),
        new Wave(1, 1, Wave.Content.NEW_ROWS));
    live.clean();
    assertThat(counts()).isEqualTo("5 5 0 1");
    assertThat(done(JobRun.run(in, out(), usual)).output()).doesNotContain("belong to no");
  }

  @Test
  void aRunThatFailsLeavesItsCommittedWavesForEveryReader() {
    List<String> lines = new ArrayList<>();
    for (int i = 0; i < 200; i++) {
      lines.add("{\"id\": %d, \"prompt\": \"%s\"}".formatted(i, i % 2 == 0 ? " " : "good"));
    }
    Path in = JobRun.file(folder, "in.jsonl", String.join("\n", lines));
    JobRun failed =
        JobRun.run(
            in,
            out(),
            "--output-format",
            "parquet",
            "--wave-rows",
            "20",
            "--max-errors",
            "30",
            "--partitions",
            "2");
    assertThat(failed.exitCode()).as(failed.output()).isEqualTo(1);
    assertThat(texts()).hasSizeLessThan(200);
    assertThat(read("runs").select("outcome").head().getString(0)).isEqualTo("failed");
    assertThat(out().resolve("traces").resolve("_writing")).doesNotExist();
  }

  @Test
  void aRunOfAVersionThatDidNotRecordItsSettingsIsContinuedOrRefusedInOneSentence()
      throws IOException {
    Path in = prompts(0, 4);
    String[] same = {"--output-format", "parquet", "--temperature", "0"};
    done(JobRun.run(in, out(), same));
    Path state;
    try (Stream<Path> files = Files.list(out().resolve("runs"))) {
      state =
          files.filter(file -> file.toString().endsWith(".2.parquet")).findFirst().orElseThrow();
    }
    Path older = folder.resolve("older");
    JobRun.spark()
        .read()
        .parquet(state.toString())
        .drop("identity")
        .coalesce(1)
        .write()
        .parquet(older.toString());
    try (Stream<Path> files = Files.list(older)) {
      Path file =
          files
              .filter(each -> each.getFileName().toString().startsWith("part-"))
              .findFirst()
              .orElseThrow();
      Files.delete(state.resolveSibling("." + state.getFileName() + ".crc"));
      Files.copy(file, state, StandardCopyOption.REPLACE_EXISTING);
    }
    JobRun other =
        JobRun.run(in, out(), "--output-format", "parquet", "--temperature", "0", "--seed", "7");
    assertThat(other.exitCode()).isEqualTo(2);
    assertThat(other.output().strip())
        .isEqualTo(
            "tracemill: --output %s holds a run with other settings (which ones an older version of Tracemill did not record); give the same to continue it, or another --output."
                .formatted(out()));
    done(JobRun.run(prompts(0, 5), out(), same));
    assertThat(counts()).isEqualTo("5 5 0 2");
  }

  private String attempts() {
    return read("traces").groupBy("attempts").count().orderBy("attempts").collectAsList().stream()
        .map(row -> row.getLong(1) + "x" + row.getInt(0))
        .collect(Collectors.joining(" "));
  }

  @Test
  void anErrorBudgetCountsWhatFailedInEarlierRuns() {
    List<String> lines = new ArrayList<>();
    for (int i = 0; i < 40; i++) {
      lines.add("{\"id\": %d, \"prompt\": \"%s\"}".formatted(i, i % 4 == 0 ? " " : "good"));
    }
    Path in = JobRun.file(folder, "in.jsonl", String.join("\n", lines));
    done(JobRun.run(in, out()));
    lines.add("{\"id\": 99, \"prompt\": \"new\"}");
    JobRun.file(folder, "in.jsonl", String.join("\n", lines));
    JobRun refused = JobRun.run(in, out(), "--max-errors", "9");
    assertThat(refused.exitCode()).isEqualTo(2);
    assertThat(refused.output().strip())
        .isEqualTo(
            "tracemill: 10 of 41 rows of --output %s failed in earlier runs, more than --max-errors 9; add --retry-errors or allow more."
                .formatted(out()));
    done(JobRun.run(in, out(), "--max-errors", "10"));
    assertThat(counts()).isEqualTo("41 41 10 2");
  }

  @Test
  void aRunManifestHoldsTheSettingsAndNoPromptAndNoSecret() throws IOException {
    Path in = prompts(0, 3, "confidential");
    done(JobRun.run(in, out(), "--seed", "5", "--input-option", "my-password=open-sesame"));
    String runId = read("runs").select("run_id").head().getString(0);
    String manifest = Files.readString(out().resolve("manifests").resolve(runId + ".json"));
    assertThat(manifest)
        .contains("\"seed\" : \"5\"")
        .contains("\"input_snapshot\" : \"1 files, ")
        .contains("\"spark.master\" : \"local[2]\"")
        .contains("\"spark\" : \"4.1.0\"")
        .doesNotContain("confidential")
        .doesNotContain("open-sesame");
  }
}
