package io.tracemill.job.run;

import io.tracemill.job.input.InputTable;
import io.tracemill.job.input.PromptReader;
import io.tracemill.job.output.RunTable;
import io.tracemill.job.wave.RowPlan;
import org.apache.spark.sql.SparkSession;

/** What a run would find in its output, without touching it. */
public final class RunPreview {
  /** Names the reader of a table that is not going to be written. */
  private static final String NOBODY = "preflight";

  private RunPreview() {}

  /**
   * Compares the input with the rows that are there.
   *
   * @throws io.tracemill.job.error.JobException where a run with these arguments would be refused
   */
  public static RowPlan.Counts of(
      SparkSession spark,
      JobArguments arguments,
      ModelFolder model,
      InputTable input,
      PromptReader reader) {
    RunFingerprint fingerprint =
        RunFingerprint.of(
            model.contentHash(),
            arguments.engine(),
            arguments.generation(),
            arguments.input().parameterColumns());
    return RunPlan.of(
            arguments,
            arguments.output().writeTraces(spark, NOBODY),
            new RunTable(spark, arguments.output()),
            fingerprint,
            input,
            reader)
        .rows()
        .counts();
  }
}
