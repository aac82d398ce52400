package io.tracemill.udf.table;

import com.fasterxml.jackson.databind.JsonNode;
import com.fasterxml.jackson.databind.ObjectMapper;
import com.fasterxml.jackson.databind.node.ObjectNode;
import java.io.IOException;
import java.util.ArrayList;
import java.util.List;
import java.util.Locale;
import java.util.Objects;

/**
 * A committed wave of a Parquet table, as its manifest names it.
 *
 * @param writer the claim under which it was written; later claims are larger
 * @param number of the wave under this claim
 * @param content what its rows do to those of earlier waves
 * @param rows how many
 * @param supersedes ids of earlier waves whose rows it holds now; they no longer count
 */
public record ParquetWave(
    long writer, int number, Content content, long rows, List<String> supersedes) {
  private static final ObjectMapper JSON = new ObjectMapper();

  /** What the rows of a wave do to those of earlier waves. */
  public enum Content {
    /** They come in addition. */
    NEW_ROWS,
    /** They take the place of rows with the same key and sample. */
    REPLACEMENTS
  }

  public ParquetWave {
    Objects.requireNonNull(content, "content");
    supersedes = List.copyOf(supersedes);
    if (writer < 0 || number < 0 || rows < 0) {
      throw new IllegalArgumentException(
          "writer %d, number %d, rows %d".formatted(writer, number, rows));
    }
  }

  /** Sorts as waves were begun; part of the names of its manifest and folder. */
  public String id() {
    return id(writer, number);
  }

  static String id(long writer, int number) {
    return String.format(Locale.ROOT, "%016d-%06d", writer, number);
  }

  byte[] toJson() throws IOException {
    ObjectNode root = JSON.createObjectNode();
    root.put("writer", writer);
    root.put("number", number);
    root.put("content", content.name());
    root.put("rows", rows);
    supersedes.forEach(root.putArray("supersedes")::add);
    return JSON.writerWithDefaultPrettyPrinter().writeValueAsBytes(root);
  }

  static ParquetWave ofJson(byte[] json) throws IOException {
    JsonNode root = JSON.readTree(json);
    List<String> supersedes = new ArrayList<>();
    root.path("supersedes").forEach(id -> supersedes.add(id.asText()));
    return new ParquetWave(
        root.path("writer").asLong(),
        root.path("number").asInt(),
        Content.valueOf(root.path("content").asText()),
        root.path("rows").asLong(),
        supersedes);
  }
}
