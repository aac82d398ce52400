package io.tracemill.job.report.data;

import io.tracemill.job.error.TableErrors;
import io.tracemill.job.eval.result.CellResult;
import io.tracemill.job.eval.result.EvaluationTable;
import java.io.IOException;
import java.util.List;
import java.util.Map;
import java.util.Optional;
import org.apache.spark.sql.SparkSession;

/**
 * All figures of a report.
 *
 * @param request what was asked for
 * @param subjects the run, and its baseline where there is one
 * @param overview by side
 * @param pairing of the two; empty without a baseline or without a row in common
 * @param evaluation cells of the run, where it is an evaluation; else none
 */
public record ReportData(
    ReportRequest request,
    List<Subject> subjects,
    Map<Side, Overview> overview,
    Outcomes outcomes,
    Lengths lengths,
    KvLife kvLife,
    Timeline timeline,
    List<SlowRow> slowRows,
    List<WorstRow> worstRows,
    Optional<Pairing> pairing,
    List<CellResult> evaluation) {
  public ReportData {
    subjects = List.copyOf(subjects);
    overview = Map.copyOf(overview);
    slowRows = List.copyOf(slowRows);
    worstRows = List.copyOf(worstRows);
    evaluation = List.copyOf(evaluation);
  }

  /**
   * Reads the tables that a request means.
   *
   * @throws io.tracemill.job.error.JobException where there are none, or an expression is wrong
   */
  public static ReportData read(SparkSession spark, ReportRequest request) {
    List<Subject> subjects = new RunSelector(spark).select(request);
    try (ReportTables tables = ReportTables.open(spark, request, subjects)) {
      return new ReportData(
          request,
          subjects,
          Overview.read(tables),
          Outcomes.read(tables),
          Lengths.read(tables),
          KvLife.read(tables),
          Timeline.read(tables),
          SlowRow.read(tables),
          WorstRow.read(tables),
          Pairing.read(tables),
          evaluation(spark, subjects.get(0)));
    }
  }

  private static List<CellResult> evaluation(SparkSession spark, Subject run) {
    try {
      return EvaluationTable.read(spark, run.tables().folder());
    } catch (IOException e) {
      throw TableErrors.noTables(run.tables().folder());
    }
  }

  /** The run. */
  public Overview run() {
    return overview.get(Side.RUN);
  }

  /** Its baseline. */
  public Optional<Overview> baseline() {
    return Optional.ofNullable(overview.get(Side.BASELINE));
  }

  /** Whether any row of the run has a gold answer. */
  public boolean isGraded() {
    return run().accuracy().isPresent();
  }

  /** A side's policy, or its run's id where both have the same; of an evaluation, its cells. */
  public String label(Side side) {
    if (side == Side.RUN && !evaluation.isEmpty()) {
      return "Evaluation of %d cells".formatted(evaluation.size());
    }
    Subject subject = subjects.get(side.ordinal());
    boolean same = subjects.size() > 1 && subjects.get(0).policy().equals(subjects.get(1).policy());
    return same ? subject.newestRunId() : subject.policy();
  }
}
