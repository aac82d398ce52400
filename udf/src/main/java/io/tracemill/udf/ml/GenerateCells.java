package io.tracemill.udf.ml;

import io.tracemill.udf.EngineOpener;
import io.tracemill.udf.EngineSettings;
import io.tracemill.udf.FeederTask;
import io.tracemill.udf.GenerationMetrics;
import io.tracemill.udf.Work;
import io.tracemill.udf.trace.ResultColumns;
import java.util.Iterator;
import org.apache.spark.api.java.function.MapPartitionsFunction;
import org.apache.spark.sql.Row;
import org.apache.spark.sql.RowFactory;

/**
 * The generating function of a partition: each row comes back with its result in a further column.
 *
 * @param engine how the executor's engine is opened
 * @param opener what opens it
 * @param prompts turns rows into work
 * @param metrics counters
 */
record GenerateCells(
    EngineSettings engine, EngineOpener opener, PromptCells prompts, GenerationMetrics metrics)
    implements MapPartitionsFunction<Row, Row> {

  @Override
  public Iterator<Row> call(Iterator<Row> rows) {
    DistinctKeys work = new DistinctKeys(rows, prompts);
    FeederTask<Row> results =
        FeederTask.start(engine, opener, prompts.generation().kvPolicy(), work, metrics);
    return new Iterator<>() {
      @Override
      public boolean hasNext() {
        return results.hasNext();
      }

      @Override
      public Row next() {
        Work.Done<Row> done = results.next();
        work.finished(done.result());
        return withResult(done);
      }
    };
  }

  private static Row withResult(Work.Done<Row> done) {
    Row row = done.row();
    Object[] values = new Object[row.length() + 1];
    for (int i = 0; i < row.length(); i++) {
      values[i] = row.get(i);
    }
    values[row.length()] = ResultColumns.row(done.result());
    return RowFactory.create(values);
  }
}
