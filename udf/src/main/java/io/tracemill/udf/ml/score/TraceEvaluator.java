package io.tracemill.udf.ml.score;

import static org.apache.spark.sql.functions.col;
import static org.apache.spark.sql.functions.udf;

import io.tracemill.udf.grade.Answers;
import java.util.Arrays;
import org.apache.spark.ml.evaluation.Evaluator;
import org.apache.spark.ml.param.Param;
import org.apache.spark.ml.util.DefaultParamsWritable;
import org.apache.spark.sql.Column;
import org.apache.spark.sql.Dataset;
import org.apache.spark.sql.Row;
import org.apache.spark.sql.api.java.UDF2;
import org.apache.spark.sql.types.DataTypes;

/**
 * What evaluators of traces share: which columns hold the answer and the right one, and how the two
 * are compared ({@link Answers#equal}; a row without an answer is wrong, a row without a right
 * answer is left out). The defaults fit the column that {@code ReasoningTransformer} adds; over a
 * traces table name {@code extracted_answer} and the like. Names with a dot reach into structs.
 *
 * @param <T> the evaluator, for setters that chain
 */
public abstract class TraceEvaluator<T extends TraceEvaluator<T>> extends Evaluator
    implements DefaultParamsWritable {
  /** Name of the graded column, true or false. */
  static final String CORRECT = "correct";

  private static final UDF2<String, String, Boolean> IS_RIGHT =
      (answer, right) -> answer != null && Answers.equal(answer, right);

  private final String uid;
  private final Param<String> predictionCol;
  private final Param<String> labelCol;

  TraceEvaluator(String uid) {
    this.uid = uid; // First: a Param asks its parent for it.
    predictionCol = new Param<>(this, "predictionCol", "column with the answer that was generated");
    labelCol = new Param<>(this, "labelCol", "column with the right answer");
    setDefault(predictionCol, "generation.extracted_answer");
    setDefault(labelCol, "answer");
  }

  @Override
  public String uid() {
    return uid;
  }

  /** The evaluator itself. */
  abstract T self();

  /** Columns that {@link #totals} needs beside {@link #CORRECT}, under the names it uses. */
  abstract Column[] inputs();

  /** One row over all graded rows; its first column counts what was graded. */
  abstract Dataset<Row> totals(Dataset<Row> graded);

  /** The score that the totals amount to; they count at least one. */
  abstract double score(Row totals);

  /** What is said where the totals count nothing. */
  String nothingGraded() {
    return "No row has a right answer in the column '%s', so there is nothing to evaluate."
        .formatted(getOrDefault(labelCol));
  }

  /**
   * The score; one Spark action.
   *
   * @throws IllegalArgumentException where nothing can be graded
   */
  @Override
  public double evaluate(Dataset<?> dataset) {
    Column label = col(getOrDefault(labelCol)).cast(DataTypes.StringType);
    Column answer = col(getOrDefault(predictionCol)).cast(DataTypes.StringType);
    Column[] inputs = inputs();
    Column[] columns = Arrays.copyOf(inputs, inputs.length + 1);
    columns[inputs.length] = udf(IS_RIGHT, DataTypes.BooleanType).apply(answer, label).as(CORRECT);
    Row totals = totals(dataset.toDF().filter(label.isNotNull()).select(columns)).head();
    if (totals.getLong(0) == 0) {
      throw new IllegalArgumentException(nothingGraded());
    }
    return score(totals);
  }

  /** Column with the answer that was generated. */
  public Param<String> predictionCol() {
    return predictionCol;
  }

  public T setPredictionCol(String value) {
    set(predictionCol, value);
    return self();
  }

  /** Column with the right answer. */
  public Param<String> labelCol() {
    return labelCol;
  }

  public T setLabelCol(String value) {
    set(labelCol, value);
    return self();
  }
}
