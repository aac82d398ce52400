package io.tracemill.job.run;

import static org.apache.spark.sql.functions.col;

import io.tracemill.job.error.OutputErrors;
import io.tracemill.job.output.OutputTables;
import io.tracemill.job.output.RunTable;
import java.util.Arrays;
import java.util.HashMap;
import java.util.List;
import java.util.Map;
import org.apache.spark.sql.Dataset;
import org.apache.spark.sql.Row;

/** Whether the rows that an output holds may be continued by a run. */
final class EarlierRuns {
  private EarlierRuns() {}

  /**
   * Checks that every run whose rows are there would make the same traces as this one.
   *
   * @return how many rows are there
   * @throws io.tracemill.job.error.JobException where one would not; it says which settings differ
   */
  static long requireSame(
      Dataset<Row> traces, RunTable runs, RunFingerprint fingerprint, OutputTables output) {
    if (!Arrays.asList(traces.columns()).containsAll(List.of("run_id", "request_hash", "wave"))
        && !traces.isEmpty()) {
      throw OutputErrors.oldTable(output.traces());
    }
    List<Row> rowsByRun = traces.groupBy(col("run_id")).count().collectAsList();
    Map<String, RunTable.Known> byId = new HashMap<>();
    if (!rowsByRun.isEmpty()) {
      runs.known().forEach(run -> byId.put(run.runId(), run));
    }
    long rows = 0;
    for (Row row : rowsByRun) {
      RunTable.Known run = byId.get(row.getString(0));
      if (run == null) {
        throw OutputErrors.unknownRun(output.folder());
      }
      if (!run.fingerprint().equals(fingerprint.hash())) {
        throw OutputErrors.otherRun(output.folder(), fingerprint.differencesFrom(run.identity()));
      }
      rows += row.getLong(1);
    }
    return rows;
  }
}
