package io.tracemill.job.input;

import static org.apache.spark.sql.functions.col;
import static org.apache.spark.sql.functions.length;
import static org.apache.spark.sql.functions.trim;

import com.fasterxml.jackson.databind.JsonNode;
import java.util.List;
import org.apache.spark.api.java.function.MapFunction;
import org.apache.spark.sql.Dataset;
import org.apache.spark.sql.Encoders;
import org.apache.spark.sql.Row;
import org.apache.spark.sql.RowFactory;
import org.apache.spark.sql.SparkSession;
import org.apache.spark.sql.types.DataTypes;
import org.apache.spark.sql.types.StructType;

/**
 * Reads OpenAI's Batch requests. A line stays text until a task parses it: guessing one type for
 * all bodies, as tables need it, would bend values that differ between rows.
 */
final class OpenAiRows {
  static final String ID = "custom_id";
  static final String REQUEST = "request";
  static final List<String> CARRIED = List.of(ID, "model", "parameters");

  private static final String FAULT = "tracemill_fault";
  private static final StructType TYPE =
      new StructType()
          .add(ID, DataTypes.StringType)
          .add("model", DataTypes.StringType)
          .add("parameters", DataTypes.StringType)
          .add(REQUEST, DataTypes.StringType)
          .add(FAULT, DataTypes.StringType);

  private OpenAiRows() {}

  static RawRows read(SparkSession spark, InputArguments arguments) {
    Dataset<Row> table =
        spark
            .read()
            .options(arguments.options())
            .text(arguments.path())
            .as(Encoders.STRING())
            .filter(length(trim(col("value"))).gt(0))
            .map((MapFunction<String, Row>) OpenAiRows::row, Encoders.row(TYPE));
    return new RawRows(
        table, List.of(ID, "model", "parameters", REQUEST), col(REQUEST), col(FAULT));
  }

  private static Row row(String line) {
    try {
      JsonNode request = OpenAiRequest.read(line);
      JsonNode id = request.path(ID);
      String fault =
          LoneSurrogates.inJson(line)
              ? "The line holds half of a surrogate pair, which is no character."
              : id.isMissingNode() || id.isNull() || id.isTextual()
                  ? null
                  : "custom_id is %s; it must be a text.".formatted(id);
      return RowFactory.create(
          id.isValueNode() && !id.isNull() ? id.asText() : null,
          request.path("body").path("model").asText(null),
          OpenAiRequest.settingsOf(request),
          line,
          fault);
    } catch (BadRowException e) {
      return RowFactory.create(null, null, null, line, e.getMessage());
    }
  }
}
