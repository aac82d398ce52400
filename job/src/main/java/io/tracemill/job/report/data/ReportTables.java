package io.tracemill.job.report.data;

import io.tracemill.engine.error.ReasoningException;
import io.tracemill.job.error.JobErrors;
import io.tracemill.job.error.TableErrors;
import io.tracemill.job.output.OutputTables;
import io.tracemill.job.output.TableViews;
import io.tracemill.udf.sql.TracemillViews;
import io.tracemill.udf.sql.ViewSources;
import java.util.Arrays;
import java.util.LinkedHashSet;
import java.util.List;
import java.util.Optional;
import java.util.Set;
import java.util.stream.Collectors;
import org.apache.spark.sql.Dataset;
import org.apache.spark.sql.Row;
import org.apache.spark.sql.SparkSession;
import org.apache.spark.storage.StorageLevel;

/**
 * The rows of a report's runs under fixed names. {@code report_rows} has the columns without long
 * text and the verdicts; it is kept while the report is made, so that every answer is graded once.
 * {@code report_texts} has all columns of {@code traces}. Both have {@code side}, the ordinal of a
 * {@link Side}.
 */
final class ReportTables implements AutoCloseable {
  private static final String ROWS =
      """
      SELECT
        %s AS side,
        run_id, row_key, sample_index, status, finish_reason, error_class,
        prompt_tokens, thinking_tokens, answer_tokens, generated_tokens,
        compressions, kv_full_rows, kv_peak_rows, kv_mean_rows, kv_peak_bytes, kv_saved_ratio,
        compression_events,
        queue_ms, prefill_ms, decode_ms, executor_id, finished_at,
        complete, correct, CAST(%s AS STRING) AS answer_group
      FROM tm_graded
      WHERE %s
      """;

  private final SparkSession spark;
  private final List<Subject> subjects;
  private final Dataset<Row> rows;

  private ReportTables(SparkSession spark, List<Subject> subjects, Dataset<Row> rows) {
    this.spark = spark;
    this.subjects = subjects;
    this.rows = rows;
  }

  /**
   * Makes the views.
   *
   * @throws io.tracemill.job.error.JobException where an expression of the request is wrong
   */
  static ReportTables open(SparkSession spark, ReportRequest request, List<Subject> subjects) {
    Set<OutputTables> folders =
        subjects.stream().map(Subject::tables).collect(Collectors.toCollection(LinkedHashSet::new));
    union(folders.stream().map(tables -> tables.readTraces(spark)).toList(), "report_traces");
    union(folders.stream().map(tables -> tables.readRuns(spark)).toList(), "report_runs");
    try {
      TracemillViews.create(spark, new ViewSources("report_traces", "report_runs", request.gold()));
    } catch (ReasoningException e) {
      throw JobErrors.badOption(e.getMessage(), e);
    } catch (Exception e) { // Spark's AnalysisException is checked in Scala only.
      throw TableErrors.badExpression("--gold", request.gold().orElse("input.answer"), e);
    }
    String side = side(subjects);
    String own = ownRuns(subjects);
    Dataset<Row> rows;
    try {
      rows = spark.sql(ROWS.formatted(side, request.groupBy().orElse("NULL"), own));
    } catch (Exception e) {
      throw TableErrors.badExpression("--group-by", request.groupBy().orElse(""), e);
    }
    rows.persist(StorageLevel.MEMORY_AND_DISK()).createOrReplaceTempView("report_rows");
    spark
        .sql("SELECT %s AS side, * FROM tm_graded WHERE %s".formatted(side, own))
        .createOrReplaceTempView("report_texts");
    return new ReportTables(spark, subjects, rows);
  }

  private static String side(List<Subject> subjects) {
    return "CASE WHEN %s THEN 0 ELSE 1 END".formatted(subjects.get(0).condition());
  }

  private static String ownRuns(List<Subject> subjects) {
    return subjects.stream().map(Subject::condition).collect(Collectors.joining(" OR ", "(", ")"));
  }

  private static void union(List<Dataset<Row>> tables, String name) {
    TableViews.union(tables).createOrReplaceTempView(name);
  }

  /** The rows of a query. */
  List<Row> query(String sql) {
    return spark.sql(sql).collectAsList();
  }

  /** The runs that the report is about; the second is the baseline. */
  List<Subject> subjects() {
    return subjects;
  }

  Optional<Subject> baseline() {
    return subjects.size() > 1 ? Optional.of(subjects.get(1)) : Optional.empty();
  }

  /** Whether the runs have a timeline of their engines. */
  boolean hasTimeline() {
    return Arrays.asList(spark.table("report_runs").columns()).contains("timeline");
  }

  /** The condition of both sides' runs, for tables that have {@code run_id} only. */
  String ownRuns() {
    return ownRuns(subjects);
  }

  /** The {@code side} of a row that has {@code run_id} only. */
  String sideOfRun() {
    return side(subjects);
  }

  @Override
  public void close() {
    rows.unpersist();
  }
}
