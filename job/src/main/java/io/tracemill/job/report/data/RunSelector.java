package io.tracemill.job.report.data;

import io.tracemill.job.error.TableErrors;
import io.tracemill.job.output.OutputTables;
import io.tracemill.job.output.TableViews;
import java.time.Instant;
import java.util.ArrayList;
import java.util.Comparator;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import java.util.Optional;
import org.apache.spark.sql.Row;
import org.apache.spark.sql.SparkSession;
import scala.jdk.javaapi.CollectionConverters;

/** Finds the runs that a request means. */
final class RunSelector {
  private static final int NAMED_IN_MESSAGE = 8;

  private final SparkSession spark;

  RunSelector(SparkSession spark) {
    this.spark = spark;
  }

  /**
   * The run and, where there is one, its baseline. Where two runs are found and none is named, the
   * one with the full cache is the baseline, else the older.
   *
   * @throws io.tracemill.job.error.JobException where none is meant or more than two could be
   */
  List<Subject> select(ReportRequest request) {
    List<Subject> found = subjects(request.output());
    if (request.compare().isPresent()) {
      return List.of(newest(found), newest(subjects(request.compare().get())));
    }
    if (!request.runs().isEmpty()) {
      List<Subject> named =
          request.runs().stream().map(id -> named(id, found, request.output())).toList();
      if (named.size() == 2 && named.get(0).equals(named.get(1))) {
        throw TableErrors.sameRunTwice(request.runs().get(0), request.runs().get(1));
      }
      return named;
    }
    return switch (found.size()) {
      case 1 -> found;
      case 2 ->
          found.get(0).isFullCache() ? List.of(found.get(1), found.get(0)) : newestFirst(found);
      default -> throw TableErrors.severalRuns(request.output(), labels(found));
    };
  }

  /** The one with the full cache last, else the newest first. */
  private static List<Subject> newestFirst(List<Subject> found) {
    return found.get(1).isFullCache() ? found : List.of(found.get(1), found.get(0));
  }

  private static Subject newest(List<Subject> found) {
    return found.get(found.size() - 1);
  }

  private static Subject named(String id, List<Subject> found, String folder) {
    List<Subject> matching =
        found.stream()
            .filter(subject -> subject.runIds().stream().anyMatch(run -> run.startsWith(id)))
            .toList();
    if (matching.size() != 1) {
      throw TableErrors.noSuchRun(id, folder, labels(found));
    }
    return matching.get(0);
  }

  private static List<String> labels(List<Subject> found) {
    List<String> labels =
        new ArrayList<>(
            found.stream()
                .limit(NAMED_IN_MESSAGE)
                .map(subject -> subject.newestRunId() + " " + subject.policy())
                .toList());
    if (found.size() > NAMED_IN_MESSAGE) {
      labels.add("and " + (found.size() - NAMED_IN_MESSAGE) + " more");
    }
    return labels;
  }

  /** All runs with rows at a folder, oldest first. */
  private List<Subject> subjects(String folder) {
    List<Subject> subjects = new ArrayList<>();
    for (OutputTables tables : TableViews.find(spark, folder)) {
      Map<String, List<Row>> byFingerprint = new LinkedHashMap<>();
      for (Row run : runs(tables)) {
        byFingerprint
            .computeIfAbsent(run.getAs("fingerprint"), fingerprint -> new ArrayList<>())
            .add(run);
      }
      byFingerprint.values().forEach(runs -> subjects.add(subject(tables, runs)));
    }
    if (subjects.isEmpty()) {
      throw TableErrors.noRows(folder);
    }
    // Ids begin with the time of the start.
    subjects.sort(Comparator.comparing(Subject::newestRunId));
    return subjects;
  }

  private List<Row> runs(OutputTables tables) {
    tables.readTraces(spark).createOrReplaceTempView("report_found_traces");
    tables.readRuns(spark).createOrReplaceTempView("report_found_runs");
    return spark
        .sql(
            """
            SELECT
              t.run_id,
              coalesce(r.fingerprint, t.run_id) AS fingerprint,
              t.model_id,
              t.kv_policy,
              coalesce(r.engine, '') AS engine,
              r.started_at,
              coalesce(r.seconds, 0D) AS seconds,
              coalesce(r.settings, map()) AS settings
            FROM (
              SELECT
                run_id,
                min(model_id) AS model_id,
                mode(kv_policy) AS kv_policy
              FROM report_found_traces
              GROUP BY run_id
            ) t LEFT JOIN report_found_runs r ON t.run_id = r.run_id
            ORDER BY t.run_id
            """)
        .collectAsList();
  }

  private static Subject subject(OutputTables tables, List<Row> runs) {
    Row newest = runs.get(runs.size() - 1);
    Row policy = newest.getStruct(newest.fieldIndex("kv_policy"));
    Optional<Instant> startedAt = Optional.ofNullable(runs.get(0).<Instant>getAs("started_at"));
    Map<String, String> settings =
        CollectionConverters.asJava(newest.<scala.collection.Map<String, String>>getAs("settings"));
    return new Subject(
        tables,
        runs.stream().map(run -> run.<String>getAs("run_id")).toList(),
        newest.getAs("model_id"),
        newest.<String>getAs("engine").replaceFirst("^Engine: ", ""),
        Subject.policyLabel(
            policy.getAs("name"),
            policy.getAs("interval"),
            policy.getAs("window"),
            policy.getAs("ratio")),
        policy.getAs("name").equals("full"),
        startedAt,
        runs.stream().mapToDouble(run -> run.<Double>getAs("seconds")).sum(),
        settings);
  }
}
