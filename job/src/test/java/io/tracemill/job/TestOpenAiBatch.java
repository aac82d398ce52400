package io.tracemill.job;

import static org.assertj.core.api.Assertions.assertThat;

import com.fasterxml.jackson.databind.JsonNode;
import com.fasterxml.jackson.databind.ObjectMapper;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.Map;
import java.util.TreeMap;
import org.apache.spark.sql.Dataset;
import org.apache.spark.sql.Row;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;

/** Requests in OpenAI's Batch format through the whole job, and rows with settings of their own. */
class TestOpenAiBatch {
  private static final String REQUESTS =
      """
      {"custom_id": "r1", "method": "POST", "url": "/v1/chat/completions", "body": {"model": "o9", "temperature": 0, "seed": 5, "messages": [{"role": "user", "content": "one"}]}}
      {"custom_id": "r2", "body": {"n": 3, "messages": [{"role": "system", "content": "s"}, {"role": "user", "content": [{"type": "text", "text": "two"}]}]}}

      {"custom_id": "r3", "body": {"temperature": -2, "messages": [{"role": "user", "content": "x"}]}}
      {"custom_id": "r4", "body": {"logit_bias": {"5": 1}, "messages": [{"role": "user", "content": "x"}]}}
      {"custom_id": "r5", "body": {"messages": [{"role": "user", "content": " "}]}}
      {"custom_id": 6, "body": {"messages": [{"role": "user", "content": "x"}]}}
      {"body": {"messages": [{"role": "user", "content": "x"}]}}
      not json
      """;

  @TempDir private Path folder;

  @Test
  void requestsBecomeRowsAndAnswersInOpenAisForm() throws Exception {
    Path out = folder.resolve("out");
    JobRun run =
        JobRun.run(
            JobRun.file(folder, "in.jsonl", REQUESTS),
            out,
            "--input-format",
            "openai-batch",
            "--output-format",
            "openai-batch");
    assertThat(run.exitCode()).as(run.output()).isZero();

    Dataset<Row> traces = JobRun.traces(out);
    assertThat(traces.filter("row_key = 'r2' and status = 'ok'").count()).isEqualTo(3);
    Row first =
        traces
            .filter("row_key = 'r1'")
            .selectExpr("seed", "input.model", "input.parameters", "prompt")
            .head();
    assertThat(first.getLong(0)).isEqualTo(5);
    assertThat(first.getString(1)).isEqualTo("o9");
    assertThat(first.getString(2)).isEqualTo("{\"model\":\"o9\",\"temperature\":0,\"seed\":5}");
    assertThat(first.getString(3)).isEqualTo("[{\"role\":\"user\",\"content\":\"one\"}]");

    Map<String, JsonNode> answers = lines(out.resolve("openai-batch/output.jsonl"));
    assertThat(answers).containsOnlyKeys("r1", "r2");
    JsonNode body = answers.get("r2").path("response").path("body");
    assertThat(answers.get("r2").path("response").path("status_code").asInt()).isEqualTo(200);
    assertThat(body.path("object").asText()).isEqualTo("chat.completion");
    assertThat(body.path("choices")).hasSize(3);
    assertThat(body.path("choices").get(2).path("index").asInt()).isEqualTo(2);
    JsonNode choice = body.path("choices").get(0);
    assertThat(choice.path("finish_reason").asText()).isEqualTo("stop");
    assertThat(choice.path("message").path("content").asText()).startsWith("\\boxed{");
    assertThat(choice.path("message").path("reasoning_content").asText()).startsWith("about ");
    assertThat(body.path("usage").path("total_tokens").asInt())
        .isEqualTo(
            body.path("usage").path("prompt_tokens").asInt()
                + body.path("usage").path("completion_tokens").asInt());

    Map<String, JsonNode> errors = lines(out.resolve("openai-batch/errors.jsonl"));
    assertThat(error(errors, "r3"))
        .isEqualTo(
            "INVALID_ARGUMENT The row's temperature is -2.0; it must be 0 (greedy), or 1e-6 to 100.");
    assertThat(error(errors, "r4"))
        .isEqualTo(
            "INVALID_PROMPT body.logit_bias is {\"5\":1}, which is not supported and would change the"
                + " result; remove it from the request.");
    assertThat(error(errors, "r5"))
        .isEqualTo("INVALID_PROMPT The messages hold nothing but white space.");
    assertThat(error(errors, "6")).isEqualTo("INVALID_PROMPT custom_id is 6; it must be a text.");
    assertThat(errors.values().stream().map(line -> line.path("error").path("message").asText()))
        .contains("The id of the row is null or blank.", "The line is not a JSON object.");
    assertThat(errors).hasSize(6);
  }

