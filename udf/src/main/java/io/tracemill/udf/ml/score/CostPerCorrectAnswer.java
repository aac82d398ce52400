package io.tracemill.udf.ml.score;

import static org.apache.spark.sql.functions.col;
import static org.apache.spark.sql.functions.count;
import static org.apache.spark.sql.functions.count_if;
import static org.apache.spark.sql.functions.lit;
import static org.apache.spark.sql.functions.sum;

import org.apache.spark.ml.param.Param;
import org.apache.spark.sql.Column;
import org.apache.spark.sql.Dataset;
import org.apache.spark.sql.Row;
import org.apache.spark.sql.types.DataTypes;

/**
 * What all graded rows cost for each right answer among them; infinite where none is right. Smaller
 * is better.
 *
 * @param <T> the evaluator, for setters that chain
 */
public abstract class CostPerCorrectAnswer<T extends CostPerCorrectAnswer<T>>
    extends TraceEvaluator<T> {
  private static final String COST = "cost";

  private final Param<String> costCol;

  CostPerCorrectAnswer(String uid, String usualColumn) {
    super(uid);
    costCol = new Param<>(this, "costCol", "column with what a row cost, a number");
    setDefault(costCol, usualColumn);
  }

  @Override
  Column[] inputs() {
    return new Column[] {col(getOrDefault(costCol)).cast(DataTypes.DoubleType).as(COST)};
  }

  @Override
  Dataset<Row> totals(Dataset<Row> graded) {
    return graded.agg(count(lit(1)), count_if(col(CORRECT)), sum(COST));
  }

  @Override
  double score(Row totals) {
    double cost = totals.isNullAt(2) ? 0 : totals.getDouble(2);
    return totals.getLong(1) == 0 ? Double.POSITIVE_INFINITY : cost / totals.getLong(1);
  }

  @Override
  public boolean isLargerBetter() {
    return false;
  }

  /** Column with what a row cost, a number. */
  public Param<String> costCol() {
    return costCol;
  }

  public T setCostCol(String value) {
    set(costCol, value);
    return self();
  }
}
