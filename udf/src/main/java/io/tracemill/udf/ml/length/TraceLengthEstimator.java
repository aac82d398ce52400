package io.tracemill.udf.ml.length;

import static org.apache.spark.sql.functions.col;
import static org.apache.spark.sql.functions.xxhash64;

import io.tracemill.engine.api.FinishReason;
import io.tracemill.udf.ml.length.LengthComparison.Held;
import io.tracemill.udf.ml.length.TrainingRows.Trace;
import java.util.ArrayList;
import java.util.Comparator;
import java.util.EnumMap;
import java.util.List;
import java.util.Map;
import java.util.Optional;
import org.apache.spark.ml.Estimator;
import org.apache.spark.ml.linalg.Vector;
import org.apache.spark.ml.param.IntParam;
import org.apache.spark.ml.param.Param;
import org.apache.spark.ml.param.ParamMap;
import org.apache.spark.ml.param.ParamValidators;
import org.apache.spark.ml.param.StringArrayParam;
import org.apache.spark.ml.regression.RegressionModel;
import org.apache.spark.ml.util.DefaultParamsReader;
import org.apache.spark.ml.util.DefaultParamsWritable;
import org.apache.spark.ml.util.Identifiable;
import org.apache.spark.ml.util.MLReader;
import org.apache.spark.sql.Dataset;
import org.apache.spark.sql.Row;
import org.apache.spark.sql.SparkSession;
import org.apache.spark.sql.types.StructType;

/**
 * Learns from a traces table how long traces get. Rows without a generated token are left out; rows
 * that ran into their token budget or were withdrawn count as longer than what they have. Learners
 * compete on prompts that they have not seen, by the pinball loss of the 10 %, 50 % and 90 %
 * quantiles of the log length; the best one is taken, and the comparison is kept with it.
 */
