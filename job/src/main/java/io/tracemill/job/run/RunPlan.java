package io.tracemill.job.run;

import io.tracemill.job.error.OutputErrors;
import io.tracemill.job.input.InputTable;
import io.tracemill.job.input.PromptReader;
import io.tracemill.job.output.OutputTables;
import io.tracemill.job.output.RunTable;
import io.tracemill.job.output.TraceTable;
import io.tracemill.job.wave.ResumeRules;
import io.tracemill.job.wave.RowPlan;
import java.util.Locale;
import java.util.Optional;
import org.apache.spark.sql.Dataset;
import org.apache.spark.sql.Row;

/**
 * What is due, and what is there.
 *
 * @param rows the due rows
 * @param numThere rows in the output
 */
record RunPlan(RowPlan rows, long numThere) {

  /**
   * Compares the input with the output; writes nothing.
   *
   * @throws io.tracemill.job.error.JobException where the output holds another run, rows changed
   *     that may not, or too many have failed already
   */
  static RunPlan of(
      JobArguments arguments,
      TraceTable traces,
      RunTable runs,
      RunFingerprint fingerprint,
      InputTable input,
      PromptReader reader) {
    OutputTables output = arguments.output();
    Optional<Dataset<Row>> there = traces.snapshot();
    long numThere =
        there.map(rows -> EarlierRuns.requireSame(rows, runs, fingerprint, output)).orElse(0L);
    RowPlan plan =
        RowPlan.of(input, reader, there.filter(rows -> numThere > 0), arguments.resume());
    RowPlan.Counts counts = plan.counts();
    if (counts.changedRows() > 0 && arguments.resume().changed() == ResumeRules.Changed.REFUSE) {
      throw OutputErrors.changedRows(
          counts.changedRows(),
          counts.changedKey().orElse(""),
          arguments.input().path(),
          output.folder());
    }
    if (counts.due() > 0 && arguments.maxErrors().isExceeded(counts.keptFailed(), counts.asked())) {
      throw OutputErrors.tooManyEarlierErrors(
          counts.keptFailed(), counts.asked(), arguments.maxErrors().label(), output.folder());
    }
    return new RunPlan(plan, numThere);
  }

  /** Whether the output holds all that the input asks for. */
  boolean isDone() {
    return rows.counts().due() == 0;
  }

  /** Rows that the output holds when all that is due has come. */
  long numDueThere() {
    return numThere + rows.counts().added();
  }

  /** What becomes of rows that are there, each part after a semicolon; empty where none are. */
  String ofEarlierRows() {
    RowPlan.Counts counts = rows.counts();
    StringBuilder text = new StringBuilder();
    if (counts.kept() > 0) {
      text.append(String.format(Locale.ROOT, "; %,d were done before", counts.kept()));
    }
    if (counts.replaced() > 0) {
      text.append(String.format(Locale.ROOT, "; %,d are generated anew", counts.replaced()));
    }
    if (numThere > counts.found()) {
      text.append(
          String.format(
              Locale.ROOT,
              "; %,d that the input no longer asks for stay",
              numThere - counts.found()));
    }
    return text.toString();
  }
}