  @Test
  void rowsHaveSettingsOfTheirOwnFromColumns() {
    Path in =
        JobRun.file(
            folder,
            "in.jsonl",
            """
            {"id": "a", "prompt": "p", "t": 0.3, "s": 11, "k": 2, "policy": "full", "end": ["x"]}
            {"id": "b", "prompt": "p", "t": null, "s": null, "k": null, "policy": null, "end": null}
            {"id": "c", "prompt": "p", "t": 900, "s": 1, "k": 1, "policy": "full", "end": ["x"]}
            {"id": "d", "prompt": "p", "t": 1, "s": 1, "k": 1, "policy": "best", "end": ["x"]}
            {"id": "e", "prompt": "p", "t": 1, "s": 1, "k": 0, "policy": "full", "end": [""]}
            """);
    Path out = folder.resolve("out");
    JobRun run =
        JobRun.run(
            in,
            out,
            "--seed=4",
            "--parameter-column=temperature=t",
            "--parameter-column=seed=s",
            "--parameter-column=samples=k",
            "--parameter-column=kv_policy=policy",
            "--parameter-column=stop=end");
    assertThat(run.exitCode()).as(run.output()).isZero();
    Map<String, String> rows = new TreeMap<>();
    for (Row row :
        JobRun.traces(out)
            .selectExpr(
                "row_key",
                "sample_index",
                "coalesce(error_message, concat_ws(' ', status, seed, kv_policy.name))")
            .collectAsList()) {
      rows.put(row.getString(0) + row.getInt(1), row.getString(2));
    }
    assertThat(rows)
        .isEqualTo(
            Map.of(
                "a0", "ok 11 full",
                "a1", "ok 11 full",
                "b0", "ok 4 rpc",
                "c0", "The row's temperature is 900.0; it must be 0 (greedy), or 1e-6 to 100.",
                "d0",
                    "The row's KV policy 'best' is unknown; choose one of full, rpc, sinks-window, random,"
                        + " tova, snapkv, h2o, r-kv, g-kv, lagkv, chunkkv, vase, triattention.",
                "e0",
                    "The row's stop is '[]'; it must be a text or a list of texts, none of them empty."));
  }

  @Test
  void wrongOptionsAreRefusedBeforeAnythingStarts() {
    Path in = JobRun.file(folder, "in.jsonl", REQUESTS);
    Path plain = JobRun.file(folder, "plain.jsonl", "{\"prompt\": \"p\", \"when\": [1]}\n");
    refused(
        JobRun.run(in, folder.resolve("o")),
        "--input "
            + in
            + " holds requests of OpenAI's Batch format; add --input-format openai-batch.");
    refused(
        JobRun.run(in, folder.resolve("o"), "--input-format=openai-batch", "--prompt-column=body"),
        "--prompt-column and --input-format openai-batch exclude each other; give one of them.");
    refused(
        JobRun.run(plain, folder.resolve("o"), "--parameter-column=heat=when"),
        "--parameter-column is 'heat'; it must be one of temperature, top-p, top-k, min-p,"
            + " repetition-penalty, max-new-tokens, seed, stop, samples, kv-policy.");
    refused(
        JobRun.run(plain, folder.resolve("o"), "--parameter-column=seed=nope"),
        "--parameter-column seed= nope: --input " + plain + " has no such column; it has when.");
    refused(
        JobRun.run(plain, folder.resolve("o"), "--parameter-column=seed=when"),
        "--parameter-column seed= when of --input "
            + plain
            + " is of type ARRAY<BIGINT>; it must be a number.");
    refused(
        JobRun.run(plain, folder.resolve("o"), "--output-format=delta,parquet"),
        "--output-format is 'delta,parquet'; it must be delta or parquet, openai-batch, or one of"
            + " each with a comma.");
    refused(
        JobRun.run(plain, folder.resolve("o"), "--model-cache=here"),
        "--model-cache is 'here'; it must be an absolute path.");
  }

  private static void refused(JobRun run, String sentence) {
    assertThat(run.exitCode()).isEqualTo(2);
    assertThat(run.output()).isEqualTo("tracemill: " + sentence + "\n");
  }

  private static String error(Map<String, JsonNode> errors, String id) {
    JsonNode error = errors.get(id).path("error");
    return error.path("code").asText() + " " + error.path("message").asText();
  }

  private static Map<String, JsonNode> lines(Path file) throws Exception {
    Map<String, JsonNode> lines = new TreeMap<>();
    for (String line : Files.readAllLines(file)) {
      JsonNode json = new ObjectMapper().readTree(line);
      assertThat(lines.put(json.path("custom_id").asText(), json)).isNull();
    }
    return lines;
  }
}
