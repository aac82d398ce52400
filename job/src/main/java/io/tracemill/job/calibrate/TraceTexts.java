package io.tracemill.job.calibrate;

import static org.apache.spark.sql.functions.coalesce;
import static org.apache.spark.sql.functions.col;
import static org.apache.spark.sql.functions.lit;
import static org.apache.spark.sql.functions.not;
import static org.apache.spark.sql.functions.xxhash64;

import io.tracemill.engine.api.Prompt;
import io.tracemill.engine.error.ReasoningException;
import io.tracemill.engine.text.PromptTokenizer;
import io.tracemill.job.error.InputErrors;
import io.tracemill.job.error.TableErrors;
import io.tracemill.job.input.PromptReader;
import io.tracemill.job.output.OutputFormat;
import io.tracemill.job.output.OutputTables;
import io.tracemill.job.output.RequestColumn;
import io.tracemill.job.run.ModelFolder;
import io.tracemill.udf.table.ParquetWaves;
import java.io.IOException;
import java.util.Arrays;
import java.util.List;
import java.util.Optional;
import org.apache.hadoop.conf.Configuration;
import org.apache.hadoop.fs.FileSystem;
import org.apache.hadoop.fs.Path;
import org.apache.spark.sql.Dataset;
import org.apache.spark.sql.Row;
import org.apache.spark.sql.SparkSession;
import org.apache.spark.sql.types.DataTypes;

/**
 * Prompts with what the model itself generated after them, token by token: finished rows of a run.
 */
final class TraceTexts implements TextTable {
  private static final List<String> NEEDED =
      List.of("row_key", "sample_index", "model_id", "prompt", "request", "token_ids");

  private final Dataset<Row> generated;
  private final PromptTokenizer tokenizer;

  private TraceTexts(Dataset<Row> generated, PromptTokenizer tokenizer) {
    this.generated = generated;
    this.tokenizer = tokenizer;
  }

  /** Whether a folder is the output of a run. */
  static boolean isRun(String folder, Configuration hadoop) {
    try {
      Path traces = new Path(new OutputTables(folder, OutputFormat.DELTA).traces());
      FileSystem files = traces.getFileSystem(hadoop);
      return files.exists(new Path(traces, "_delta_log")) || ParquetWaves.isAt(files, traces);
    } catch (IOException | IllegalArgumentException e) {
      return false; // A glob, or a path that is refused where prompts are read from it.
    }
  }

  /**
   * Opens the traces of a run.
   *
   * @throws io.tracemill.job.error.JobException where they are of another model, or of a version
   *     that recorded no tokens
   */
  static TraceTexts open(
      SparkSession spark, String folder, ModelFolder model, PromptTokenizer tokenizer) {
    OutputTables tables = new OutputTables(folder, OutputFormat.DELTA);
    Dataset<Row> traces;
    try {
      traces = tables.readTraces(spark);
    } catch (Exception e) { // Spark's AnalysisException is checked in Scala only.
      throw InputErrors.unreadableInput(folder, "traces", e);
    }
    if (!Arrays.asList(traces.columns()).containsAll(NEEDED)) {
      throw TableErrors.olderTable(tables.traces());
    }
    // Copies would count a text twice.
    Dataset<Row> generated =
        traces.filter(
            col("status")
                .equalTo("ok")
                .and(col("copied_from").isNull())
                .and(col("prompt").isNotNull()));
    String hash = model.modelId().substring(model.modelId().lastIndexOf('@'));
    Optional<Row> other =
        generated
            .filter(not(coalesce(col("model_id"), lit("")).endsWith(hash)))
            .select("model_id")
            .limit(1)
            .collectAsList()
            .stream()
            .findFirst();
    if (other.isPresent()) {
      throw InputErrors.tracesOfAnotherModel(folder, other.get().getString(0), model.modelId());
    }
    return new TraceTexts(generated, tokenizer);
  }

  @Override
  public Dataset<Row> rows() {
    return generated
        .withColumn(ORDER, xxhash64(col("row_key"), col("sample_index")))
        .withColumn(
            SIZE,
            col("prompt_tokens")
                .cast(DataTypes.LongType)
                .plus(col("generated_tokens").cast(DataTypes.LongType)))
        .select("row_key", "sample_index", "prompt", "request", "token_ids", ORDER, SIZE);
  }

  @Override
  public String key(Row row) {
    return row.getString(0) + "\0" + row.getInt(1);
  }

  @Override
  public int[] tokens(Row row) throws UnusableText {
    String text = row.getString(row.fieldIndex("prompt"));
    try {
      Prompt prompt =
          RequestColumn.promptKind(row).orElseThrow() == RequestColumn.PromptKind.MESSAGES
              ? PromptReader.conversation(text)
              : new Prompt.Text(text);
      int[] before = tokenizer.encode(prompt).tokenIds();
      List<Integer> after = row.getList(row.fieldIndex("token_ids"));
      int[] all = Arrays.copyOf(before, before.length + after.size());
      for (int i = 0; i < after.size(); i++) {
        all[before.length + i] = after.get(i);
      }
      return all;
    } catch (ReasoningException e) {
      throw new UnusableText(e.getMessage());
    }
  }

  @Override
  public String label() {
    return "prompts with their traces";
  }
}
