package io.tracemill.udf.ml.length;

import static org.apache.spark.sql.functions.col;
import static org.apache.spark.sql.functions.udf;
import static org.apache.spark.sql.types.DataTypes.DoubleType;

import java.io.IOException;
import java.util.Arrays;
import java.util.List;
import java.util.Optional;
import org.apache.spark.ml.Model;
import org.apache.spark.ml.param.DoubleArrayParam;
import org.apache.spark.ml.param.DoubleParam;
import org.apache.spark.ml.param.Param;
import org.apache.spark.ml.param.ParamMap;
import org.apache.spark.ml.param.ParamValidators;
import org.apache.spark.ml.param.StringArrayParam;
import org.apache.spark.ml.util.DefaultParamsReader;
import org.apache.spark.ml.util.DefaultParamsWritable;
import org.apache.spark.ml.util.Identifiable;
import org.apache.spark.ml.util.MLReader;
import org.apache.spark.ml.util.MLWritable;
import org.apache.spark.ml.util.MLWriter;
import org.apache.spark.sql.Dataset;
import org.apache.spark.sql.Row;
import org.apache.spark.sql.RowFactory;
import org.apache.spark.sql.api.java.UDF1;
import org.apache.spark.sql.types.StringType;
import org.apache.spark.sql.types.StructType;

/**
 * Predicts the length of traces from their prompts; adds a struct {@code predicted_tokens} with the
 * quantiles {@code q10}, {@code q50}, {@code q90} and the {@code mean}, in tokens. Made by {@link
 * TraceLengthEstimator}, stored beside the table that it was made from, by custom in {@code
 * <output>/length-model}.
 */
