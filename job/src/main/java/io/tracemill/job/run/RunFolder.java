package io.tracemill.job.run;

import static org.apache.spark.sql.functions.coalesce;
import static org.apache.spark.sql.functions.col;
import static org.apache.spark.sql.functions.count;
import static org.apache.spark.sql.functions.lit;
import static org.apache.spark.sql.functions.sum;

import io.tracemill.job.error.OutputErrors;
import io.tracemill.job.output.Export;
import io.tracemill.job.output.OpenAiExport;
import io.tracemill.job.output.OutputTables;
import io.tracemill.job.output.RunTable;
import io.tracemill.job.output.TraceTable;
import io.tracemill.job.progress.Console;
import java.io.IOException;
import org.apache.hadoop.fs.Path;
import org.apache.spark.sql.Dataset;
import org.apache.spark.sql.Row;
import org.apache.spark.sql.SparkSession;
import org.slf4j.Logger;
import org.slf4j.LoggerFactory;

/** The output folder of a run before its first wave and behind its last one. */
final class RunFolder {
  private static final Logger LOG = LoggerFactory.getLogger(RunFolder.class);

  private final SparkSession spark;
  private final JobArguments arguments;
  private final Console console;

  RunFolder(SparkSession spark, JobArguments arguments, Console console) {
    this.spark = spark;
    this.arguments = arguments;
    this.console = console;
  }

  /** The traces as they stand. */
  Dataset<Row> traces() {
    return arguments.output().readTraces(spark);
  }

  /** A driver that died when all rows were committed has left no work, but maybe half a file. */
  void repair(TraceTable traces, RunTable runs) {
    if (traces.removeLeftovers(runs::hasEnded) == TraceTable.Leftovers.LEFT) {
      console.print(
          "Files in "
              + arguments.output().traces()
              + " belong to no committed wave; a run that is still at work may be committing them."
              + " Once nothing has moved there for ten minutes the same command removes them.");
    }
    runs.clean();
  }

  /** Every key and sample exactly once, and as many as there were and came. */
  void requireWhole(RunPlan plan) {
    Row found =
        traces()
            .groupBy(col("row_key"), col("sample_index"))
            .agg(count(lit(1)).as("times"))
            .agg(coalesce(sum(col("times")), lit(0L)), count(lit(1)))
            .head();
    long due = plan.numDueThere();
    if (found.getLong(0) != due || found.getLong(1) != due) {
      throw OutputErrors.notWhole(
          arguments.output().traces(), due, found.getLong(0), found.getLong(1));
    }
  }

  /** Writes what the user asked for beside the tables. */
  void export(String fingerprint) {
    if (arguments.exports().contains(Export.OPENAI_BATCH)) {
      String folder =
          OpenAiExport.write(
              traces(),
              fingerprint,
              arguments.output(),
              spark.sparkContext().hadoopConfiguration());
      console.print("Answers in OpenAI's form: " + folder);
    }
  }

  /** Removes what waves kept outside of the tables, of this run and of earlier ones. */
  void removeWork() {
    OutputTables output = arguments.output();
    try {
      Path work = new Path(output.work());
      work.getFileSystem(spark.sparkContext().hadoopConfiguration()).delete(work, true);
    } catch (IOException e) {
      LOG.warn("{} cannot be removed; it is of no use any more", output.work(), e);
    }
  }
}
