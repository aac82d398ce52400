package io.tracemill.udf.ml.length;

import com.fasterxml.jackson.databind.JsonNode;
import com.fasterxml.jackson.databind.ObjectMapper;
import java.io.IOException;
import java.io.UncheckedIOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.List;
import org.apache.spark.sql.Dataset;
import org.apache.spark.sql.Row;
import org.apache.spark.sql.SparkSession;

/**
 * Lengths of an earlier demo model's traces over 600 expressions and word problems, greedy, full
 * cache, 3,000 new tokens at most: none was truncated.
 */
final class DemoLengths {
  private static final Path FILE = Path.of("src/test/resources/lengths/demo-traces.jsonl");

  private DemoLengths() {}

  /** A row of the file. */
  record Length(String key, String prompt, int tokens) {}

  static List<Length> all() {
    ObjectMapper json = new ObjectMapper();
    try {
      return Files.readAllLines(FILE).stream().map(line -> length(json, line)).toList();
    } catch (IOException e) {
      throw new UncheckedIOException(e);
    }
  }

  private static Length length(ObjectMapper json, String line) {
    try {
      JsonNode node = json.readTree(line);
      return new Length(
          node.get("row_key").asText(),
          node.get("prompt").asText(),
          node.get("generated_tokens").asInt());
    } catch (IOException e) {
      throw new UncheckedIOException(e);
    }
  }

  /** A traces table of them; outputs beyond the budget end there, as they would have. */
  static Dataset<Row> table(SparkSession spark, List<Length> lengths, int budgetTokens) {
    return spark
        .createDataFrame(
            lengths.stream()
                .map(
                    length ->
                        org.apache.spark.sql.RowFactory.create(
                            length.key(),
                            length.prompt(),
                            Math.min(length.tokens(), budgetTokens),
                            length.tokens() > budgetTokens ? "length" : "stop"))
                .toList(),
            new org.apache.spark.sql.types.StructType()
                .add("row_key", "string")
                .add("prompt", "string")
                .add("generated_tokens", "int")
                .add("finish_reason", "string"))
        .coalesce(2);
  }
}
