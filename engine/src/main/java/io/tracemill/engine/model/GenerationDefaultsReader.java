package io.tracemill.engine.model;

import com.fasterxml.jackson.databind.JsonNode;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.List;

/**
 * Reads {@code generation_config.json}. The file is optional; stop tokens fall back to {@code
 * eos_token_id} of {@code config.json}.
 */
public final class GenerationDefaultsReader {
  private static final String FILE = "generation_config.json";

  private GenerationDefaultsReader() {}

  /**
   * Reads the defaults of a checkpoint directory.
   *
   * @throws io.tracemill.engine.error.ReasoningException with code {@code INVALID_CHECKPOINT} for a
   *     malformed file or a value out of its range
   */
  public static GenerationDefaults read(Path modelDirectory) {
    Path file = modelDirectory.resolve(FILE);
    JsonFile config = JsonFile.read(modelDirectory.resolve("config.json"));
    if (!Files.exists(file)) {
      return new GenerationDefaults(0, 0, 1, 0, 1, stopTokenIds(config));
    }
    JsonFile json = JsonFile.read(file);
    List<Integer> stopTokenIds = stopTokenIds(json);
    boolean sample = json.flag("do_sample", false);
    double temperature = inRange(json, "temperature", 1, 0, 100);
    return new GenerationDefaults(
        sample ? (float) temperature : 0,
        (int) inRange(json, "top_k", 0, 0, Integer.MAX_VALUE),
        positive(json, "top_p", 1),
        (float) inRange(json, "min_p", 0, 0, 1),
        positive(json, "repetition_penalty", 100),
        stopTokenIds.isEmpty() ? stopTokenIds(config) : stopTokenIds);
  }

  private static List<Integer> stopTokenIds(JsonFile json) {
    List<Integer> ids = new ArrayList<>();
    JsonNode node = json.node("eos_token_id");
    Iterable<JsonNode> nodes = node.isArray() ? node : List.of(node);
    for (JsonNode id : nodes) {
      if (id.isMissingNode() || id.isNull()) {
        continue;
      }
      if (!id.isIntegralNumber() || !id.canConvertToInt() || id.intValue() < 0) {
        throw json.wrongType("eos_token_id", "a token id or a list of token ids");
      }
      ids.add(id.intValue());
    }
    return ids;
  }

  private static float positive(JsonFile json, String key, double max) {
    double value = inRange(json, key, 1, 0, max);
    if (value == 0) {
      throw json.wrongType(key, "above 0");
    }
    return (float) value;
  }

  private static double inRange(JsonFile json, String key, double absent, double min, double max) {
    double value = json.number(key, absent);
    if (!(value >= min && value <= max)) {
      throw json.wrongType(key, "%s to %s".formatted(min, max));
    }
    return value;
  }
}
