package io.tracemill.udf.ml;

import io.tracemill.udf.EngineOpener;
import io.tracemill.udf.GenerationMetrics;
import io.tracemill.udf.HostedEngines;
import io.tracemill.udf.ReasoningEngines;
import io.tracemill.udf.model.LocatedModel;
import io.tracemill.udf.trace.ResultColumns;
import java.util.Objects;
import org.apache.spark.ml.param.IntParam;
import org.apache.spark.ml.param.Param;
import org.apache.spark.ml.param.ParamMap;
import org.apache.spark.ml.util.DefaultParamsReader;
import org.apache.spark.ml.util.DefaultParamsWritable;
import org.apache.spark.ml.util.Identifiable;
import org.apache.spark.ml.util.MLReader;
import org.apache.spark.sql.Dataset;
import org.apache.spark.sql.Encoders;
import org.apache.spark.sql.Row;
import org.apache.spark.sql.types.StructType;

/**
 * Generates a trace and an answer for every row: adds one struct column with the fields of {@link
 * ResultColumns}, named as in the traces table. With {@code samples} above 1 a row comes out that
 * many times, told apart by {@code sample_index}.
 *
 * <p>{@link #transform} is lazy; on the driver it only reads the model's small files. Rows come out
 * in the order in which they finish. A row that cannot run has {@code status} "error" and says why;
 * what fails for all rows (no such model, no engine) fails the query. Spark generates again for
 * every action on the outcome: write it to a table, or cache it, and go on from there.
 *
 * <p>It saves and loads like any stage. What is saved is how to generate, with the model's place;
 * not the model.
 */
public final class ReasoningTransformer extends GenerationParams<ReasoningTransformer>
    implements DefaultParamsWritable {
  private static final long serialVersionUID = 1L;

  private final Param<String> promptCol;
  private final Param<String> messagesCol;
  private final Param<String> keyCol;
  private final Param<String> outputCol;
  private final IntParam partitions;
  private EngineOpener engines = ReasoningEngines.INSTANCE;

  /** A stage of its own; the model must be set. */
  public ReasoningTransformer() {
    this(Identifiable.randomUID("reasoning"));
  }

  /** A stage with a given id, as Spark makes it when it copies or loads one. */
  public ReasoningTransformer(String uid) {
    super(uid);
    promptCol = new Param<>(this, "promptCol", "column with the text of one user turn");
    messagesCol =
        new Param<>(this, "messagesCol", "column with a conversation, instead of promptCol");
    keyCol =
        new Param<>(
            this,
            "keyCol",
            "column that names rows; a row's draws hang on it. Not set: a hash of the prompt");
    outputCol = new Param<>(this, "outputCol", "the struct that is added");
    partitions =
        atLeast("partitions", "tasks that generate; 0 for the partitions that the rows have", 0);
    setDefault(promptCol, "prompt");
    setDefault(outputCol, "generation");
    setDefault(partitions, 0);
  }

  @Override
  ReasoningTransformer self() {
    return this;
  }

  /**
   * Engines of another kind, for tests and experiments; travels with copies, is not saved.
   *
   * @return this
   */
  public ReasoningTransformer usingEngines(EngineOpener opener) {
    this.engines = Objects.requireNonNull(opener, "opener");
    return this;
  }

  @Override
  public Dataset<Row> transform(Dataset<?> dataset) {
    StructType type = transformSchema(dataset.schema());
    if (!isSet(model())) {
      throw new IllegalArgumentException(
          "ReasoningTransformer has no model; name a checkpoint's folder with setModel.");
    }
    boolean real = engines == ReasoningEngines.INSTANCE;
    LocatedModel located =
        real
            ? LocatedModel.find(getOrDefault(model()), weightsSource(), hostSettings().modelCache())
            : new LocatedModel(getOrDefault(model()), java.nio.file.Path.of(getOrDefault(model())));
    GenerateCells generate =
        new GenerateCells(
            engineSettings(located.location(), policy().needs().queryRingDepth()),
            real ? new HostedEngines(engines, hostSettings()) : engines,
            new PromptCells(columns(), generationSettings(located)),
            GenerationMetrics.register(dataset.sparkSession().sparkContext()));
    Dataset<Row> rows = dataset.toDF();
    int tasks = (Integer) getOrDefault(partitions);
    return (tasks > 0 ? rows.repartition(tasks) : rows).mapPartitions(generate, Encoders.row(type));
  }

  @Override
  public StructType transformSchema(StructType schema) {
    columns().check(schema);
    String output = getOrDefault(outputCol);
    if (schema.getFieldIndex(output).isDefined()) {
      throw new IllegalArgumentException(
          "The rows have a column '%s' already; name another with setOutputCol.".formatted(output));
    }
    return schema.add(output, ResultColumns.type(), true, "what was generated");
  }

  private CellColumns columns() {
    boolean conversation = isSet(messagesCol);
    if (conversation && isSet(promptCol)) {
      throw new IllegalArgumentException(
          "promptCol '%s' and messagesCol '%s' are both set; a row asks with one of them."
              .formatted(getOrDefault(promptCol), getOrDefault(messagesCol)));
    }
    return new CellColumns(
        conversation ? getOrDefault(messagesCol) : getOrDefault(promptCol),
        conversation ? CellColumns.Form.MESSAGES : CellColumns.Form.TEXT,
        isSet(keyCol) ? getOrDefault(keyCol) : "");
  }

  @Override
  public ReasoningTransformer copy(ParamMap extra) {
    ReasoningTransformer copy = defaultCopy(extra);
    return copy.usingEngines(engines);
  }

  /** Reads a saved stage. */
  public static MLReader<ReasoningTransformer> read() {
    return new DefaultParamsReader<>();
  }

  /** Reads a saved stage from a folder. */
  public static ReasoningTransformer load(String path) {
    return read().load(path);
  }

  /** Column with the text of one user turn. */
  public Param<String> promptCol() {
    return promptCol;
  }

  public ReasoningTransformer setPromptCol(String value) {
    set(promptCol, value);
    return this;
  }

  /**
   * Column with a conversation: an array of structs or maps with {@code role} and {@code content}.
   */
  public Param<String> messagesCol() {
    return messagesCol;
  }

  public ReasoningTransformer setMessagesCol(String value) {
    set(messagesCol, value);
    return this;
  }

  /** Column that names rows, of a text or number type; not set: a hash of the prompt. */
  public Param<String> keyCol() {
    return keyCol;
  }

  public ReasoningTransformer setKeyCol(String value) {
    set(keyCol, value);
    return this;
  }

  /** The struct that is added. */
  public Param<String> outputCol() {
    return outputCol;
  }

  public ReasoningTransformer setOutputCol(String value) {
    set(outputCol, value);
    return this;
  }

  /** Tasks that generate; 0 for the partitions that the rows have. */
  public IntParam partitions() {
    return partitions;
  }

  public ReasoningTransformer setPartitions(int value) {
    set(partitions, value);
    return this;
  }
}
