package io.tracemill.job.notebook;

import com.fasterxml.jackson.databind.JsonNode;
import com.fasterxml.jackson.databind.ObjectMapper;
import com.fasterxml.jackson.databind.node.ArrayNode;
import com.fasterxml.jackson.databind.node.ObjectNode;
import java.io.BufferedReader;
import java.io.BufferedWriter;
import java.io.IOException;
import java.nio.charset.StandardCharsets;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.List;
import org.apache.spark.sql.Dataset;
import org.apache.spark.sql.Row;
import org.apache.spark.sql.SparkSession;

/**
 * Runs cells in Python 3. There is no PySpark here: {@code session.py} gives cells a {@code spark}
 * whose queries come to this JVM and run in the real Spark; whatever else a cell asks of it fails.
 */
final class PythonCells implements AutoCloseable {
  private static final ObjectMapper JSON = new ObjectMapper();

  private final SparkSession spark;
  private final Process process;
  private final BufferedWriter to;
  private final BufferedReader from;
  private final List<Dataset<Row>> frames = new ArrayList<>();

  /** Starts Python; it ends when this is closed. */
  PythonCells(SparkSession spark) throws IOException {
    this.spark = spark;
    Path program =
        Path.of("src/test/resources/io/tracemill/job/notebook/session.py").toAbsolutePath();
    process =
        new ProcessBuilder("python3", program.toString())
            .redirectError(ProcessBuilder.Redirect.INHERIT)
            .start();
    to = process.outputWriter(StandardCharsets.UTF_8);
    from = process.inputReader(StandardCharsets.UTF_8);
  }

  /**
   * Runs a cell.
   *
   * @return the queries that it made
   * @throws AssertionError where it fails
   */
  int run(String code) throws IOException {
    send(JSON.createObjectNode().put("cell", code));
    int queries = 0;
    while (true) {
      String line = from.readLine();
      if (line == null) {
        throw new AssertionError("Python ended in this cell:\n" + code);
      }
      JsonNode request = JSON.readTree(line);
      switch (request.get("op").asText()) {
        case "done" -> {
          return queries;
        }
        case "failed" ->
            throw new AssertionError(
                "failed: this cell\n" + code + "\n\n" + request.get("trace").asText());
        default -> {
          queries++;
          send(answer(request));
        }
      }
    }
  }

  private void send(ObjectNode message) throws IOException {
    to.write(message.toString());
    to.newLine();
    to.flush();
  }

  private ObjectNode answer(JsonNode request) {
    ObjectNode answer = JSON.createObjectNode();
    try {
      answer.set("value", value(request));
    } catch (Exception e) { // Whatever Spark says goes to the cell, which fails with it.
      answer.put("error", String.valueOf(e.getMessage()));
    }
    return answer;
  }

  private JsonNode value(JsonNode request) {
    return switch (request.get("op").asText()) {
      case "sql" -> keep(spark.sql(request.get("query").asText()));
      case "table" -> keep(spark.table(request.get("name").asText()));
      case "limit" -> keep(frame(request).limit(request.get("rows").asInt()));
      case "columns" -> JSON.valueToTree(frame(request).columns());
      case "count" -> JSON.valueToTree(frame(request).count());
      case "show" ->
          JSON.valueToTree(
              shown(
                  frame(request), request.get("rows").asInt(), request.get("characters").asInt()));
      case "collect" -> rows(frame(request));
      case "view" -> {
        frame(request).createOrReplaceTempView(request.get("name").asText());
        yield JSON.nullNode();
      }
      case "conf" ->
          JSON.valueToTree(
              spark.conf().get(request.get("key").asText(), request.get("default").asText()));
      default -> throw new IllegalArgumentException("unknown request " + request);
    };
  }

  private JsonNode keep(Dataset<Row> frame) {
    frames.add(frame);
    return JSON.valueToTree(frames.size() - 1);
  }

  private Dataset<Row> frame(JsonNode request) {
    return frames.get(request.get("frame").asInt());
  }

  private static String shown(Dataset<Row> frame, int rows, int characters) {
    StringBuilder lines = new StringBuilder(String.join("|", frame.columns()));
    for (Row row : frame.limit(rows).collectAsList()) {
      lines.append('\n');
      for (int i = 0; i < row.size(); i++) {
        String cell = String.valueOf(row.get(i)).replaceAll("\\s+", " ");
        boolean cut = characters > 0 && cell.length() > characters;
        lines.append(i == 0 ? "" : "|").append(cut ? cell.substring(0, characters) : cell);
      }
    }
    return lines.toString();
  }

  private static ArrayNode rows(Dataset<Row> frame) {
    ArrayNode rows = JSON.createArrayNode();
    for (Row row : frame.collectAsList()) {
      ArrayNode values = rows.addArray();
      for (int i = 0; i < row.size(); i++) {
        Object value = row.get(i);
        boolean plain = value == null || value instanceof Number || value instanceof Boolean;
        values.add(JSON.valueToTree(plain ? value : value.toString()));
      }
    }
    return rows;
  }

  @Override
  public void close() throws IOException {
    to.close();
    process.destroy();
  }
}
