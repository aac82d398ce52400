package io.tracemill.job.eval;

import io.tracemill.job.eval.result.AgainstFull;
import io.tracemill.job.eval.result.CompressionProof;
import io.tracemill.job.eval.result.RowGroup;
import io.tracemill.job.stats.ClusteredShare;
import io.tracemill.job.stats.PairedTest;
import java.util.HashMap;
import java.util.Locale;
import java.util.Map;
import java.util.Optional;
import org.apache.spark.sql.Dataset;
import org.apache.spark.sql.Row;
import org.apache.spark.sql.SparkSession;

/**
 * Sums over {@link GradedRows} by cell, made by Spark; what comes back is one row a cell.
 *
 * <p>A pair is a row and the row of the same problem, sample and temperature with a full cache.
 */
final class CellSums {
  /** Which rows of a cell are looked at; in the words of SQL. */
  enum Which {
    ALL("true"),
    COMPRESSED("compressions > 0");

    private final String condition;

    Which(String condition) {
      this.condition = condition;
    }
  }

  private static final String PAIRS =
      """
      pairs AS (
        SELECT
          c.cell, c.problem, c.compressions, c.is_right, c.ok AND f.ok AS ok,
          f.is_right AS full_right,
          c.complete AND f.complete AS complete,
          c.tokens, f.tokens AS full_tokens,
          c.mean_rows, f.mean_rows AS full_mean_rows,
          c.temperature, c.output_hash = f.output_hash AS same_output
        FROM (SELECT * FROM graded WHERE NOT is_full AND %s) c
          JOIN (SELECT * FROM graded WHERE is_full) f
          ON c.problem = f.problem AND c.sample_index = f.sample_index
            AND c.temperature = f.temperature
      )
      """;

  private final SparkSession spark;
  private final Dataset<Row> graded;

  CellSums(Dataset<Row> graded) {
    this.spark = graded.sparkSession();
    this.graded = graded;
  }

  private Map<String, Row> byCell(String sql) {
    graded.createOrReplaceTempView("graded");
    Map<String, Row> rows = new HashMap<>();
    spark.sql(sql).collectAsList().forEach(row -> rows.put(row.getAs("cell"), row));
    return rows;
  }

  /** Figures by cell; cells without such a row are left out. */
  Map<String, RowGroup> groups(Which which) {
    Map<String, AgainstFull> against = againstFull(which);
    Map<String, RowGroup> groups = new HashMap<>();
    byCell(
            """
            SELECT
              cell,
              count(*) AS problems, sum(rows) AS rows, sum(failed) AS failed,
              sum(truncated) AS truncated, sum(right) AS right,
              avg(right / rows) AS accuracy, stddev_samp(right / rows) AS deviation,
              sum(tokens) / sum(ran) AS tokens, sum(tokens_right) / sum(right) AS tokens_right,
              max(peak_rows) AS peak_rows, sum(sum_peak_rows) / sum(ran) AS mean_peak_rows,
              sum(mean_rows) / sum(ran) AS mean_rows,
              sum(compressions) / sum(ran) AS compressions,
              sum(compress_ms) / sum(ran) AS compress_ms
            FROM (
              SELECT
                cell, problem,
                count(*) AS rows, count_if(NOT ok) AS failed, count_if(ok) AS ran,
                count_if(ok AND truncated) AS truncated, count_if(is_right) AS right,
                sum(CASE WHEN ok THEN tokens END) AS tokens,
                sum(CASE WHEN is_right THEN tokens END) AS tokens_right,
                max(peak_rows) AS peak_rows,
                sum(CASE WHEN ok THEN peak_rows END) AS sum_peak_rows,
                sum(CASE WHEN ok THEN mean_rows END) AS mean_rows,
                sum(CASE WHEN ok THEN compressions END) AS compressions,
                sum(CASE WHEN ok THEN compress_ms END) AS compress_ms
              FROM graded
              WHERE %s
              GROUP BY cell, problem
            )
            GROUP BY cell
            """
                .formatted(which.condition))
        .forEach(
            (cell, row) -> groups.put(cell, group(row, Optional.ofNullable(against.get(cell)))));
    return groups;
  }

  private static RowGroup group(Row row, Optional<AgainstFull> against) {
    long problems = whole(row, "problems");
    long rows = whole(row, "rows");
    ClusteredShare accuracy =
        ClusteredShare.of(problems, rows, number(row, "accuracy"), number(row, "deviation"));
    return new RowGroup(
        problems,
        rows,
        whole(row, "failed"),
        whole(row, "truncated"),
        whole(row, "right"),
        accuracy.value(),
        accuracy.low(),
        accuracy.high(),
        number(row, "tokens"),
        number(row, "tokens_right"),
        whole(row, "peak_rows"),
        number(row, "mean_peak_rows"),
        number(row, "mean_rows"),
        number(row, "compressions"),
        number(row, "compress_ms"),
        against);
  }

