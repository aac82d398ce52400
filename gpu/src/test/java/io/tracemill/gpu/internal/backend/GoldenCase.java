package io.tracemill.gpu.internal.backend;

import com.fasterxml.jackson.databind.JsonNode;
import com.fasterxml.jackson.databind.json.JsonMapper;
import io.tracemill.engine.api.HeadAggregation;
import io.tracemill.engine.compress.RowPlan;
import io.tracemill.engine.compress.ScoreRule.SelectorAttention;
import java.io.IOException;
import java.io.InputStream;
import java.io.UncheckedIOException;
import java.util.ArrayList;
import java.util.Collections;
import java.util.List;
import java.util.Optional;

/**
 * One output of a golden file: the full cache, or one setting of RPC.
 *
 * @param id prompt and setting, for messages
 * @param prompt prompt tokens
 * @param promptLogits logits after the prompt
 * @param ids greedy output
 * @param gaps highest minus second highest logit per output token
 * @param interval P; 0 for the full cache
 * @param window R
 * @param kept T
 * @param rule how rows are ranked
 * @param traces the first compressions, as the file has them
 */
record GoldenCase(
    String id,
    int[] prompt,
    float[] promptLogits,
    int[] ids,
    float[] gaps,
    int interval,
    int window,
    int kept,
    SelectorAttention rule,
    JsonNode traces) {
  private static final JsonMapper MAPPER = JsonMapper.builder().build();

  /** The full-cache outputs of all files. */
  static List<GoldenCase> full() {
    List<GoldenCase> cases = new ArrayList<>();
    for (JsonNode file : read("manifest.json").get("files")) {
      JsonNode json = read(file.get("file").textValue());
      SelectorAttention none = new SelectorAttention(List.of(1f), HeadAggregation.ALL, 1);
      cases.add(of(json, json.get("full"), json.get("id").textValue(), 0, 0, 0, none));
    }
    return cases;
  }

  /** The RPC outputs of all files. */
  static List<GoldenCase> rpc() {
    List<GoldenCase> cases = new ArrayList<>();
    for (JsonNode file : read("manifest.json").get("files")) {
      JsonNode json = read(file.get("file").textValue());
      for (JsonNode run : json.get("rpc")) {
        int window = run.get("R").intValue();
        List<Float> weights = new ArrayList<>(Collections.nCopies(window, 1f));
        if (run.get("selectors").textValue().equals("release")) {
          weights.set(0, 0f);
          weights.set(window - 1, 2f);
        }
        String aggregation = run.get("aggregation").textValue();
        SelectorAttention rule =
            new SelectorAttention(
                weights,
                aggregation.equals("group") ? HeadAggregation.GROUP : HeadAggregation.ALL,
                run.get("pool").intValue());
        int interval = run.get("P").intValue();
        String id =
            "%s P=%d R=%d %s %s"
                .formatted(
                    json.get("id").textValue(),
                    interval,
                    window,
                    run.get("selectors").textValue(),
                    aggregation);
        cases.add(of(json, run, id, interval, window, run.get("T").intValue(), rule));
      }
    }
    return cases;
  }

  private static GoldenCase of(
      JsonNode file,
      JsonNode run,
      String id,
      int interval,
      int window,
      int kept,
      SelectorAttention rule) {
    return new GoldenCase(
        id,
        ints(file.get("prompt_ids")),
        floats(file.get("prompt_logits")),
        ints(run.get("ids")),
        floats(run.get("gaps")),
        interval,
        window,
        kept,
        rule,
        run.path("traces"));
  }

  /** The compression that is due after decode step {@code step}, if one is. */
  Optional<RowPlan> planAfter(int step) {
    if (interval == 0 || step < interval + window || (step - window) % interval != 0) {
      return Optional.empty();
    }
    int number = (step - window) / interval;
    return Optional.of(
        new RowPlan(prompt.length, (number - 1) * kept + interval, number * kept, window));
  }

  static int[] ints(JsonNode array) {
    int[] values = new int[array.size()];
    for (int i = 0; i < values.length; i++) {
      values[i] = array.get(i).intValue();
    }
    return values;
  }

  static float[] floats(JsonNode array) {
    float[] values = new float[array.size()];
    for (int i = 0; i < values.length; i++) {
      values[i] = array.get(i).floatValue();
    }
    return values;
  }

  private static JsonNode read(String name) {
    try (InputStream in = GoldenCase.class.getResourceAsStream("/golden/" + name)) {
      return MAPPER.readTree(in);
    } catch (IOException e) {
      throw new UncheckedIOException(e);
    }
  }
}
