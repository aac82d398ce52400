package io.tracemill.job.input;

import static org.apache.spark.sql.functions.col;
import static org.apache.spark.sql.functions.lit;
import static org.apache.spark.sql.functions.struct;
import static org.apache.spark.sql.functions.to_json;
import static org.apache.spark.sql.functions.when;

import java.util.Arrays;
import java.util.List;
import org.apache.spark.sql.Column;
import org.apache.spark.sql.Dataset;
import org.apache.spark.sql.Row;
import org.apache.spark.sql.SparkSession;
import org.apache.spark.sql.types.DataTypes;
import org.apache.spark.sql.types.StructType;

/** Reads Parquet, Delta, CSV and text. */
final class FileRows {
  private static final String UNREADABLE = "tracemill_unreadable";

  private FileRows() {}

  static RawRows read(SparkSession spark, InputArguments arguments, InputFormat format) {
    return switch (format) {
      case PARQUET, DELTA ->
          whole(
              spark
                  .read()
                  .format(format.label())
                  .options(arguments.options())
                  .load(arguments.path()));
      case CSV -> csv(spark, arguments);
      case TEXT ->
          whole(
              spark
                  .read()
                  .options(arguments.options())
                  .text(arguments.path())
                  .withColumnRenamed(
                      "value",
                      arguments.promptColumn().isEmpty()
                          ? InputTable.PROMPT
                          : arguments.promptColumn()));
      case JSONL, JSON -> throw new IllegalArgumentException(format + " is read as JSON");
    };
  }

  /** Every column is text, so that an id such as 007 keeps its form. */
  private static RawRows csv(SparkSession spark, InputArguments arguments) {
    StructType header =
        spark
            .read()
            .option("header", true)
            .option("multiLine", true)
            .option("escape", "\"")
            .options(arguments.options())
            .csv(arguments.path())
            .schema();
    Dataset<Row> table =
        spark
            .read()
            .option("header", true)
            .option("multiLine", true)
            .option("escape", "\"")
            .options(arguments.options())
            .option("columnNameOfCorruptRecord", UNREADABLE)
            .schema(header.add(UNREADABLE, DataTypes.StringType))
            .csv(arguments.path());
    List<String> columns = Arrays.asList(header.fieldNames());
    return new RawRows(
        table,
        columns,
        content(table),
        when(
            col(UNREADABLE).isNotNull(),
            lit("The record has another number of fields than the header.")));
  }

  private static RawRows whole(Dataset<Row> table) {
    return new RawRows(
        table,
        Arrays.asList(table.columns()),
        content(table),
        lit(null).cast(DataTypes.StringType));
  }

  private static Column content(Dataset<Row> table) {
    return to_json(
        struct(Arrays.stream(table.columns()).map(InputReader::quoted).toArray(Column[]::new)));
  }
}