public final class TraceLengthEstimator extends Estimator<TraceLengthModel>
    implements DefaultParamsWritable {
  private static final long serialVersionUID = 1L;
  private static final int FEWEST_TRACES = 20;
  private static final int FEWEST_PROMPTS = 10;

  private final String uid;
  private final Param<String> promptCol;
  private final Param<String> tokensCol;
  private final Param<String> finishReasonCol;
  private final Param<String> modelIdCol;
  private final StringArrayParam learners;
  private final IntParam folds;
  private final IntParam maxRows;

  /** An estimator for the columns of a traces table. */
  public TraceLengthEstimator() {
    this(Identifiable.randomUID("traceLength"));
  }

  /** With a given id, as Spark makes it when it copies or loads one. */
  public TraceLengthEstimator(String uid) {
    this.uid = uid; // First: a Param asks its parent for it.
    promptCol = new Param<>(this, "promptCol", "column with the prompt's text");
    tokensCol = new Param<>(this, "tokensCol", "column with the tokens that were generated");
    finishReasonCol = new Param<>(this, "finishReasonCol", "column that says why an output ended");
    modelIdCol =
        new Param<>(this, "modelIdCol", "column that names the language model, where there is one");
    learners = new StringArrayParam(this, "learners", "those that compete: aft, linear, gbt");
    folds = new IntParam(this, "folds", "parts for the comparison", ParamValidators.gtEq(2));
    maxRows =
        new IntParam(
            this,
            "maxRows",
            "traces to learn from at most; they are gathered on the driver",
            ParamValidators.gtEq(FEWEST_TRACES));
    setDefault(promptCol, "prompt");
    setDefault(tokensCol, "generated_tokens");
    setDefault(finishReasonCol, "finish_reason");
    setDefault(modelIdCol, "model_id");
    setDefault(learners, LengthLearner.labels());
    setDefault(folds, 3);
    setDefault(maxRows, 20_000);
  }

  @Override
  public String uid() {
    return uid;
  }

  /**
   * Compares the learners and learns with the best.
   *
   * @throws IllegalArgumentException where there are too few traces
   */
  @Override
  public TraceLengthModel fit(Dataset<?> dataset) {
    transformSchema(dataset.schema());
    SparkSession spark = dataset.toDF().sparkSession();
    List<Trace> traces = traces(dataset.toDF());
    long prompts = traces.stream().map(Trace::prompt).distinct().count();
    if (traces.size() < FEWEST_TRACES || prompts < FEWEST_PROMPTS) {
      throw new IllegalArgumentException(
          "A length model needs at least %d traces of %d prompts; the table has %d of %d."
              .formatted(FEWEST_TRACES, FEWEST_PROMPTS, traces.size(), prompts));
    }
    LengthComparison comparison =
        new LengthComparison(spark, traces, (Integer) getOrDefault(folds));
    Held none = comparison.none();
    Map<LengthLearner, Held> held = new EnumMap<>(LengthLearner.class);
    for (String label : getOrDefault(learners)) {
      LengthLearner learner = LengthLearner.of(label);
      comparison.of(learner).ifPresent(result -> held.put(learner, result));
    }
    List<LengthScore> scores = new ArrayList<>(List.of(none.score()));
    held.values().forEach(result -> scores.add(result.score()));
    Optional<LengthLearner> best =
        held.entrySet().stream()
            .filter(each -> each.getValue().score().loss() < none.score().loss())
            .min(Comparator.comparingDouble(each -> each.getValue().score().loss()))
            .map(Map.Entry::getKey);
    Optional<RegressionModel<Vector, ?>> fitted =
        best.map(learner -> learner.fit(new TrainingRows(traces).toDataset(spark)));
    double[] locations = best.map(held::get).orElse(none).locations();
    return new TraceLengthModel(Identifiable.randomUID("traceLengthModel"))
        .fitted(new LengthPredictor(best, fitted, comparison.residualQuantiles(locations)), scores)
        .of(languageModel(dataset.toDF()), comparison.totalError(locations))
        .setPromptCol(getOrDefault(promptCol));
  }

  /** The model of most of the traces; empty where no column tells. */
  private String languageModel(Dataset<Row> table) {
    String column = getOrDefault(modelIdCol);
    if (table.schema().getFieldIndex(column).isEmpty()) {
      return "";
    }
    List<Row> most =
        table
            .filter(col(column).isNotNull())
            .groupBy(col(column).cast("string"))
            .count()
            .toDF("model", "traces")
            .orderBy(col("traces").desc(), col("model"))
            .limit(1)
            .collectAsList();
    return most.isEmpty() ? "" : most.get(0).getString(0);
  }

  private List<Trace> traces(Dataset<Row> table) {
    return table
        .select(
            col(getOrDefault(promptCol)),
            col(getOrDefault(tokensCol)).cast("double"),
            col(getOrDefault(finishReasonCol)))
        .toDF("prompt", "tokens", "reason")
        .filter("prompt IS NOT NULL AND tokens > 0 AND reason <> 'error'")
        // The same traces at every call, and all samples of a prompt.
        .orderBy(xxhash64(col("prompt")), col("tokens"))
        .limit((Integer) getOrDefault(maxRows))
        .collectAsList()
        .stream()
        .map(row -> new Trace(row.getString(0), row.getDouble(1), isTruncated(row.getString(2))))
        .toList();
  }

  /** A detected loop is an end: it comes again where the prompt comes again. */
  private static boolean isTruncated(String finishReason) {
    return finishReason.equals(FinishReason.LENGTH.label())
        || finishReason.equals(FinishReason.CANCELLED.label());
  }

  @Override
  public StructType transformSchema(StructType schema) {
    for (Param<String> param : List.of(promptCol, tokensCol, finishReasonCol)) {
      LengthColumns.require(schema, param.name(), getOrDefault(param));
    }
    for (String label : getOrDefault(learners)) {
      if (!List.of(LengthLearner.labels()).contains(label)) {
        throw new IllegalArgumentException(
            "learners holds '%s'; there are %s."
                .formatted(label, String.join(", ", LengthLearner.labels())));
      }
    }
    return schema;
  }

  @Override
  public TraceLengthEstimator copy(ParamMap extra) {
    return defaultCopy(extra);
  }

  /** Reads a saved estimator. */
  public static MLReader<TraceLengthEstimator> read() {
    return new DefaultParamsReader<>();
  }

  /** Reads a saved estimator from a folder. */
  public static TraceLengthEstimator load(String path) {
    return read().load(path);
  }

  /** Column with the prompt's text. */
  public Param<String> promptCol() {
    return promptCol;
  }

  public TraceLengthEstimator setPromptCol(String value) {
    set(promptCol, value);
    return this;
  }

  /** Column with the tokens that were generated. */
  public Param<String> tokensCol() {
    return tokensCol;
  }

  public TraceLengthEstimator setTokensCol(String value) {
    set(tokensCol, value);
    return this;
  }

  /** Column that says why an output ended, as the traces table does. */
  public Param<String> finishReasonCol() {
    return finishReasonCol;
  }

  public TraceLengthEstimator setFinishReasonCol(String value) {
    set(finishReasonCol, value);
    return this;
  }

  /** Column that names the language model; a table without it is taken as of an unknown one. */
  public Param<String> modelIdCol() {
    return modelIdCol;
  }

  public TraceLengthEstimator setModelIdCol(String value) {
    set(modelIdCol, value);
    return this;
  }

  /** Learners that compete: {@code aft}, {@code linear}, {@code gbt}. */
  public StringArrayParam learners() {
    return learners;
  }

  public TraceLengthEstimator setLearners(String[] value) {
    set(learners, value);
    return this;
  }

  /** Parts that the traces are cut into for the comparison, at least 2. */
  public IntParam folds() {
    return folds;
  }

  public TraceLengthEstimator setFolds(int value) {
    set(folds, value);
    return this;
  }

  /** Traces to learn from at most. */
  public IntParam maxRows() {
    return maxRows;
  }

  public TraceLengthEstimator setMaxRows(int value) {
    set(maxRows, value);
    return this;
  }
}
