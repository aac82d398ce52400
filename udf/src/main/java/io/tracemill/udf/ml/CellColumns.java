package io.tracemill.udf.ml;

import java.io.Serializable;
import java.util.Objects;
import org.apache.spark.sql.types.ArrayType;
import org.apache.spark.sql.types.DataType;
import org.apache.spark.sql.types.IntegralType;
import org.apache.spark.sql.types.MapType;
import org.apache.spark.sql.types.StringType;
import org.apache.spark.sql.types.StructType;

/**
 * Which columns ask and name.
 *
 * @param prompt the column that asks
 * @param form what it holds
 * @param key the column that names rows; empty for a hash of the prompt
 */
record CellColumns(String prompt, Form form, String key) implements Serializable {
  /** What the asking column holds. */
  enum Form {
    /** The text of one user turn. */
    TEXT,
    /** A conversation. */
    MESSAGES
  }

  CellColumns {
    Objects.requireNonNull(prompt, "prompt");
    Objects.requireNonNull(form, "form");
    Objects.requireNonNull(key, "key");
  }

  /**
   * Checks that the columns are there with a type that fits.
   *
   * @throws IllegalArgumentException where one is not
   */
  void check(StructType schema) {
    DataType asks = type(schema, form == Form.TEXT ? "promptCol" : "messagesCol", prompt);
    if (form == Form.TEXT && !(asks instanceof StringType)) {
      throw wrongType("promptCol", prompt, asks, "a text");
    }
    if (form == Form.MESSAGES && !isConversation(asks)) {
      throw wrongType(
          "messagesCol", prompt, asks, "an array of structs or maps with role and content");
    }
    if (!key.isEmpty()) {
      DataType names = type(schema, "keyCol", key);
      if (!(names instanceof StringType || names instanceof IntegralType)) {
        throw wrongType("keyCol", key, names, "a text or a whole number");
      }
    }
  }

  private static boolean isConversation(DataType type) {
    if (!(type instanceof ArrayType array)) {
      return false;
    }
    return (array.elementType() instanceof StructType turn
            && turn.getFieldIndex("role").isDefined()
            && turn.getFieldIndex("content").isDefined())
        || (array.elementType() instanceof MapType map && map.keyType() instanceof StringType);
  }

  private static DataType type(StructType schema, String param, String column) {
    if (schema.getFieldIndex(column).isEmpty()) {
      throw new IllegalArgumentException(
          "%s is '%s', which the rows do not have; they have %s."
              .formatted(param, column, String.join(", ", schema.fieldNames())));
    }
    return schema.apply(column).dataType();
  }

  private static IllegalArgumentException wrongType(
      String param, String column, DataType type, String wanted) {
    return new IllegalArgumentException(
        "%s is '%s', of the type %s; it must be %s.".formatted(param, column, type.sql(), wanted));
  }
}
