package io.tracemill.engine;

import static org.assertj.core.api.Assertions.assertThat;

import com.fasterxml.jackson.databind.JsonNode;
import com.fasterxml.jackson.databind.ObjectMapper;
import io.tracemill.engine.api.CompressionEvent;
import io.tracemill.engine.api.FinishReason;
import io.tracemill.engine.api.GenerationRequest;
import io.tracemill.engine.api.GenerationResult;
import io.tracemill.engine.api.KvPolicySettings;
import io.tracemill.engine.api.Prompt;
import io.tracemill.engine.api.SamplingParams;
import java.io.IOException;
import java.io.InputStream;
import java.util.ArrayList;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import org.junit.jupiter.api.Test;

/**
 * Outputs of the independent reference program ({@code golden/reference.py}), reproduced through
 * the whole engine with all policies mixed in one batch: rendered prompt, tokens, every
 * compression.
 */
final class TestGoldenThroughEngine {
  private static final List<String> FIXTURES = List.of("demo-0023", "demo-0016");
  private static final int NEW_TOKENS = 400;

  @Test
  void promptsTokensAndCompressionsAreThoseOfTheReference() throws IOException {
    List<GenerationRequest> requests = new ArrayList<>();
    Map<String, JsonNode> expected = new LinkedHashMap<>();
    Map<String, JsonNode> fixtures = new LinkedHashMap<>();
    for (String name : FIXTURES) {
      JsonNode fixture = read(name);
      fixtures.put(name, fixture);
      add(
          requests,
          expected,
          name + " full",
          fixture,
          fixture.get("full"),
          KvPolicySettings.full());
      for (JsonNode run : fixture.get("rpc")) {
        KvPolicySettings policy = policy(run);
        String key =
            "%s P=%d %s %s"
                .formatted(
                    name,
                    policy.intervalTokens(),
                    policy.mode(),
                    policy.options().get("aggregation"));
        add(requests, expected, key, fixture, run, policy);
      }
    }
    Map<String, GenerationResult> results;
    try (ReasoningEngine engine = ReasoningEngine.open(DemoEngine.options(16, 2))) {
      results = DemoEngine.run(engine, requests);
      assertThat(engine.snapshot().compressions())
          .isEqualTo(results.values().stream().mapToInt(r -> r.kv().compressions()).sum())
          .isGreaterThan(20);
    }
    assertThat(results).hasSize(14);
    for (Map.Entry<String, JsonNode> entry : expected.entrySet()) {
      GenerationResult result = results.get(entry.getKey());
      JsonNode fixture = fixtures.get(entry.getKey().substring(0, "demo-0000".length()));
      assertThat(result.tokens().prompt()).isEqualTo(fixture.get("prompt_ids").size());
      checkTokens(entry.getKey(), result, entry.getValue());
      checkCompressions(entry.getKey(), result, entry.getValue());
    }
  }

  private static void checkTokens(String name, GenerationResult result, JsonNode run) {
    int count = Math.min(run.get("ids").size(), NEW_TOKENS);
    int firm = Math.min(run.get("firm_tokens").intValue(), count);
    assertThat(firm).as(name).isGreaterThan(50);
    List<Integer> ids = new ArrayList<>();
    run.get("ids").forEach(id -> ids.add(id.intValue()));
    assertThat(result.tokenIds().subList(0, firm)).as(name).isEqualTo(ids.subList(0, firm));
    if (firm == ids.size() && run.get("stopped").booleanValue()) {
      assertThat(result.finishReason()).as(name).isEqualTo(FinishReason.STOP);
    }
  }

  private static void checkCompressions(String name, GenerationResult result, JsonNode run) {
    if (!run.has("compressions")) {
      assertThat(result.kv().events()).as(name).isEmpty();
      return;
    }
    int steps = result.tokens().generated() - 1;
    List<List<Integer>> due = new ArrayList<>();
    for (JsonNode compression : run.get("compressions")) {
      if (compression.get("step").intValue() <= steps) {
        due.add(
            List.of(
                compression.get("step").intValue(),
                compression.get("rows_before").intValue(),
                compression.get("rows_after").intValue()));
      }
    }
    List<List<Integer>> done = new ArrayList<>();
    for (CompressionEvent event : result.kv().events()) {
      done.add(List.of(event.step(), event.rowsBefore(), event.rowsAfter()));
      assertThat(event.scoreCut()).as(name).isPositive();
    }
    assertThat(done).as(name).isEqualTo(due);
  }

  private static void add(
      List<GenerationRequest> requests,
      Map<String, JsonNode> expected,
      String key,
      JsonNode fixture,
      JsonNode run,
      KvPolicySettings policy) {
    requests.add(
        new GenerationRequest(
            key,
            0,
            new Prompt.Text(fixture.get("prompt").textValue()),
            SamplingParams.greedy(NEW_TOKENS),
            policy));
    expected.put(key, run);
  }

  private static KvPolicySettings policy(JsonNode run) {
    return new KvPolicySettings(
        "rpc",
        run.get("P").intValue(),
        run.get("R").intValue(),
        run.get("P").intValue() / run.get("T").intValue(),
        run.get("selectors").textValue(),
        Map.of(
            "aggregation", run.get("aggregation").textValue(),
            "pooling-kernel", run.get("pool").asText()));
  }

  private static JsonNode read(String name) throws IOException {
    try (InputStream in =
        TestGoldenThroughEngine.class.getResourceAsStream("/golden/" + name + ".json")) {
      return new ObjectMapper().readTree(in);
    }
  }
}
