package io.tracemill.udf.sql;

import java.util.List;
import org.apache.spark.sql.catalyst.FunctionIdentifier;
import org.apache.spark.sql.catalyst.expressions.Expression;
import org.apache.spark.sql.catalyst.expressions.ExpressionInfo;
import org.apache.spark.sql.classic.UserDefinedFunctionUtils$;
import org.apache.spark.sql.execution.aggregate.ScalaAggregator$;
import org.apache.spark.sql.expressions.SparkUserDefinedFunction;
import org.apache.spark.sql.expressions.UserDefinedAggregator;
import org.apache.spark.sql.expressions.UserDefinedFunction;
import scala.Function1;
import scala.collection.immutable.Seq;
import scala.runtime.AbstractFunction1;

/** Functions as Catalyst knows them; private API of Spark 4, kept in this one class. */
final class CatalystFunctions {
  private CatalystFunctions() {}

  static FunctionIdentifier identifier(SqlFunction function) {
    return new FunctionIdentifier(function.name());
  }

  /** What {@code DESCRIBE FUNCTION EXTENDED} prints. */
  static ExpressionInfo info(SqlFunction function) {
    String example = function.example();
    String call = example.contains(" FROM ") ? example : example + ";";
    String examples =
        "\n    Examples:\n      > SELECT "
            + call
            + (call.endsWith(";") ? "" : ";")
            + "\n       "
            + function.exampleValue()
            + "\n  ";
    String arguments = "\n    Arguments:\n" + arguments(function.arguments()) + "  ";
    String usage = function.signature().replace("->", "returns") + ": " + function.usage();
    // Group and version must be ones that Spark knows; others make its constructor throw.
    return new ExpressionInfo(
        "io.tracemill.udf.sql.TracemillFunctions",
        null,
        function.name(),
        usage.replace(function.name(), "_FUNC_"),
        arguments,
        examples.replace(function.name(), "_FUNC_"),
        "",
        "",
        "",
        "",
        "scala_udf");
  }

  private static String arguments(List<String> names) {
    StringBuilder out = new StringBuilder();
    for (String name : names) {
      out.append("      * ").append(name).append('\n');
    }
    return out.toString();
  }

  /** What makes a call's expression from the expressions of its arguments. */
  static Function1<Seq<Expression>, Expression> builder(SqlFunction function) {
    UserDefinedFunction named = function.function().withName(function.name());
    return new Builder(named, function.arguments().size(), function.signature());
  }

  private static final class Builder extends AbstractFunction1<Seq<Expression>, Expression> {
    private final UserDefinedFunction function;
    private final int numArguments;
    private final String signature;

    Builder(UserDefinedFunction function, int numArguments, String signature) {
      this.function = function;
      this.numArguments = numArguments;
      this.signature = signature;
    }

    @Override
    public Expression apply(Seq<Expression> arguments) {
      if (arguments.size() != numArguments) {
        throw new IllegalArgumentException(
            "A call with " + arguments.size() + " arguments does not fit " + signature + ".");
      }
      if (function instanceof UserDefinedAggregator<?, ?, ?> aggregator) {
        return ScalaAggregator$.MODULE$.apply(aggregator, arguments);
      }
      return UserDefinedFunctionUtils$.MODULE$.toScalaUDF(
          (SparkUserDefinedFunction) function, arguments);
    }
  }
}
