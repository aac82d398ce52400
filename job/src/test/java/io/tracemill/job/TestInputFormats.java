package io.tracemill.job;

import static org.assertj.core.api.Assertions.assertThat;

import java.nio.file.Path;
import java.util.List;
import java.util.Map;
import java.util.TreeMap;
import java.util.stream.Stream;
import org.apache.spark.sql.Dataset;
import org.apache.spark.sql.Row;
import org.apache.spark.sql.SaveMode;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.Arguments;
import org.junit.jupiter.params.provider.MethodSource;

/** The same three prompts through the whole job in every format. */
class TestInputFormats {
  private static final List<String> PROMPTS =
      List.of("What is 2 + 3?", "Ein \u00dcbel: \ud83d\ude80, \"quoted\"", "third, with comma");
  private static final String LINES =
      """
      {"id": "a", "prompt": "What is 2 + 3?", "answer": "5", "steps": 1}
      {"id": "b", "prompt": "Ein \\u00dcbel: \\ud83d\\ude80, \\"quoted\\"", "answer": "?", "steps": 2}

      {"id": "c", "prompt": "third, with comma", "answer": null, "steps": 3}
      """;

  @TempDir private Path folder;

  static Stream<Arguments> formats() {
    return Stream.of("jsonl", "json", "parquet", "delta", "csv")
        .flatMap(input -> Stream.of("delta", "parquet").map(output -> Arguments.of(input, output)))
        // One pair of each suffices: both outputs, all inputs.
        .filter(pair -> pair.get()[1].equals("delta") || pair.get()[0].equals("jsonl"));
  }

  @ParameterizedTest(name = "{0} to {1}")
  @MethodSource("formats")
  void aTableGoesThroughWholeWithItsOtherColumns(String input, String output) {
    Path out = folder.resolve("out");
    JobRun run = JobRun.run(input(input), out, "--output-format", output);
    assertThat(run.exitCode()).as(run.output()).isZero();

    // As anybody reads a table, with no word about waves and manifests.
    Dataset<Row> traces =
        JobRun.spark().read().format(output).load(out.resolve("traces").toString());
    assertThat(prompts(traces))
        .isEqualTo(Map.of("a", PROMPTS.get(0), "b", PROMPTS.get(1), "c", PROMPTS.get(2)));
    assertThat(traces.filter("status = 'ok' and extracted_answer is not null").count())
        .isEqualTo(3);
    Row first = traces.filter("row_key = 'a'").selectExpr("input.answer", "input.id").head();
    assertThat(first.getString(0)).isEqualTo("5");
    assertThat(first.getString(1)).isEqualTo("a");

    Row runs =
        JobRun.spark()
            .read()
            .format(output)
            .load(out.resolve("runs").toString())
            .selectExpr("outcome", "rows", "failed_rows", "settings['slots']", "run_id")
            .head();
    assertThat(runs.getString(0)).isEqualTo("completed");
    assertThat(runs.getLong(1)).isEqualTo(3);
    assertThat(runs.getLong(2)).isZero();
    assertThat(runs.getString(3)).isEqualTo("32");
    assertThat(
            traces
                .select("run_id")
                .distinct()
                .as(org.apache.spark.sql.Encoders.STRING())
                .collectAsList())
        .containsExactly(runs.getString(4));
  }

  @Test
  void everyLineOfATextFileIsAPromptAndEqualLinesStayApart() {
    Path in = JobRun.file(folder, "in.txt", "one\ntwo\none\n");
    Path out = folder.resolve("out");
    JobRun run = JobRun.run(in, out);
    assertThat(run.exitCode()).as(run.output()).isZero();
    Map<String, String> prompts = prompts(JobRun.traces(out));
    assertThat(prompts).hasSize(3);
    assertThat(prompts.values()).containsExactlyInAnyOrder("one", "two", "one");
    assertThat(prompts.keySet()).allMatch(key -> key.matches("[0-9a-f]{32}(-2)?"));
    assertThat(JobRun.traces(out).columns()).doesNotContain("input");
  }

  @Test
  void conversationsAreTakenWithRolesAndKeptAsJson() {
    Path in =
        JobRun.file(
            folder,
            "chats.jsonl",
            """
            {"id": 1, "messages": [{"role": "system", "content": "Be brief."}, {"role": "user", "content": "Hi"}]}
            {"id": 2, "messages": []}
            {"id": 3, "messages": [{"role": "user", "content": null}]}
            {"id": 4, "messages": null}
            """);
    Path out = folder.resolve("out");
    JobRun run = JobRun.run(in, out);
    assertThat(run.exitCode()).as(run.output()).isZero();
    assertThat(prompts(JobRun.traces(out)).get("1"))
        .isEqualTo(
            "[{\"content\":\"Be brief.\",\"role\":\"system\"},{\"content\":\"Hi\",\"role\":\"user\"}]");
    assertThat(errors(JobRun.traces(out)))
        .isEqualTo(
            Map.of(
                "2", "The messages are an empty list.",
                "3", "Message 1 has no content.",
                "4", "The messages are null."));
  }

  @Test
  void columnsOfOtherNamesAreNamedByOptions() {
    Path in = JobRun.file(folder, "in.csv", "nr;text;note with space\n007;say it;x\n");
    Path out = folder.resolve("out");
    JobRun run =
        JobRun.run(
            in, out, "--input-option", "sep=;", "--id-column", "nr", "--prompt-column", "text");
    assertThat(run.exitCode()).as(run.output()).isZero();
    Row row = JobRun.traces(out).selectExpr("row_key", "prompt", "input.`note with space`").head();
    assertThat(row.mkString("|")).isEqualTo("007|say it|x");
  }

  private Path input(String format) {
    Path lines = JobRun.file(folder, "in.jsonl", LINES);
    Path table = folder.resolve("table");
    switch (format) {
      case "jsonl":
        return lines;
      case "json":
        return JobRun.file(
            folder,
            "in.json",
            "[" + LINES.strip().replace("\n\n", "\n").replace("\n", ",\n") + "]");
      case "csv":
        return JobRun.file(
            folder,
            "in.csv",
            "id,prompt,answer,steps\na,What is 2 + 3?,5,1\n"
                + "b,\"Ein \u00dcbel: \ud83d\ude80, \"\"quoted\"\"\",?,2\nc,\"third, with comma\",,3\n");
      default:
        JobRun.spark()
            .read()
            .json(lines.toString())
            .write()
            .format(format)
            .mode(SaveMode.Overwrite)
            .save(table.toString());
        return table;
    }
  }

  private static Map<String, String> prompts(Dataset<Row> traces) {
    return pairs(traces.select("row_key", "prompt"));
  }

  private static Map<String, String> errors(Dataset<Row> traces) {
    return pairs(traces.filter("status = 'error'").select("row_key", "error_message"));
  }

  private static Map<String, String> pairs(Dataset<Row> rows) {
    Map<String, String> pairs = new TreeMap<>();
    for (Row row : rows.collectAsList()) {
      assertThat(pairs.put(row.getString(0), row.getString(1))).as("a key twice").isNull();
    }
    return pairs;
  }
}
