package io.tracemill.job.input;

import java.util.List;
import java.util.stream.Stream;

/** Rows that are refused, with their sentences: cases of tests and a part of docs/errors.md. */
public final class BadRows {
  private static final String HI = "\"messages\": [{\"role\": \"user\", \"content\": \"Hi\"}]";

  private BadRows() {}

  /** A setting of a row and what is said to it. */
  public record Setting(RowParameter parameter, Object value, String said) {}

  /** A line and what is said to it. */
  public record Request(String line, String said) {}

  /** Settings over a run of two samples with RPC and a window of 32 tokens. */
  public static Stream<Setting> settings() {
    return Stream.of(
        new Setting(
            RowParameter.TEMPERATURE,
            "hot",
            "The row's temperature is 'hot'; it must be a number."),
        new Setting(
            RowParameter.TEMPERATURE,
            "NaN",
            "The row's temperature is 'NaN'; it must be a number."),
        new Setting(
            RowParameter.TEMPERATURE,
            -1,
            "The row's temperature is -1.0; it must be 0 (greedy), or 1e-6 to 100."),
        new Setting(
            RowParameter.TEMPERATURE,
            "1e-9",
            "The row's temperature is 1.0E-9; it must be 0 (greedy), or 1e-6 to 100."),
        new Setting(
            RowParameter.TOP_P, 1.5, "The row's top-p is 1.5; it must be above 0 and at most 1."),
        new Setting(
            RowParameter.MIN_P, 1, "The row's min-p is 1.0; it must be at least 0 and below 1."),
        new Setting(
            RowParameter.TOP_K,
            2.5,
            "The row's top-k is '2.5'; it must be a whole number from 0 to 2,147,483,647."),
        new Setting(
            RowParameter.REPETITION_PENALTY,
            0,
            "The row's repetition-penalty is 0.0; it must be above 0 and at most 100."),
        new Setting(
            RowParameter.MAX_NEW_TOKENS,
            "0",
            "The row's max-new-tokens is '0'; it must be a whole number from 1 to 2,147,483,647."),
        new Setting(
            RowParameter.SEED,
            "1e30",
            "The row's seed is '1e30'; it must be a whole number of 64 bits."),
        new Setting(
            RowParameter.SAMPLES,
            2000,
            "The row's samples is '2000'; it must be a whole number from 1 to 1,024."),
        new Setting(
            RowParameter.STOP,
            List.of("a", 1),
            "The row's stop is '[a, 1]'; it must be a text or a list of texts, none of them empty."),
        new Setting(
            RowParameter.STOP,
            List.of(""),
            "The row's stop is '[]'; it must be a text or a list of texts, none of them empty."),
        new Setting(
            RowParameter.KV_POLICY,
            "snap",
            "The row's KV policy 'snap' is unknown; choose one of full, rpc, sinks-window, random,"
                + " tova, snapkv, h2o, r-kv, g-kv, lagkv, chunkkv, vase, triattention."),
        new Setting(
            RowParameter.KV_POLICY,
            "rpc 512",
            "The row's kv-policy is 'rpc 512'; after the name, '512' must be of the form"
                + " name=value."),
        new Setting(
            RowParameter.KV_POLICY,
            "rpc interval=x",
            "The row's kv-policy is 'rpc interval=x'; its interval must be a whole number."),
        new Setting(
            RowParameter.KV_POLICY,
            "rpc window=64",
            "The row's kv-policy 'rpc window=64' needs the queries of the last 64 tokens, but"
                + " engines of this run keep 32; start the run with --query-ring 64."),
        new Setting(
            RowParameter.KV_POLICY,
            "h2o",
            "The row's kv-policy 'h2o' needs the queries of the last 128 tokens, but engines of this"
                + " run keep 32; start the run with --query-ring 128."));
  }

  /** Lines of OpenAI's Batch format. */
  public static Stream<Request> requests() {
    return Stream.of(
        new Request("{\"custom_id\": ", "The line is not a JSON object."),
        new Request("[1]", "The line is not a JSON object."),
        new Request(
            "{\"custom_id\": \"a\", \"custom_id\": \"b\"}", "The line is not a JSON object."),
        new Request("{\"custom_id\": \"a\"}", "The request has no body."),
        new Request("{\"method\": \"GET\", \"body\": {}}", "method is 'GET'; it must be POST."),
        new Request(
            "{\"url\": \"/v1/embeddings\", \"body\": {}}",
            "url is '/v1/embeddings'; only /v1/chat/completions can be answered."),
        new Request("{\"body\": {}}", "body.messages is missing or not a list."),
        new Request("{\"body\": {\"messages\": [1]}}", "Message 1 is not an object."),
        new Request(
            "{\"body\": {\"messages\": [{\"role\": \"user\", \"content\": 5}]}}",
            "The content of message 1 is neither a text nor a list of parts."),
        new Request(
            "{\"body\": {\"messages\": [{\"role\": \"user\", \"content\": [{\"type\": \"image_url\"}]}]}}",
            "Message 1 has a part of type 'image_url'; the model reads text only."),
        field("\"temperature\": \"0.5\"", "body.temperature is \"0.5\"; it must be a number."),
        field("\"n\": [1]", "body.n is [1]; it must be a number."),
        field("\"stop\": 5", "body.stop is 5; it must be a text or a list of texts."),
        field("\"kv_policy\": 5", "body.kv_policy is 5; it must be a text."),
        field(
            "\"max_tokens\": 5, \"max_completion_tokens\": 6",
            "body.max_tokens and body.max_completion_tokens differ; leave one of them out."),
        field(
            "\"frequency_penalty\": 0.5",
            "body.frequency_penalty is 0.5, which is not supported and would change the result;"
                + " remove it from the request."),
        field(
            "\"response_format\": {\"type\": \"json_object\"}",
            "body.response_format is {\"type\":\"json_object\"}, which is not supported and would"
                + " change the result; remove it from the request."),
        field(
            "\"tools\": [{\"type\": \"function\"}]",
            "body.tools is [{\"type\":\"function\"}], which is not supported and would change the"
                + " result; remove it from the request."),
        field(
            "\"reasoning_effort\": \"high\"",
            "body.reasoning_effort is not known here and might change the result; remove it from the"
                + " request."));
  }

  private static Request field(String field, String said) {
    return new Request("{\"body\": {" + field + ", " + HI + "}}", said);
  }
}
