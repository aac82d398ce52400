package io.tracemill.udf.table;

import com.fasterxml.jackson.databind.JsonNode;
import com.fasterxml.jackson.databind.ObjectMapper;
import com.fasterxml.jackson.databind.node.ObjectNode;
import java.io.IOException;
import java.util.List;
import java.util.Objects;
import org.apache.spark.sql.types.DataType;
import org.apache.spark.sql.types.StructType;

/**
 * What a writer states when it takes a table over.
 *
 * @param writer larger than that of any earlier claim
 * @param run that writes; empty where a version wrote the claim that did not record it
 * @param type of the table's rows from now on: all columns that any writer brought
 * @param waves ids of the waves of earlier writers that count; what else these write does not
 */
record WaveClaim(long writer, String run, StructType type, List<String> waves) {
  private static final ObjectMapper JSON = new ObjectMapper();

  WaveClaim {
    Objects.requireNonNull(run, "run");
    Objects.requireNonNull(type, "type");
    waves = List.copyOf(waves);
  }

  /** Whether a wave belongs to the table as long as this is the newest claim. */
  boolean counts(ParquetWave wave) {
    return wave.writer() == writer || waves.contains(wave.id());
  }

  byte[] toJson() throws IOException {
    ObjectNode root = JSON.createObjectNode();
    root.put("writer", writer);
    root.put("run", run);
    waves.forEach(root.putArray("waves")::add);
    root.set("type", JSON.readTree(type.json()));
    return JSON.writeValueAsBytes(root);
  }

  static WaveClaim ofJson(byte[] json) throws IOException {
    JsonNode root = JSON.readTree(json);
    return new WaveClaim(
        root.path("writer").asLong(),
        root.path("run").asText(""),
        (StructType) DataType.fromJson(root.path("type").toString()),
        ParquetWave.texts(root.path("waves")));
  }
}
