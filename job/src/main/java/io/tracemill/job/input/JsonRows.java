package io.tracemill.job.input;

import static org.apache.spark.sql.functions.coalesce;
import static org.apache.spark.sql.functions.col;
import static org.apache.spark.sql.functions.from_json;
import static org.apache.spark.sql.functions.length;
import static org.apache.spark.sql.functions.lit;
import static org.apache.spark.sql.functions.trim;
import static org.apache.spark.sql.functions.when;

import java.util.Arrays;
import java.util.HashMap;
import java.util.List;
import java.util.Map;
import org.apache.spark.api.java.function.MapFunction;
import org.apache.spark.sql.Dataset;
import org.apache.spark.sql.Encoders;
import org.apache.spark.sql.Row;
import org.apache.spark.sql.RowFactory;
import org.apache.spark.sql.SparkSession;
import org.apache.spark.sql.types.DataTypes;
import org.apache.spark.sql.types.StructType;

/** Reads lines of JSON; a line that is no object becomes a row with a problem, not an exception. */
final class JsonRows {
  private static final String UNREADABLE = "tracemill_unreadable";
  private static final String LINE = "tracemill_line";
  private static final String ROW = "tracemill_row";
  private static final String FAULT = "tracemill_fault";
  private static final StructType MARKED =
      new StructType().add(LINE, DataTypes.StringType).add(FAULT, DataTypes.StringType);

  private JsonRows() {}

  static RawRows read(SparkSession spark, InputArguments arguments, InputFormat format) {
    Dataset<String> lines =
        format == InputFormat.JSON
            ? spark
                .read()
                .option("wholetext", true)
                .text(arguments.path())
                .as(Encoders.STRING())
                .flatMap(new JsonDocuments(), Encoders.STRING())
            : spark.read().text(arguments.path()).as(Encoders.STRING());
    lines = lines.filter(length(trim(col("value"))).gt(0));

    Map<String, String> options = new HashMap<>(arguments.options());
    options.put("columnNameOfCorruptRecord", UNREADABLE);
    StructType inferred = spark.read().options(options).json(lines).schema();
    List<String> columns =
        Arrays.stream(inferred.fieldNames()).filter(name -> !name.equals(UNREADABLE)).toList();
    StructType schema =
        columns.size() == inferred.size()
            ? inferred.add(UNREADABLE, DataTypes.StringType)
            : inferred;

    Dataset<Row> table =
        lines
            .map((MapFunction<String, Row>) JsonRows::mark, Encoders.row(MARKED))
            .withColumn(ROW, from_json(col(LINE), schema, options))
            .select(col(LINE), col(FAULT), col(ROW), col(ROW + ".*"));
    return new RawRows(
        table,
        columns,
        col(LINE),
        coalesce(
            when(
                col(ROW).isNull().or(col(UNREADABLE).isNotNull()),
                lit("The line is not a JSON object.")),
            col(FAULT)));
  }

  private static Row mark(String line) {
    return RowFactory.create(
        line,
        LoneSurrogates.inJson(line)
            ? "The line holds half of a surrogate pair, which is no character."
            : null);
  }
}
