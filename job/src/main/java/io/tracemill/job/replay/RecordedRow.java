package io.tracemill.job.replay;

import static org.apache.spark.sql.functions.col;

import io.tracemill.engine.api.GenerationRequest;
import io.tracemill.engine.api.Prompt;
import io.tracemill.job.error.JobException;
import io.tracemill.job.error.TableErrors;
import io.tracemill.job.input.PromptReader;
import io.tracemill.job.output.OutputTables;
import io.tracemill.job.output.RequestColumn;
import io.tracemill.udf.GenerationSettings;
import java.util.Arrays;
import java.util.List;
import java.util.Map;
import java.util.Optional;
import java.util.TreeMap;
import org.apache.spark.sql.Dataset;
import org.apache.spark.sql.Row;
import org.apache.spark.sql.SparkSession;

/**
 * A row of the traces table and the run that made it.
 *
 * @param row all its columns
 * @param settings the run's options by name, without dashes
 */
public record RecordedRow(Row row, Map<String, String> settings) {
  private static final List<String> NEEDED = List.of("request", "token_ids");

  public RecordedRow {
    settings = Map.copyOf(settings);
  }

  /**
   * Finds a row.
   *
   * @throws JobException where there is none, or its tables do not say what it was asked for
   */
  public static RecordedRow find(SparkSession spark, OutputTables tables, String key, int sample) {
    Dataset<Row> traces;
    try {
      traces = tables.readTraces(spark);
    } catch (Exception e) { // Spark's AnalysisException is checked in Scala only.
      throw TableErrors.noTraces(tables.folder(), e);
    }
    if (!Arrays.asList(traces.columns()).containsAll(NEEDED)) {
      throw TableErrors.olderTable(tables.traces());
    }
    List<Row> found =
        traces
            .filter(col("row_key").equalTo(key).and(col("sample_index").equalTo(sample)))
            // Where a row failed first and was made again, the newest holds.
            .orderBy(col("finished_at").desc())
            .limit(1)
            .collectAsList();
    if (found.isEmpty()) {
      throw TableErrors.noSuchRow(
          tables.traces(), key, sample, traces.filter(col("row_key").equalTo(key)).count());
    }
    Row row = found.get(0);
    return new RecordedRow(row, settings(spark, tables, text(row, "run_id")));
  }

  private static Map<String, String> settings(
      SparkSession spark, OutputTables tables, String runId) {
    List<Row> runs;
    try {
      runs =
          tables
              .readRuns(spark)
              .filter(col("run_id").equalTo(runId))
              .orderBy(col("ended_at").desc_nulls_last())
              .select("settings")
              .limit(1)
              .collectAsList();
    } catch (Exception e) { // Spark's AnalysisException is checked in Scala only.
      throw TableErrors.noRunOfRow(tables.runs(), runId);
    }
    if (runs.isEmpty()) {
      throw TableErrors.noRunOfRow(tables.runs(), runId);
    }
    return new TreeMap<>(runs.get(0).<String, String>getJavaMap(0));
  }

  /** The request as it was submitted. */
  GenerationRequest request() {
    GenerationSettings asked = generation();
    String prompt = text(row, "prompt");
    if (prompt == null) {
      throw TableErrors.nothingToReplay(key(), text(row, "error_message"));
    }
    Prompt question =
        RequestColumn.promptKind(row).orElseThrow() == RequestColumn.PromptKind.MESSAGES
            ? PromptReader.conversation(prompt)
            : new Prompt.Text(prompt);
    return asked.request(key(), row.getInt(row.fieldIndex("sample_index")), question);
  }

  /** How the row was generated, its own settings included. */
  public GenerationSettings generation() {
    return RequestColumn.settings(row)
        .orElseThrow(() -> TableErrors.nothingToReplay(key(), text(row, "error_message")));
  }

  /** Refuses a row that was never generated. */
  void requireGenerated() {
    if (text(row, "status").equals("error") && tokenIds().isEmpty()) {
      throw TableErrors.nothingToReplay(key(), text(row, "error_message"));
    }
  }

  /** The backend that made the row. */
  public String backend() {
    return column("backend");
  }

  String key() {
    return text(row, "row_key");
  }

  List<Integer> tokenIds() {
    int at = row.fieldIndex("token_ids");
    return row.isNullAt(at) ? List.of() : row.<Integer>getList(at);
  }

  String column(String name) {
    return Optional.ofNullable(text(row, name)).orElse("");
  }

  private static String text(Row row, String column) {
    return row.getString(row.fieldIndex(column));
  }
}
