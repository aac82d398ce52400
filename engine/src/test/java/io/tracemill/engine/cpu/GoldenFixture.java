package io.tracemill.engine.cpu;

import com.fasterxml.jackson.databind.JsonNode;
import com.fasterxml.jackson.databind.json.JsonMapper;
import java.io.IOException;
import java.io.InputStream;
import java.io.UncheckedIOException;
import java.util.ArrayList;
import java.util.List;
import java.util.stream.StreamSupport;

/**
 * One golden file; {@code golden/reference.py} defines every field.
 *
 * @param id the prompt's id
 * @param promptIds tokens of the rendered prompt
 * @param promptLogits logits after the last prompt token
 * @param full output with a full cache
 * @param rpc outputs with compression
 */
record GoldenFixture(
    String id, int[] promptIds, float[] promptLogits, Output full, List<RpcOutput> rpc) {

  /** One output. */
  record Output(int[] ids, float[] gaps, int firmTokens, int stableTokens, int finalRows) {}

  /** One output with compression. */
  record RpcOutput(
      String selectors,
      String aggregation,
      int interval,
      int window,
      int kept,
      int pool,
      Output output,
      int firmCompressions,
      List<JsonNode> compressions,
      List<JsonNode> traces) {
    String name() {
      return "P=%d R=%d %s %s".formatted(interval, window, selectors, aggregation);
    }
  }

  private static final JsonMapper MAPPER = JsonMapper.builder().build();

  static JsonNode manifest() {
    return read("manifest.json");
  }

  static List<GoldenFixture> all() {
    List<GoldenFixture> fixtures = new ArrayList<>();
    for (JsonNode file : manifest().get("files")) {
      fixtures.add(of(read(file.get("file").textValue())));
    }
    return fixtures;
  }

  private static GoldenFixture of(JsonNode json) {
    List<RpcOutput> rpc = new ArrayList<>();
    for (JsonNode run : json.get("rpc")) {
      rpc.add(
          new RpcOutput(
              run.get("selectors").textValue(),
              run.get("aggregation").textValue(),
              run.get("P").intValue(),
              run.get("R").intValue(),
              run.get("T").intValue(),
              run.get("pool").intValue(),
              output(run),
              run.get("firm_compressions").intValue(),
              list(run.get("compressions")),
              list(run.get("traces"))));
    }
    return new GoldenFixture(
        json.get("id").textValue(),
        ints(json.get("prompt_ids")),
        floats(json.get("prompt_logits")),
        output(json.get("full")),
        rpc);
  }

  private static Output output(JsonNode run) {
    return new Output(
        ints(run.get("ids")),
        floats(run.get("gaps")),
        run.get("firm_tokens").intValue(),
        run.get("stable_tokens").intValue(),
        run.get("final_rows").intValue());
  }

  private static JsonNode read(String name) {
    try (InputStream in = GoldenFixture.class.getResourceAsStream("/golden/" + name)) {
      return MAPPER.readTree(in);
    } catch (IOException e) {
      throw new UncheckedIOException(e);
    }
  }

  private static List<JsonNode> list(JsonNode array) {
    return StreamSupport.stream(array.spliterator(), false).toList();
  }

  static int[] ints(JsonNode array) {
    return StreamSupport.stream(array.spliterator(), false).mapToInt(JsonNode::intValue).toArray();
  }

  static float[] floats(JsonNode array) {
    float[] values = new float[array.size()];
    for (int i = 0; i < values.length; i++) {
      values[i] = array.get(i).floatValue();
    }
    return values;
  }
}
