package io.tracemill.udf.table;

import java.util.List;
import org.apache.spark.sql.types.StructField;
import org.apache.spark.sql.types.StructType;

/** Types of rows that several writers bring to one table. */
final class RowTypes {
  private RowTypes() {}

  /** All fields of both, those of the first before what it lacks; structs are joined within. */
  static StructType union(StructType first, StructType second) {
    List<String> inFirst = List.of(first.fieldNames());
    List<String> inSecond = List.of(second.fieldNames());
    StructType union = new StructType();
    for (StructField field : first.fields()) {
      union =
          field.dataType() instanceof StructType own
                  && inSecond.contains(field.name())
                  && second.apply(field.name()).dataType() instanceof StructType other
              ? union.add(field.name(), union(own, other), true, field.metadata())
              : union.add(field);
    }
    for (StructField field : second.fields()) {
      if (!inFirst.contains(field.name())) {
        union = union.add(field);
      }
    }
    return union;
  }
}