public final class TraceLengthModel extends Model<TraceLengthModel>
    implements DefaultParamsWritable {
  private static final long serialVersionUID = 1L;

  /** Type of the column that is added; tokens. */
  public static final StructType PREDICTION =
      new StructType()
          .add("q10", DoubleType)
          .add("q50", DoubleType)
          .add("q90", DoubleType)
          .add("mean", DoubleType);

  private static final String NONE = "none";
  private static final String FITTED = "/fitted";

  private final String uid;
  private final Param<String> promptCol;
  private final Param<String> outputCol;
  private final Param<String> learner;
  private final DoubleArrayParam residualQuantiles;
  private final StringArrayParam comparison;
  private final Param<String> languageModel;
  private final DoubleParam totalError;
  private LengthPredictor predictor;

  /** An empty model, which only Spark's service loader and readers need. */
  public TraceLengthModel() {
    this(Identifiable.randomUID("traceLengthModel"));
  }

  /** An empty model with a given id, as Spark makes it when it copies or loads one. */
  public TraceLengthModel(String uid) {
    this.uid = uid; // First: a Param asks its parent for it.
    promptCol = new Param<>(this, "promptCol", "column with the prompt's text");
    outputCol = new Param<>(this, "outputCol", "the struct that is added");
    learner = new Param<>(this, "learner", "what was learned with; none where nothing helped");
    residualQuantiles =
        new DoubleArrayParam(
            this, "residualQuantiles", "of the log length around its location, 1 % to 99 %");
    comparison = new StringArrayParam(this, "comparison", "what each learner scored");
    languageModel =
        new Param<>(this, "languageModel", "model_id of the traces; empty where none was told");
    totalError =
        new DoubleParam(
            this,
            "totalError",
            "relative error of the predicted total over prompts that it had not seen",
            ParamValidators.gtEq(0));
    setDefault(promptCol, "prompt");
    setDefault(outputCol, "predicted_tokens");
    setDefault(languageModel, "");
    setDefault(totalError, 0.0);
  }

  /** Fills an empty model. */
  TraceLengthModel fitted(LengthPredictor learned, List<LengthScore> scores) {
    predictor = learned;
    set(learner, learned.learner().map(LengthLearner::label).orElse(NONE));
    set(residualQuantiles, learned.residualQuantiles());
    set(comparison, scores.stream().map(LengthScore::toString).toArray(String[]::new));
    return this;
  }

  /** Notes where the traces came from and how far totals are off. */
  TraceLengthModel of(String modelId, double errorOfTotals) {
    set(languageModel, modelId);
    set(totalError, errorOfTotals);
    return this;
  }

  @Override
  public String uid() {
    return uid;
  }

  /** What each learner scored on prompts that it had not seen; {@code none} comes first. */
  public List<LengthScore> scores() {
    return Arrays.stream(getOrDefault(comparison)).map(LengthScore::parse).toList();
  }

  /** The prediction for one prompt. */
  public LengthDistribution predict(String prompt) {
    return learned().predict(prompt);
  }

  /**
   * What was learned, to be used where rows are.
   *
   * @throws IllegalStateException where the model is empty
   */
  public LengthPredictor learned() {
    if (predictor == null) {
      throw new IllegalStateException(
          "This length model is empty; fit a TraceLengthEstimator, or load a saved model.");
    }
    return predictor;
  }

  @Override
  public Dataset<Row> transform(Dataset<?> dataset) {
    transformSchema(dataset.schema());
    LengthPredictor travelling = learned();
    UDF1<String, Row> predict =
        prompt -> {
          LengthDistribution predicted = travelling.predict(prompt);
          return RowFactory.create(
              predicted.quantile(0.1),
              predicted.quantile(0.5),
              predicted.quantile(0.9),
              predicted.meanTokens());
        };
    return dataset
        .toDF()
        .withColumn(
            getOrDefault(outputCol), udf(predict, PREDICTION).apply(col(getOrDefault(promptCol))));
  }

  @Override
  public StructType transformSchema(StructType schema) {
    String prompt = getOrDefault(promptCol);
    LengthColumns.require(schema, "promptCol", prompt);
    if (!(schema.apply(prompt).dataType() instanceof StringType)) {
      throw new IllegalArgumentException(
          "promptCol is '%s', of the type %s; it must be a text."
              .formatted(prompt, schema.apply(prompt).dataType().sql()));
    }
    return schema.add(getOrDefault(outputCol), PREDICTION, true, "tokens that will be generated");
  }

  @Override
  public TraceLengthModel copy(ParamMap extra) {
    TraceLengthModel copy = defaultCopy(extra);
    copy.predictor = predictor;
    copy.setParent(parent());
    return copy;
  }

  @Override
  public MLWriter write() {
    LengthPredictor saved = learned();
    MLWriter params = DefaultParamsWritable.super.write();
    return new MLWriter() {
      @Override
      public void saveImpl(String path) {
        try {
          params.session(sparkSession()).save(path);
          if (saved.model().isPresent()) {
            ((MLWritable) saved.model().get()).write().session(sparkSession()).save(path + FITTED);
          }
        } catch (IOException e) {
          throw new java.io.UncheckedIOException(
              "the length model cannot be written to " + path, e);
        }
      }
    };
  }

  /** Reads a saved model. */
  public static MLReader<TraceLengthModel> read() {
    return new MLReader<>() {
      @Override
      public TraceLengthModel load(String path) {
        TraceLengthModel model = new DefaultParamsReader<TraceLengthModel>().load(path);
        String label = model.getOrDefault(model.learner);
        Optional<LengthLearner> kind =
            label.equals(NONE) ? Optional.empty() : Optional.of(LengthLearner.of(label));
        model.predictor =
            new LengthPredictor(
                kind,
                kind.map(each -> each.load(path + FITTED)),
                model.getOrDefault(model.residualQuantiles));
        return model;
      }
    };
  }

  /** Reads a saved model from a folder. */
  public static TraceLengthModel load(String path) {
    return read().load(path);
  }

  /** Column with the prompt's text. */
  public Param<String> promptCol() {
    return promptCol;
  }

  public TraceLengthModel setPromptCol(String value) {
    set(promptCol, value);
    return this;
  }

  /** The struct that is added. */
  public Param<String> outputCol() {
    return outputCol;
  }

  public TraceLengthModel setOutputCol(String value) {
    set(outputCol, value);
    return this;
  }

  /** What was learned with: {@code aft}, {@code linear}, {@code gbt}, or {@code none}. */
  public Param<String> learner() {
    return learner;
  }

  /** Quantiles of the log length around its location, at 1 % to 99 %. */
  public DoubleArrayParam residualQuantiles() {
    return residualQuantiles;
  }

  /** What each learner scored, in words; {@link #scores} has the numbers. */
  public StringArrayParam comparison() {
    return comparison;
  }

  /** The {@code model_id} whose traces these were; empty where the table did not tell. */
  public Param<String> languageModel() {
    return languageModel;
  }

  /** Relative error of the predicted total over prompts that it had not seen, one sigma. */
  public DoubleParam totalError() {
    return totalError;
  }
}
