package io.tracemill.udf.ml.length;

import org.apache.spark.sql.types.StructType;

/** Checks of the columns that length models read. */
final class LengthColumns {
  private LengthColumns() {}

  static void require(StructType schema, String param, String column) {
    if (schema.getFieldIndex(column).isEmpty()) {
      throw new IllegalArgumentException(
          "%s is '%s', which the rows do not have; they have %s."
              .formatted(param, column, String.join(", ", schema.fieldNames())));
    }
  }
}
