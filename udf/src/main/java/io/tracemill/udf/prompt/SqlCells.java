package io.tracemill.udf.prompt;

import java.util.LinkedHashMap;
import java.util.Map;
import org.apache.spark.sql.Row;
import scala.jdk.javaapi.CollectionConverters;

/** Values of Spark's rows as plain Java. */
public final class SqlCells {
  private SqlCells() {}

  /**
   * A cell as texts, numbers, booleans, lists and maps; null stays null, anything else becomes its
   * text.
   */
  public static Object plain(Object value) {
    if (value instanceof Row row) {
      return fields(row);
    }
    if (value instanceof scala.collection.Seq<?> seq) {
      return CollectionConverters.asJava(seq).stream().map(SqlCells::plain).toList();
    }
    if (value instanceof scala.collection.Map<?, ?> map) {
      Map<String, Object> plain = new LinkedHashMap<>();
      CollectionConverters.asJava(map).forEach((k, v) -> plain.put(String.valueOf(k), plain(v)));
      return plain;
    }
    return value == null
            || value instanceof String
            || value instanceof Number
            || value instanceof Boolean
        ? value
        : String.valueOf(value);
  }

  /** The fields of a struct that are not null, in order. */
  public static Map<String, Object> fields(Row struct) {
    Map<String, Object> fields = new LinkedHashMap<>();
    String[] names = struct.schema().fieldNames();
    for (int i = 0; i < names.length; i++) {
      // A field that this turn does not have is a null here and nothing to a template.
      if (!struct.isNullAt(i)) {
        fields.put(names[i], plain(struct.get(i)));
      }
    }
    return fields;
  }
}
