package io.tracemill.job;

import static org.assertj.core.api.Assertions.assertThat;

import io.tracemill.udf.FakeEngine;
import java.io.IOException;
import java.nio.charset.StandardCharsets;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.List;
import java.util.Map;
import java.util.TreeMap;
import java.util.stream.Collectors;
import java.util.stream.Stream;
import org.apache.spark.sql.Row;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;

/** A row that cannot run is a row of the result; its neighbours are generated. */
class TestRowErrors {
  @TempDir private Path folder;

  /** A row that cannot run. */
  record Problem(String row, String key, String json, String errorClass, String message) {}

  static Stream<Problem> problems() {
    return Stream.of(
        new Problem(
            "prompt is null",
            "null",
            "{\"id\": \"null\", \"prompt\": null}",
            "INVALID_PROMPT",
            "The prompt is null."),
        new Problem(
            "prompt is missing",
            "missing",
            "{\"id\": \"missing\"}",
            "INVALID_PROMPT",
            "The prompt is null."),
        new Problem(
            "prompt is empty",
            "empty",
            "{\"id\": \"empty\", \"prompt\": \"\"}",
            "INVALID_PROMPT",
            "The prompt is empty."),
        new Problem(
            "prompt is white space",
            "blank",
            "{\"id\": \"blank\", \"prompt\": \" \\t\\n\"}",
            "INVALID_PROMPT",
            "The prompt holds nothing but white space."),
        new Problem(
            "prompt with half a surrogate pair",
            "lone",
            "{\"id\": \"lone\", \"prompt\": \"a \\ud83d b\"}",
            "INVALID_PROMPT",
            "The line holds half of a surrogate pair, which is no character."),
        new Problem(
            "line that is no JSON object",
            "",
            "{\"id\": \"cut\", \"prompt\": \"half a li",
            "INVALID_PROMPT",
            "The line is not a JSON object."),
        new Problem(
            "id is null",
            "",
            "{\"id\": null, \"prompt\": \"no id\"}",
            "INVALID_PROMPT",
            "The id of the row is null or blank."),
        new Problem(
            "prompt longer than the context",
            "long",
            "{\"id\": \"long\", \"prompt\": \"" + "x".repeat(90) + "\"}",
            "PROMPT_TOO_LONG",
            "The prompt has 90 tokens; the context holds 60."));
  }

  @Test
  void everyBadRowIsCountedOnceAndTheGoodOnesRun() {
    String bad = problems().map(Problem::json).collect(Collectors.joining("\n"));
    Path in =
        JobRun.file(
            folder,
            "in.jsonl",
            "{\"id\": \"good\", \"prompt\": \"hi\"}\n"
                + bad
                + "\n{\"id\": \"pair\", \"prompt\": \"\\ud83d\\ude80\"}\n");
    Path out = folder.resolve("out");
    JobRun run = JobRun.run(in, out, "--max-context", "60");
    assertThat(run.exitCode()).as(run.output()).isZero();

    Map<String, String> errors = new TreeMap<>();
    int ok = 0;
    for (Row row :
        JobRun.traces(out)
            .select("row_key", "status", "finish_reason", "error_class", "error_message", "trace")
            .collectAsList()) {
      if (row.getString(1).equals("ok")) {
        ok++;
        continue;
      }
      assertThat(row.getString(2)).isEqualTo("error");
      assertThat(row.isNullAt(5)).as("trace of %s is null", row.getString(0)).isTrue();
      errors.put(row.getString(0), row.getString(3) + " " + row.getString(4));
    }
    assertThat(ok).as("good rows").isEqualTo(2);
    assertThat(errors).hasSize((int) problems().count());
    problems()
        .forEach(
            problem -> {
              String said = problem.errorClass() + " " + problem.message();
              if (problem.key().isEmpty()) {
                assertThat(errors).containsValue(said);
              } else {
                assertThat(errors).containsEntry(problem.key(), said);
              }
            });
    Row runs = JobRun.runs(out).selectExpr("rows", "failed_rows").head();
    assertThat(runs.mkString("/")).isEqualTo("10/8");
  }

