package io.tracemill.udf.sql;

import org.apache.spark.sql.SparkSessionExtensions;
import scala.Tuple3;
import scala.runtime.AbstractFunction1;
import scala.runtime.BoxedUnit;

/**
 * Gives every session of an application the functions: {@code
 * spark.sql.extensions=io.tracemill.udf.sql.TracemillExtensions}. Spark only warns where the class
 * name is wrong or the jar is missing; then the functions are not found.
 */
public final class TracemillExtensions
    extends AbstractFunction1<SparkSessionExtensions, BoxedUnit> {
  @Override
  public BoxedUnit apply(SparkSessionExtensions extensions) {
    for (SqlFunction function : TracemillFunctions.all()) {
      extensions.injectFunction(
          new Tuple3<>(
              CatalystFunctions.identifier(function),
              CatalystFunctions.info(function),
              CatalystFunctions.builder(function)));
    }
    return BoxedUnit.UNIT;
  }
}
