package io.tracemill.job.input;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import java.math.BigDecimal;
import java.util.List;
import java.util.Map;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.MethodSource;

/** Lines of OpenAI's Batch format, good and bad. */
class TestOpenAiRequest {
  private static final String HI = "\"messages\": [{\"role\": \"user\", \"content\": \"Hi\"}]";

  @Test
  void settingsAndTurnsAreTaken() throws BadRowException {
    OpenAiRequest request =
        body(
            """
            "model": "o9", "temperature": 0.2, "top_p": 0.9, "max_completion_tokens": 100, "seed": 5,
            "stop": ["END", "\\n\\n"], "n": 2, "user": "me", "stream": false, "logit_bias": {},
            "frequency_penalty": 0.0, "response_format": {"type": "text"}, "top_k": null,
            "kv_policy": "full",
            "messages": [{"role": "system", "content": "Be brief."},
              {"role": "user", "content": [{"type": "text", "text": "a"}, {"type": "text", "text": "b"}]}]
            """);
    assertThat(request.own())
        .containsOnly(
            Map.entry(RowParameter.TEMPERATURE, new BigDecimal("0.2")),
            Map.entry(RowParameter.TOP_P, new BigDecimal("0.9")),
            Map.entry(RowParameter.MAX_NEW_TOKENS, new BigDecimal("100")),
            Map.entry(RowParameter.SEED, new BigDecimal("5")),
            Map.entry(RowParameter.STOP, List.of("END", "\n\n")),
            Map.entry(RowParameter.SAMPLES, new BigDecimal("2")),
            Map.entry(RowParameter.KV_POLICY, "full"));
    assertThat(request.messages())
        .containsExactly(
            Map.of("role", "system", "content", "Be brief."),
            Map.of("role", "user", "content", "ab"));
  }

  @Test
  void theOlderNameOfTheBudgetIsTakenToo() throws BadRowException {
    assertThat(body("\"max_tokens\": 9, " + HI).own())
        .containsEntry(RowParameter.MAX_NEW_TOKENS, new BigDecimal("9"));
    assertThat(body("\"max_tokens\": 9, \"max_completion_tokens\": 9, " + HI).own()).hasSize(1);
  }

  @ParameterizedTest
  @MethodSource("io.tracemill.job.input.BadRows#requests")
  void whatCannotBeAnsweredIsRefusedByName(BadRows.Request bad) {
    assertThatThrownBy(() -> OpenAiRequest.parse(bad.line()))
        .isInstanceOf(BadRowException.class)
        .hasMessage(bad.said());
  }

  private static OpenAiRequest body(String fields) throws BadRowException {
    return OpenAiRequest.parse(
        "{\"custom_id\": \"a\", \"method\": \"POST\", \"url\": \"/v1/chat/completions\", \"body\": {"
            + fields
            + "}}");
  }
}
