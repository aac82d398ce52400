package io.tracemill.udf.model;

import com.fasterxml.jackson.core.JsonProcessingException;
import com.fasterxml.jackson.databind.JsonNode;
import com.fasterxml.jackson.databind.ObjectMapper;
import io.tracemill.engine.EngineOptions.Weights;
import java.util.ArrayList;
import java.util.Collection;
import java.util.List;
import java.util.TreeSet;

/**
 * Which files of a folder the engine reads. Published folders hold more: weights a second time in
 * other formats, samples, pictures.
 */
public final class CheckpointFiles {
  private static final String SINGLE = "model.safetensors";
  private static final String INDEX = "model.safetensors.index.json";
  private static final List<String> REQUIRED = List.of("config.json", "tokenizer.json");
  private static final List<String> OPTIONAL =
      List.of(
          "generation_config.json",
          "tokenizer_config.json",
          "special_tokens_map.json",
          "chat_template.jinja");
  private static final ObjectMapper JSON = new ObjectMapper();

  /** Reads a small file of the folder. */
  @FunctionalInterface
  public interface Reader {
    /** The file's bytes. */
    byte[] read(String name);
  }

  private CheckpointFiles() {}

  /**
   * The names of the needed files, in order.
   *
   * @param model what the user named, for messages
   * @param present all names in the folder
   * @param reader reads the table of shards where there is one
   * @throws io.tracemill.engine.error.ReasoningException where one that must be there is not
   */
  public static List<String> needed(
      String model, Collection<String> present, Weights weights, Reader reader) {
    TreeSet<String> needed = new TreeSet<>();
    for (String name : REQUIRED) {
      if (!present.contains(name)) {
        throw ModelErrors.missingFile(model, name);
      }
      needed.add(name);
    }
    OPTIONAL.stream().filter(present::contains).forEach(needed::add);
    if (weights == Weights.CHECKPOINT) {
      needed.addAll(weightFiles(model, present, reader));
    }
    return List.copyOf(needed);
  }

  private static List<String> weightFiles(String model, Collection<String> present, Reader reader) {
    if (!present.contains(INDEX)) {
      if (!present.contains(SINGLE)) {
        throw ModelErrors.missingFile(model, "*.safetensors file");
      }
      return List.of(SINGLE);
    }
    List<String> files = new ArrayList<>(List.of(INDEX));
    for (String shard : shards(model, reader.read(INDEX))) {
      if (!present.contains(shard)) {
        throw ModelErrors.missingShard(model, shard, INDEX);
      }
      files.add(shard);
    }
    return files;
  }

  private static Collection<String> shards(String model, byte[] index) {
    TreeSet<String> shards = new TreeSet<>();
    try {
      JsonNode map = JSON.readTree(index).path("weight_map");
      map.forEach(shard -> shards.add(shard.asText()));
    } catch (JsonProcessingException e) {
      throw ModelErrors.badIndex(model, INDEX, e.getOriginalMessage(), e);
    } catch (java.io.IOException e) {
      throw ModelErrors.badIndex(model, INDEX, e.getMessage(), e);
    }
    if (shards.isEmpty()) {
      throw ModelErrors.badIndex(model, INDEX, "it has no weight_map", null);
    }
    for (String shard : shards) {
      // A copy goes where its name says; a name with a folder in it could go anywhere.
      if (shard.contains("/") || shard.contains("\\") || !shard.endsWith(".safetensors")) {
        throw ModelErrors.badIndex(model, INDEX, "'" + shard + "' is no safetensors file", null);
      }
    }
    return shards;
  }
}
