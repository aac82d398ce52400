package io.tracemill.engine.weights;

import com.fasterxml.jackson.core.StreamReadFeature;
import com.fasterxml.jackson.databind.JsonNode;
import com.fasterxml.jackson.databind.json.JsonMapper;
import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.HashMap;
import java.util.Iterator;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import java.util.Optional;

/**
 * The safetensors files of a checkpoint directory: {@code model.safetensors}, or the shards that
 * {@code model.safetensors.index.json} lists. Files are mapped, never copied as a whole.
 */
final class Checkpoint implements AutoCloseable {
  private static final String SINGLE = "model.safetensors";
  private static final String INDEX = "model.safetensors.index.json";
  private static final JsonMapper MAPPER =
      JsonMapper.builder().enable(StreamReadFeature.STRICT_DUPLICATE_DETECTION).build();

  private final Path directory;
  private final List<SafetensorsFile> files = new ArrayList<>();
  private final Map<String, WeightTensor> tensors = new HashMap<>();
  private final Map<String, Path> origins = new HashMap<>();

  private Checkpoint(Path directory) {
    this.directory = directory;
  }

  static Checkpoint open(Path directory) {
    Checkpoint checkpoint = new Checkpoint(directory);
    try {
      Path index = directory.resolve(INDEX);
      Path single = directory.resolve(SINGLE);
      if (Files.exists(index)) {
        checkpoint.openShards(index);
      } else if (Files.exists(single)) {
        checkpoint.add(SafetensorsFile.open(single));
      } else {
        throw CheckpointErrors.noWeights(directory);
      }
      return checkpoint;
    } catch (RuntimeException e) {
      checkpoint.close();
      throw e;
    }
  }

  private void openShards(Path index) {
    Map<String, String> shardOf = readIndex(index);
    Map<String, SafetensorsFile> shards = new LinkedHashMap<>();
    for (String shard : shardOf.values()) {
      if (shards.containsKey(shard)) {
        continue;
      }
      Path file = directory.resolve(shard);
      if (!Files.isRegularFile(file)) {
        throw CheckpointErrors.missingShard(index, shard);
      }
      SafetensorsFile opened = SafetensorsFile.open(file);
      shards.put(shard, opened);
      add(opened);
    }
    shardOf.forEach(
        (tensor, shard) -> {
          if (!shards.get(shard).tensors().containsKey(tensor)) {
            throw CheckpointErrors.notInShard(directory.resolve(shard), tensor);
          }
        });
  }

  private static Map<String, String> readIndex(Path index) {
    JsonNode map;
    try {
      map = MAPPER.readTree(Files.readAllBytes(index)).path("weight_map");
    } catch (IOException e) {
      String message = String.valueOf(e.getMessage());
      int end = message.indexOf('\n');
      throw CheckpointErrors.badIndex(index, end < 0 ? message : message.substring(0, end));
    }
    if (!map.isObject() || map.isEmpty()) {
      throw CheckpointErrors.badIndex(index, "it has no weight_map");
    }
    Map<String, String> shardOf = new LinkedHashMap<>();
    for (Iterator<Map.Entry<String, JsonNode>> it = map.fields(); it.hasNext(); ) {
      Map.Entry<String, JsonNode> field = it.next();
      String shard = field.getValue().asText();
      // A shard lies beside its index; a path elsewhere would read files that nobody named.
      if (!field.getValue().isTextual() || shard.contains("/") || shard.contains("\\")) {
        throw CheckpointErrors.badIndex(
            index, field.getKey() + " is in " + field.getValue() + ", which is no file name");
      }
      shardOf.put(field.getKey(), shard);
    }
    return shardOf;
  }

  private void add(SafetensorsFile file) {
    files.add(file);
    file.tensors()
        .forEach(
            (name, tensor) -> {
              if (tensors.put(name, tensor) != null) {
                throw CheckpointErrors.inTwoShards(name, origins.get(name), file.path());
              }
              origins.put(name, file.path());
            });
  }

  Path directory() {
    return directory;
  }

  Optional<WeightTensor> find(String name) {
    return Optional.ofNullable(tensors.get(name));
  }

  /** The names of all tensors. */
  Iterable<String> names() {
    return tensors.keySet();
  }

  @Override
  public void close() {
    files.forEach(SafetensorsFile::close);
  }
}