  @Test
  void aPolicyOfARowsOwnThatTheBackendCannotRunIsARowWithAnErrorAndTheRunsOwnEndsTheRun() {
    Path in =
        JobRun.file(
            folder,
            "in.jsonl",
            "{\"id\": 1, \"prompt\": \"a\"}\n"
                + "{\"id\": 2, \"prompt\": \"b\", \"policy\": \"tova rows=64\"}\n");
    Path out = folder.resolve("out");
    JobRun run =
        JobRun.with(
            FakeEngine.Opener.refusing("tova"),
            JobRun.arguments(in, out, "--parameter-column", "kv-policy=policy"));
    assertThat(run.exitCode()).as(run.output()).isZero();
    assertThat(
            JobRun.traces(out)
                .orderBy("row_key")
                .select("row_key", "status", "error_class", "error_message")
                .collectAsList()
                .toString())
        .isEqualTo(
            "[[1,ok,null,null], [2,error,INVALID_ARGUMENT,"
                + "The fake backend cannot run the KV policy tova.]]");

    Path other = folder.resolve("other");
    JobRun refused =
        JobRun.with(
            FakeEngine.Opener.refusing("tova"),
            JobRun.arguments(in, other, "--kv-policy", "tova", "--kv-option", "rows=64"));
    assertThat(refused.exitCode()).isEqualTo(2);
    assertThat(refused.output().strip())
        .isEqualTo("tracemill: The fake backend cannot run the KV policy tova.");
    assertThat(other).doesNotExist();
  }

  @Test
  void textThatIsNotUtf8IsARowWithAnErrorAndNoLine() throws IOException {
    Path in = folder.resolve("in.txt");
    byte[] good = "fine\n".getBytes(StandardCharsets.UTF_8);
    byte[] bad = {'b', 'a', 'd', ' ', (byte) 0xed, (byte) 0xa0, (byte) 0xbd, '\n'};
    Files.write(in, good);
    Files.write(in, bad, java.nio.file.StandardOpenOption.APPEND);
    Path out = folder.resolve("out");
    assertThat(JobRun.run(in, out).exitCode()).isZero();
    assertThat(
            JobRun.traces(out)
                .filter("status = 'error'")
                .select("error_message")
                .collectAsList()
                .toString())
        .isEqualTo("[[The prompt is not valid UTF-8.]]");
  }

  @Test
  void aRecordOfCsvWithTooManyFieldsIsNotCutInSilence() {
    Path in = JobRun.file(folder, "in.csv", "id,prompt\n1,good\n2,one,two\n");
    Path out = folder.resolve("out");
    assertThat(JobRun.run(in, out).exitCode()).isZero();
    assertThat(
            JobRun.traces(out)
                .filter("status = 'error'")
                .select("row_key", "error_message")
                .collectAsList()
                .toString())
        .isEqualTo("[[2,The record has another number of fields than the header.]]");
  }

  @Test
  void aRowsPolicyMayReadAsManyQueriesAsTheRunsRingHolds() {
    Path in =
        JobRun.file(
            folder,
            "in.jsonl",
            "{\"id\": 1, \"prompt\": \"a\", \"kv\": \"h2o\"}\n"
                + "{\"id\": 2, \"prompt\": \"b\", \"kv\": null}\n");
    List<String> found = new ArrayList<>();
    for (String ring : List.of("0", "128")) {
      Path out = folder.resolve("ring" + ring);
      JobRun run = JobRun.run(in, out, "--parameter-column=kv-policy=kv", "--query-ring=" + ring);
      assertThat(run.exitCode()).as(run.output()).isZero();
      found.add(
          JobRun.traces(out)
              .orderBy("row_key")
              .selectExpr("concat_ws(' ', status, error_message)")
              .collectAsList()
              .toString());
    }
    assertThat(found)
        .containsExactly(
            "[[error The row's kv-policy 'h2o' needs the queries of the last 128 tokens, but"
                + " engines of this run keep 32; start the run with --query-ring 128.], [ok]]",
            "[[ok], [ok]]");
  }
}