  private Map<String, AgainstFull> againstFull(Which which) {
    Map<String, AgainstFull> against = new HashMap<>();
    byCell(
            """
            WITH %s
            SELECT
              cell,
              sum(samples) AS pairs, count(*) AS problems, max(samples) AS samples,
              avg(full_right / samples) AS full_accuracy,
              avg((right - full_right) / samples) AS difference,
              stddev_samp((right - full_right) / samples) AS deviation,
              sum(won) AS won, sum(lost) AS lost,
              sum(tokens) / sum(full_tokens) AS length_inflation,
              sum(full_mean_rows) / sum(mean_rows) AS kv_shrink
            FROM (
              SELECT
                cell, problem, count(*) AS samples,
                count_if(is_right) AS right, count_if(full_right) AS full_right,
                count_if(is_right AND NOT full_right) AS won,
                count_if(full_right AND NOT is_right) AS lost,
                sum(CASE WHEN complete THEN tokens END) AS tokens,
                sum(CASE WHEN complete THEN full_tokens END) AS full_tokens,
                sum(CASE WHEN ok THEN mean_rows END) AS mean_rows,
                sum(CASE WHEN ok THEN full_mean_rows END) AS full_mean_rows
              FROM pairs
              GROUP BY cell, problem
            )
            GROUP BY cell
            """
                .formatted(PAIRS.formatted(which.condition)))
        .forEach((cell, row) -> against.put(cell, against(row)));
    return against;
  }

  private static AgainstFull against(Row row) {
    long problems = whole(row, "problems");
    PairedTest test =
        whole(row, "samples") == 1
            ? PairedTest.ofRows(problems, whole(row, "won"), whole(row, "lost"))
            : PairedTest.ofClusters(problems, number(row, "difference"), number(row, "deviation"));
    return new AgainstFull(
        whole(row, "pairs"),
        number(row, "full_accuracy"),
        test.difference(),
        test.low(),
        test.high(),
        whole(row, "won"),
        whole(row, "lost"),
        test.pValue(),
        test.pValue(),
        test.method().name().toLowerCase(Locale.ROOT).replace('_', '-'),
        number(row, "length_inflation"),
        number(row, "kv_shrink"));
  }

  /** What the counters prove, by cell. */
  Map<String, CompressionProof> proofs() {
    Map<String, Row> same =
        byCell(
            """
            WITH %s
            SELECT
              cell, count_if(same_output) AS same, count_if(NOT same_output) AS other
            FROM pairs
            WHERE ok AND compressions = 0 AND temperature = '0'
            GROUP BY cell
            """
                .formatted(PAIRS.formatted(Which.ALL.condition)));
    Map<String, CompressionProof> proofs = new HashMap<>();
    byCell(
            """
            SELECT
              cell,
              count_if(proof = %d) AS as_planned, count_if(proof = %d) AS within_bound,
              count_if(proof = %d) AS otherwise,
              count_if(ok AND compressions = 0) AS never,
              coalesce(min(CASE WHEN ok THEN compressions END), 0) AS least,
              coalesce(max(CASE WHEN ok THEN compressions END), 0) AS most
            FROM graded
            GROUP BY cell
            """
                .formatted(
                    CompressionCheck.AS_PLANNED,
                    CompressionCheck.WITHIN_BOUND,
                    CompressionCheck.OTHERWISE))
        .forEach((cell, row) -> proofs.put(cell, proof(row, Optional.ofNullable(same.get(cell)))));
    return proofs;
  }

  private static CompressionProof proof(Row row, Optional<Row> same) {
    return new CompressionProof(
        whole(row, "as_planned"),
        whole(row, "within_bound"),
        whole(row, "otherwise"),
        whole(row, "never"),
        whole(row, "least"),
        whole(row, "most"),
        same.map(pairs -> whole(pairs, "same")).orElse(0L),
        same.map(pairs -> whole(pairs, "other")).orElse(0L));
  }

  /** Cells that ran without others beside them, in every run that made rows of theirs. */
  Map<String, Row> alone() {
    return byCell(
        """
        SELECT cell FROM (
          SELECT cell, run_id, count(*) OVER (PARTITION BY run_id) AS cells
          FROM (SELECT DISTINCT cell, run_id FROM graded)
        )
        GROUP BY cell
        HAVING max(cells) = 1
        """);
  }

  private static long whole(Row row, String column) {
    Number value = row.getAs(column);
    return value == null ? 0 : value.longValue();
  }

  private static double number(Row row, String column) {
    Number value = row.getAs(column);
    return value == null ? Double.NaN : value.doubleValue();
  }
}
