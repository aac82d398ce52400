package io.tracemill.udf.trace;

import io.tracemill.engine.api.GenerationResult;
import java.util.Objects;
import java.util.function.Function;
import org.apache.spark.sql.types.DataType;

/**
 * A column of a result.
 *
 * @param name in SQL
 * @param type Spark's
 * @param meaning one phrase, the column's comment
 * @param value what it holds for a result, as a row encoder takes it; null where there is none
 */
public record ResultColumn(
    String name, DataType type, String meaning, Function<GenerationResult, Object> value) {
  public ResultColumn {
    Objects.requireNonNull(name, "name");
    Objects.requireNonNull(type, "type");
    Objects.requireNonNull(meaning, "meaning");
    Objects.requireNonNull(value, "value");
  }
}
