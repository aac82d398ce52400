package io.tracemill.job.eval.result;

import static org.apache.spark.sql.functions.lit;
import static org.apache.spark.sql.types.DataTypes.DoubleType;
import static org.apache.spark.sql.types.DataTypes.IntegerType;
import static org.apache.spark.sql.types.DataTypes.LongType;
import static org.apache.spark.sql.types.DataTypes.StringType;

import java.io.IOException;
import java.util.ArrayList;
import java.util.List;
import java.util.Optional;
import java.util.OptionalDouble;
import java.util.stream.IntStream;
import org.apache.hadoop.fs.FileSystem;
import org.apache.hadoop.fs.Path;
import org.apache.spark.sql.Dataset;
import org.apache.spark.sql.Row;
import org.apache.spark.sql.RowFactory;
import org.apache.spark.sql.SaveMode;
import org.apache.spark.sql.SparkSession;
import org.apache.spark.sql.types.StructType;

/**
 * The table {@code evaluation} of an output: one row a cell, written anew by each evaluation. What
 * its columns mean stands at {@link CellResult}, {@link RowGroup}, {@link AgainstFull} and {@link
 * CompressionProof}.
 */
public final class EvaluationTable {
  private static final String NAME = "evaluation";
  private static final String DELTA_LOG = "_delta_log";

  private static final StructType PROOF =
      new StructType()
          .add("as_planned", LongType)
          .add("within_bound", LongType)
          .add("otherwise", LongType)
          .add("never_compressed", LongType)
          .add("least_compressions", LongType)
          .add("most_compressions", LongType)
          .add("same_as_full", LongType)
          .add("other_than_full", LongType);

  private static final StructType AGAINST_FULL =
      new StructType()
          .add("pairs", LongType)
          .add("full_accuracy", DoubleType)
          .add("difference", DoubleType)
          .add("low", DoubleType)
          .add("high", DoubleType)
          .add("won", LongType)
          .add("lost", LongType)
          .add("p_value", DoubleType)
          .add("holm_p_value", DoubleType)
          .add("method", StringType)
          .add("length_inflation", DoubleType)
          .add("kv_shrink", DoubleType);

  private static final StructType GROUP =
      new StructType()
          .add("problems", LongType)
          .add("rows", LongType)
          .add("failed", LongType)
          .add("truncated", LongType)
          .add("right", LongType)
          .add("accuracy", DoubleType)
          .add("accuracy_low", DoubleType)
          .add("accuracy_high", DoubleType)
          .add("mean_tokens", DoubleType)
          .add("mean_tokens_right", DoubleType)
          .add("peak_kv_rows", LongType)
          .add("mean_peak_kv_rows", DoubleType)
          .add("mean_kv_rows", DoubleType)
          .add("mean_compressions", DoubleType)
          .add("mean_compress_ms", DoubleType)
          .add("against_full", AGAINST_FULL);

  private static final StructType TYPE =
      new StructType()
          .add("position", IntegerType)
          .add("cell", StringType)
          .add("policy_given", StringType)
          .add("policy", StringType)
          .add("policy_name", StringType)
          .add("temperature", DoubleType)
          .add("samples", IntegerType)
          .add("tokens_per_second", DoubleType)
          .add("proof", PROOF)
          .add("all_rows", GROUP)
          .add("compressed_rows", GROUP);

  private EvaluationTable() {}

  /** Where the table of an output lies. */
  public static String path(String output) {
    return output.endsWith("/") ? output + NAME : output + "/" + NAME;
  }

  /**
   * Writes the table in the place of what was there.
   *
   * @param output the output of the evaluation
   * @param format {@code delta} or {@code parquet}
   */
  public static void write(
      SparkSession spark, String output, String format, List<CellResult> cells) {
    List<Row> rows =
        IntStream.range(0, cells.size())
            .mapToObj(position -> row(position, cells.get(position)))
            .toList();
    spark
        .createDataFrame(rows, TYPE)
        .coalesce(1)
        .write()
        .format(format)
        .option("overwriteSchema", "true")
        .mode(SaveMode.Overwrite)
        .save(path(output));
  }

  /** The table of an output as it is; empty where there is none. */
  public static Optional<Dataset<Row>> open(SparkSession spark, String output) throws IOException {
    Path table = new Path(path(output));
    FileSystem files = table.getFileSystem(spark.sparkContext().hadoopConfiguration());
    if (files.exists(new Path(table, DELTA_LOG))) {
      return Optional.of(spark.read().format("delta").load(table.toString()));
    }
    // Spark writes this file last.
    return files.exists(new Path(table, "_SUCCESS"))
        ? Optional.of(spark.read().parquet(table.toString()))
        : Optional.empty();
  }

  /**
   * Makes the view {@code evaluation} of the tables of several outputs, with a column {@code
   * output}; none where none of them is an evaluation's.
   */
  public static void register(SparkSession spark, List<String> outputs) throws IOException {
    List<Dataset<Row>> tables = new ArrayList<>();
    for (String output : outputs) {
      open(spark, output).ifPresent(table -> tables.add(table.withColumn("output", lit(output))));
    }
    tables.stream()
        .reduce(Dataset::unionByName)
        .ifPresent(all -> all.createOrReplaceTempView(NAME));
  }

