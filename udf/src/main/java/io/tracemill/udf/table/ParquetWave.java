package io.tracemill.udf.table;

import com.fasterxml.jackson.databind.JsonNode;
import com.fasterxml.jackson.databind.ObjectMapper;
import com.fasterxml.jackson.databind.node.ObjectNode;
import java.io.IOException;
import java.util.ArrayList;
import java.util.List;
import java.util.Locale;

/**
 * A committed wave of a Parquet table, as its manifest names it.
 *
 * @param writer the claim under which it was written; later claims are larger
 * @param number of the wave under this claim
 * @param rows that it brought
 * @param files names in the table's folder: those it brought and, of superseded waves, those it
 *     keeps
 * @param supersedes ids of earlier waves that no longer count
 */
public record ParquetWave(
    long writer, int number, long rows, List<String> files, List<String> supersedes) {
  private static final ObjectMapper JSON = new ObjectMapper();

  public ParquetWave {
    files = List.copyOf(files);
    supersedes = List.copyOf(supersedes);
    if (writer < 0 || number < 0 || rows < 0) {
      throw new IllegalArgumentException(
          "writer %d, number %d, rows %d".formatted(writer, number, rows));
    }
  }

  /** Sorts as waves were begun; part of the names of its manifest and of the files it brought. */
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
    root.put("rows", rows);
    files.forEach(root.putArray("files")::add);
    supersedes.forEach(root.putArray("supersedes")::add);
    return JSON.writerWithDefaultPrettyPrinter().writeValueAsBytes(root);
  }

  static ParquetWave ofJson(byte[] json) throws IOException {
    JsonNode root = JSON.readTree(json);
    return new ParquetWave(
        root.path("writer").asLong(),
        root.path("number").asInt(),
        root.path("rows").asLong(),
        texts(root.path("files")),
        texts(root.path("supersedes")));
  }

  static List<String> texts(JsonNode array) {
    List<String> texts = new ArrayList<>();
    array.forEach(text -> texts.add(text.asText()));
    return texts;
  }
}
