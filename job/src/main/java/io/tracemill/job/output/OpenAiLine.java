package io.tracemill.job.output;

import com.fasterxml.jackson.databind.ObjectMapper;
import com.fasterxml.jackson.databind.node.ArrayNode;
import com.fasterxml.jackson.databind.node.ObjectNode;
import java.nio.charset.StandardCharsets;
import java.time.Instant;
import java.util.ArrayList;
import java.util.Comparator;
import java.util.List;
import java.util.Optional;
import java.util.UUID;
import org.apache.spark.sql.Row;
import scala.Tuple2;

/** One line of OpenAI's Batch output: the samples of a request as the choices of a completion. */
final class OpenAiLine {
  /** Columns of the traces table that a line is made of. */
  static final List<String> COLUMNS =
      List.of(
          "sample_index",
          "status",
          "finish_reason",
          "error_class",
          "error_message",
          "model_id",
          "prompt_tokens",
          "thinking_tokens",
          "generated_tokens",
          "finished_at",
          "answer",
          "trace");

  private static final ObjectMapper JSON = new ObjectMapper();

  private OpenAiLine() {}

  /** Whether the request was answered, and its line. */
  static Tuple2<Boolean, String> of(String fingerprint, Row request) {
    String key = request.getString(request.fieldIndex("row_key"));
    List<Row> samples = new ArrayList<>(request.getList(request.fieldIndex("samples")));
    samples.sort(Comparator.comparingInt(row -> row.getInt(row.fieldIndex("sample_index"))));
    Optional<Row> failed =
        samples.stream().filter(row -> !text(row, "status").equals("ok")).findFirst();
    // The same settings and request give the same ids, however often a run was resumed.
    String id =
        UUID.nameUUIDFromBytes((fingerprint + "\n" + key).getBytes(StandardCharsets.UTF_8))
            .toString();
    ObjectNode line = JSON.createObjectNode();
    line.put("id", "batch_req_" + id);
    line.put("custom_id", key);
    if (failed.isPresent()) {
      line.putNull("response");
      line.putObject("error")
          .put("code", text(failed.get(), "error_class"))
          .put("message", text(failed.get(), "error_message"));
    } else {
      ObjectNode response = line.putObject("response");
      response.put("status_code", 200);
      response.put("request_id", "req_" + id);
      completion(response.putObject("body"), "chatcmpl-" + id, samples);
      line.putNull("error");
    }
    return new Tuple2<>(failed.isEmpty(), line.toString());
  }

  private static void completion(ObjectNode body, String id, List<Row> samples) {
    long created =
        samples.stream()
            .mapToLong(row -> ((Instant) row.get(row.fieldIndex("finished_at"))).getEpochSecond())
            .max()
            .orElseThrow();
    body.put("id", id).put("object", "chat.completion").put("created", created);
    body.put("model", text(samples.get(0), "model_id"));
    ArrayNode choices = body.putArray("choices");
    long completionTokens = 0;
    long reasoningTokens = 0;
    for (Row sample : samples) {
      choices.add(choice(sample));
      completionTokens += number(sample, "generated_tokens");
      reasoningTokens += number(sample, "thinking_tokens");
    }
    long promptTokens = number(samples.get(0), "prompt_tokens");
    ObjectNode usage = body.putObject("usage");
    usage.put("prompt_tokens", promptTokens);
    usage.put("completion_tokens", completionTokens);
    usage.put("total_tokens", promptTokens + completionTokens);
    usage.putObject("completion_tokens_details").put("reasoning_tokens", reasoningTokens);
  }

  private static ObjectNode choice(Row sample) {
    String answer = text(sample, "answer");
    String reason = text(sample, "finish_reason");
    ObjectNode choice = JSON.createObjectNode();
    choice.put("index", number(sample, "sample_index"));
    ObjectNode message = choice.putObject("message");
    message.put("role", "assistant");
    // Null where the output was cut off while it was still thinking: no answer was given.
    message.put("content", answer);
    message.put("reasoning_content", reasoning(text(sample, "trace"), answer));
    message.putNull("refusal");
    choice.putNull("logprobs");
    choice.put(
        "finish_reason",
        switch (reason) {
          case "stop", "stop_string" -> "stop";
          default -> "length"; // OpenAI knows no other word for an output that did not end.
        });
    choice.put("native_finish_reason", reason);
    return choice;
  }

  /** What stands before the answer, without the marks around it; null where that is nothing. */
  private static String reasoning(String trace, String answer) {
    if (trace == null) {
      return null;
    }
    int end = answer == null ? trace.length() : trace.lastIndexOf(answer);
    String before = (end < 0 ? "" : trace.substring(0, end)).strip();
    String inside = before.startsWith("<think>") ? before.substring("<think>".length()) : before;
    String reasoning =
        inside.endsWith("</think>")
            ? inside.substring(0, inside.length() - "</think>".length())
            : inside;
    return reasoning.isBlank() ? null : reasoning.strip();
  }

  private static String text(Row row, String column) {
    return row.getString(row.fieldIndex(column));
  }

  private static long number(Row row, String column) {
    return row.getInt(row.fieldIndex(column));
  }
}