  /** The cells of an output, in the grid's order; empty where it is no evaluation's. */
  public static List<CellResult> read(SparkSession spark, String output) throws IOException {
    Optional<Dataset<Row>> table = open(spark, output);
    return table.isEmpty()
        ? List.of()
        : table.get().orderBy("position").collectAsList().stream()
            .map(EvaluationTable::cell)
            .toList();
  }

  private static Row row(int position, CellResult cell) {
    return RowFactory.create(
        position,
        cell.cell(),
        cell.given(),
        cell.policy(),
        cell.policyName(),
        cell.temperature(),
        cell.samples(),
        cell.tokensPerSecond().isPresent() ? cell.tokensPerSecond().getAsDouble() : null,
        proof(cell.proof()),
        group(cell.all()),
        cell.compressed().map(EvaluationTable::group).orElse(null));
  }

  private static Row proof(CompressionProof proof) {
    return RowFactory.create(
        proof.asPlanned(),
        proof.withinBound(),
        proof.otherwise(),
        proof.neverCompressed(),
        proof.leastCompressions(),
        proof.mostCompressions(),
        proof.sameAsFull(),
        proof.otherThanFull());
  }

  private static Row group(RowGroup group) {
    return RowFactory.create(
        group.problems(),
        group.rows(),
        group.failed(),
        group.truncated(),
        group.right(),
        group.accuracy(),
        group.low(),
        group.high(),
        orNull(group.meanTokens()),
        orNull(group.meanTokensRight()),
        group.peakRows(),
        orNull(group.meanPeakRows()),
        orNull(group.meanRows()),
        orNull(group.compressions()),
        orNull(group.compressMillis()),
        group.againstFull().map(EvaluationTable::against).orElse(null));
  }

  private static Row against(AgainstFull against) {
    return RowFactory.create(
        against.pairs(),
        against.fullAccuracy(),
        against.difference(),
        against.low(),
        against.high(),
        against.won(),
        against.lost(),
        against.pValue(),
        against.holmPValue(),
        against.method(),
        orNull(against.lengthInflation()),
        orNull(against.kvShrink()));
  }

  private static CellResult cell(Row row) {
    Double speed = row.getAs("tokens_per_second");
    Row compressed = row.getAs("compressed_rows");
    return new CellResult(
        row.getAs("cell"),
        row.getAs("policy_given"),
        row.getAs("policy"),
        row.getAs("policy_name"),
        row.<Double>getAs("temperature"),
        row.<Integer>getAs("samples"),
        proof(row.<Row>getAs("proof")),
        speed == null ? OptionalDouble.empty() : OptionalDouble.of(speed),
        group(row.<Row>getAs("all_rows")),
        Optional.ofNullable(compressed).map(EvaluationTable::group));
  }

  private static CompressionProof proof(Row row) {
    return new CompressionProof(
        row.<Long>getAs("as_planned"),
        row.<Long>getAs("within_bound"),
        row.<Long>getAs("otherwise"),
        row.<Long>getAs("never_compressed"),
        row.<Long>getAs("least_compressions"),
        row.<Long>getAs("most_compressions"),
        row.<Long>getAs("same_as_full"),
        row.<Long>getAs("other_than_full"));
  }

  private static RowGroup group(Row row) {
    Row against = row.getAs("against_full");
    return new RowGroup(
        row.<Long>getAs("problems"),
        row.<Long>getAs("rows"),
        row.<Long>getAs("failed"),
        row.<Long>getAs("truncated"),
        row.<Long>getAs("right"),
        number(row, "accuracy"),
        number(row, "accuracy_low"),
        number(row, "accuracy_high"),
        number(row, "mean_tokens"),
        number(row, "mean_tokens_right"),
        row.<Long>getAs("peak_kv_rows"),
        number(row, "mean_peak_kv_rows"),
        number(row, "mean_kv_rows"),
        number(row, "mean_compressions"),
        number(row, "mean_compress_ms"),
        Optional.ofNullable(against).map(EvaluationTable::against));
  }

  private static AgainstFull against(Row row) {
    return new AgainstFull(
        row.<Long>getAs("pairs"),
        number(row, "full_accuracy"),
        number(row, "difference"),
        number(row, "low"),
        number(row, "high"),
        row.<Long>getAs("won"),
        row.<Long>getAs("lost"),
        number(row, "p_value"),
        number(row, "holm_p_value"),
        row.getAs("method"),
        number(row, "length_inflation"),
        number(row, "kv_shrink"));
  }

  /** NaN for null. */
  private static double number(Row row, String column) {
    Double value = row.getAs(column);
    return value == null ? Double.NaN : value;
  }

  private static Double orNull(double value) {
    return Double.isNaN(value) ? null : value;
  }
}
