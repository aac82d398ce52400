package io.tracemill.job.output;

import java.util.Arrays;
import java.util.regex.Pattern;
import org.apache.spark.sql.DataFrameWriter;
import org.apache.spark.sql.Dataset;
import org.apache.spark.sql.Row;
import org.apache.spark.sql.SaveMode;
import org.apache.spark.sql.types.ArrayType;
import org.apache.spark.sql.types.DataType;
import org.apache.spark.sql.types.MapType;
import org.apache.spark.sql.types.StructType;

/** How rows are written to Delta tables. */
final class Tables {
  private static final Pattern NEEDS_COLUMN_MAPPING = Pattern.compile("[ ,;{}()\\n\\t=]");

  private Tables() {}

  /** A writer that appends rows as they come: no shuffle between generation and files. */
  static DataFrameWriter<Row> append(Dataset<Row> rows, String path) {
    DataFrameWriter<Row> writer =
        rows.write()
            .format("delta")
            .mode(SaveMode.Append)
            .option("compression", "zstd")
            // An optimised write would put a shuffle behind the generator: lost shuffle files are
            // generated again.
            .option("optimizeWrite", "false");
    return needsColumnMapping(rows.schema())
        ? writer.option("delta.columnMapping.mode", "name")
        : writer;
  }

  /** Whether a name of an input column holds what Delta's plain naming refuses. */
  private static boolean needsColumnMapping(DataType type) {
    if (type instanceof StructType struct) {
      return Arrays.stream(struct.fields())
          .anyMatch(
              field ->
                  NEEDS_COLUMN_MAPPING.matcher(field.name()).find()
                      || needsColumnMapping(field.dataType()));
    }
    if (type instanceof ArrayType array) {
      return needsColumnMapping(array.elementType());
    }
    return type instanceof MapType map
        && (needsColumnMapping(map.keyType()) || needsColumnMapping(map.valueType()));
  }
}
