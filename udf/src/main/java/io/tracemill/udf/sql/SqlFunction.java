package io.tracemill.udf.sql;

import java.util.List;
import java.util.Objects;
import org.apache.spark.sql.expressions.UserDefinedFunction;

/**
 * A function with what {@code DESCRIBE FUNCTION EXTENDED} says about it.
 *
 * @param name under which SQL calls it
 * @param group what it is about; the page of functions has one section for each
 * @param arguments names and types in order
 * @param returns the SQL type of its value
 * @param usage one paragraph
 * @param example a call that SQL can run
 * @param exampleValue what the call gives
 * @param function what runs
 */
record SqlFunction(
    String name,
    Group group,
    List<String> arguments,
    String returns,
    String usage,
    String example,
    String exampleValue,
    UserDefinedFunction function) {
  /** What functions are about, in the order of the page. */
  enum Group {
    EXTRACTION("Finding answers"),
    COMPARISON("Comparing answers"),
    TRACES("Traces"),
    KV("KV cache"),
    SAMPLES("Aggregates over samples and rows");

    final String title;

    Group(String title) {
      this.title = title;
    }
  }

  SqlFunction {
    Objects.requireNonNull(group, "group");
    Objects.requireNonNull(function, "function");
    arguments = List.copyOf(arguments);
    if (!name.startsWith("tm_")) {
      throw new IllegalArgumentException("the function " + name + " does not start with tm_");
    }
  }

  /** {@code tm_answers_equal(a STRING, b STRING) -> BOOLEAN}. */
  String signature() {
    return name + "(" + String.join(", ", arguments) + ") -> " + returns;
  }
}
