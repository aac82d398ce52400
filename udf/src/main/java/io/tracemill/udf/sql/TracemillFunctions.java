package io.tracemill.udf.sql;

import java.util.ArrayList;
import java.util.Comparator;
import java.util.List;
import org.apache.spark.sql.SparkSession;
import org.apache.spark.sql.catalyst.analysis.FunctionRegistry;
import org.slf4j.Logger;
import org.slf4j.LoggerFactory;

/** The SQL functions of Tracemill; all names start with {@code tm_}. */
public final class TracemillFunctions {
  private static final Logger LOG = LoggerFactory.getLogger(TracemillFunctions.class);
  private static final List<SqlFunction> ALL = list();

  private TracemillFunctions() {}

  private static List<SqlFunction> list() {
    List<SqlFunction> all = new ArrayList<>(ScalarFunctions.all());
    all.addAll(AggregateFunctions.all());
    all.sort(Comparator.comparing(SqlFunction::group));
    return List.copyOf(all);
  }

  /** Every function, by group. */
  static List<SqlFunction> all() {
    return ALL;
  }

  /** The names of all functions. */
  public static List<String> names() {
    return ALL.stream().map(SqlFunction::name).toList();
  }

  /**
   * Registers all functions as temporary functions of this session, over any that have their names.
   * Sessions made by {@code newSession()} do not have them; {@link TracemillExtensions} gives them
   * to every session.
   */
  public static void register(SparkSession spark) {
    for (SqlFunction function : ALL) {
      spark.udf().register(function.name(), function.function());
    }
    describe(spark);
  }

  /**
   * Adds what {@code DESCRIBE FUNCTION} prints and a clear sentence for a wrong number of
   * arguments, which the public API cannot.
   */
  private static void describe(SparkSession spark) {
    if (!(spark instanceof org.apache.spark.sql.classic.SparkSession classic)) {
      return;
    }
    try {
      FunctionRegistry registry = classic.sessionState().functionRegistry();
      for (SqlFunction function : ALL) {
        registry.registerFunction(
            CatalystFunctions.identifier(function),
            CatalystFunctions.info(function),
            CatalystFunctions.builder(function));
      }
    } catch (LinkageError | RuntimeException e) {
      LOG.info(
          "The functions work, but DESCRIBE FUNCTION has no text on this Spark: {}", e.toString());
    }
  }

  /** The page of functions as Markdown, as {@code docs/functions.md} holds it. */
  public static String page() {
    return FunctionsPage.render(ALL);
  }
}
