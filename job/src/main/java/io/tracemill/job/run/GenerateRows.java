package io.tracemill.job.run;

import io.tracemill.engine.Feeder;
import io.tracemill.job.input.PromptForm;
import io.tracemill.job.input.PromptReader;
import io.tracemill.job.input.PromptReader.PromptRow;
import io.tracemill.job.output.RequestColumn;
import io.tracemill.job.output.TraceRecord;
import io.tracemill.job.output.TraceSchema;
import io.tracemill.udf.EngineHolder;
import io.tracemill.udf.EngineOpener;
import io.tracemill.udf.EngineSettings;
import io.tracemill.udf.FeederIterator;
import io.tracemill.udf.GenerationMetrics;
import io.tracemill.udf.Work;
import java.time.Instant;
import java.util.ArrayDeque;
import java.util.Deque;
import java.util.Iterator;
import java.util.Optional;
import org.apache.spark.SparkEnv;
import org.apache.spark.TaskContext;
import org.apache.spark.TaskKilledException;
import org.apache.spark.api.java.function.MapPartitionsFunction;
import org.apache.spark.sql.Row;
import org.apache.spark.sql.types.StructType;

/**
 * The generating stage: a task is a feeder of its executor's engine. Rows come out in the order in
 * which they finish; when the task ends, however it ends, what it has in the engine is withdrawn.
 *
 * @param engine how the executor's engine is opened
 * @param opener what opens it
 * @param reader rows to work
 * @param carried type of the carried columns; null where there are none, as {@code Optional} does
 *     not travel
 * @param run what all rows share
 * @param metrics counters
 */
record GenerateRows(
    EngineSettings engine,
    EngineOpener opener,
    PromptReader reader,
    StructType carried,
    TraceRecord.RunStamp run,
    GenerationMetrics metrics)
    implements MapPartitionsFunction<Row, Row> {
  private static final long PREFETCH_BYTES = 64L << 20;
  private static final long REPORT_NANOS = 250_000_000;

  @Override
  public Iterator<Row> call(Iterator<Row> rows) {
    TaskContext task = TaskContext.get();
    EngineHolder.Lease lease = EngineHolder.lease(engine, opener.inTask(task), task::isInterrupted);
    Feeder feeder = lease.feeder();
    FeederIterator<PromptRow> results =
        new FeederIterator<>(
            work(rows), feeder, 2 * engine.slots(), PREFETCH_BYTES, heartbeat(task, lease));
    task.addTaskCompletionListener(
        ended -> {
          results.close();
          metrics.report(SparkEnv.get().executorId(), lease);
          lease.close();
        });
    TraceRecord.Place place =
        new TraceRecord.Place(SparkEnv.get().executorId(), lease.backend(), lease.deviceUuid());
    return new Traces(results, new TraceSchema(Optional.ofNullable(carried)), place, task);
  }

  private Iterator<Work<PromptRow>> work(Iterator<Row> rows) {
    return new Iterator<>() {
      private final Deque<Work<PromptRow>> samples = new ArrayDeque<>();

      @Override
      public boolean hasNext() {
        return !samples.isEmpty() || rows.hasNext();
      }

      @Override
      public Work<PromptRow> next() {
        if (samples.isEmpty()) {
          samples.addAll(reader.work(rows.next()));
        }
        return samples.remove();
      }
    };
  }

  private Runnable heartbeat(TaskContext task, EngineHolder.Lease lease) {
    return new Runnable() {
      private long lastNanos = System.nanoTime();

      @Override
      public void run() {
        if (task.isInterrupted()) {
          throw new TaskKilledException("the task was cancelled");
        }
        if (System.nanoTime() - lastNanos > REPORT_NANOS) {
          lastNanos = System.nanoTime();
          metrics.report(SparkEnv.get().executorId(), lease);
        }
      }
    };
  }

  private final class Traces implements Iterator<Row> {
    private final FeederIterator<PromptRow> results;
    private final TraceSchema schema;
    private final TraceRecord.Place place;
    private final int attempt;
    private final RequestColumn.PromptKind kind =
        reader.form() == PromptForm.TEXT
            ? RequestColumn.PromptKind.TEXT
            : RequestColumn.PromptKind.MESSAGES;

    private Traces(
        FeederIterator<PromptRow> results,
        TraceSchema schema,
        TraceRecord.Place place,
        TaskContext task) {
      this.results = results;
      this.schema = schema;
      this.place = place;
      this.attempt = task.attemptNumber() + 1;
    }

    @Override
    public boolean hasNext() {
      return results.hasNext();
    }

    @Override
    public Row next() {
      Work.Done<PromptRow> done = results.next();
      metrics.count(done.result());
      return schema.row(
          new TraceRecord(
              run,
              place,
              attempt,
              Instant.now(),
              done.row().prompt(),
              done.row().input(),
              new TraceRecord.Request(kind, done.row().generation()),
              done.result()));
    }
  }
}
