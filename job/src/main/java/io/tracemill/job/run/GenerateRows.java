package io.tracemill.job.run;

import io.tracemill.engine.EngineOptions;
import io.tracemill.engine.api.GenerationRequest;
import io.tracemill.job.input.PromptForm;
import io.tracemill.job.input.PromptReader;
import io.tracemill.job.input.PromptReader.PromptRow;
import io.tracemill.job.output.RequestColumn;
import io.tracemill.job.output.TraceRecord;
import io.tracemill.job.output.TraceSchema;
import io.tracemill.job.wave.DueRow;
import io.tracemill.udf.EngineOpener;
import io.tracemill.udf.EngineSettings;
import io.tracemill.udf.FeederTask;
import io.tracemill.udf.GenerationMetrics;
import io.tracemill.udf.Work;
import io.tracemill.udf.ml.length.LengthDistribution;
import io.tracemill.udf.ml.length.LengthPredictor;
import java.time.Instant;
import java.util.ArrayDeque;
import java.util.ArrayList;
import java.util.Deque;
import java.util.Iterator;
import java.util.List;
import java.util.Map;
import java.util.Optional;
import org.apache.spark.SparkEnv;
import org.apache.spark.TaskContext;
import org.apache.spark.api.java.function.MapPartitionsFunction;
import org.apache.spark.sql.Row;
import org.apache.spark.sql.types.StructType;

/**
 * The generating stage: a task is a feeder of its executor's engine, see {@link FeederTask}. Rows
 * come out in the order in which they finish.
 *
 * @param engine how the executor's engine is opened
 * @param opener what opens it
 * @param reader rows to work
 * @param carried type of the carried columns; null where there are none, as {@code Optional} does
 *     not travel
 * @param run what all rows share
 * @param wave that the rows are committed with
 * @param lengths predicts lengths; null where nothing does
 * @param metrics counters
 */
record GenerateRows(
    EngineSettings engine,
    EngineOpener opener,
    PromptReader reader,
    StructType carried,
    TraceRecord.RunStamp run,
    int wave,
    LengthPredictor lengths,
    GenerationMetrics metrics)
    implements MapPartitionsFunction<Row, Row> {
  /** The share of rows that admission may find to end where it expects them to. */
  private static final double EXPECTED = 0.75;

  private static final double MOST_TOKENS = 1 << 30;

  @Override
  public Iterator<Row> call(Iterator<Row> rows) {
    FeederTask<DueSample> results =
        FeederTask.start(engine, opener, reader.generation().kvPolicy(), work(rows), metrics);
    TraceRecord.Place place =
        new TraceRecord.Place(SparkEnv.get().executorId(), results.backend(), results.deviceUuid());
    return new Traces(
        results,
        new TraceSchema(Optional.ofNullable(carried)),
        place,
        TaskContext.get().attemptNumber() + 1);
  }

  /** A row and how often one of its samples was begun in earlier runs. */
  private record DueSample(PromptRow row, int attempts, Optional<LengthDistribution> length) {}

  private Iterator<Work<DueSample>> work(Iterator<Row> rows) {
    return new Iterator<>() {
      private final Deque<Work<DueSample>> samples = new ArrayDeque<>();

      @Override
      public boolean hasNext() {
        return !samples.isEmpty() || rows.hasNext();
      }

      @Override
      public Work<DueSample> next() {
        if (samples.isEmpty()) {
          samples.addAll(due(rows.next()));
        }
        return samples.remove();
      }
    };
  }

  private List<Work<DueSample>> due(Row row) {
    Map<Integer, Integer> attempts = DueRow.due(row);
    List<Work<DueSample>> due = new ArrayList<>(attempts.size());
    List<Work<PromptRow>> samples = reader.work(row);
    Optional<LengthDistribution> length =
        Optional.ofNullable(lengths)
            .flatMap(model -> samples.get(0).row().prompt().map(model::predict));
    for (Work<PromptRow> work : samples) {
      if (work instanceof Work.Wanted<PromptRow> wanted) {
        Integer before = attempts.get(wanted.request().sampleIndex());
        if (before != null) {
          due.add(
              new Work.Wanted<>(
                  new DueSample(wanted.row(), before, length),
                  expecting(wanted.request(), length),
                  wanted.sizeBytes()));
        }
      } else if (work instanceof Work.Refused<PromptRow> refused) {
        Integer before = attempts.get(refused.sampleIndex());
        if (before != null) {
          due.add(
              new Work.Refused<>(
                  new DueSample(refused.row(), before, length),
                  refused.rowKey(),
                  refused.sampleIndex(),
                  refused.kvPolicy(),
                  refused.error()));
        }
      }
    }
    return due;
  }

  /** Says what is expected of a row, where admission plans with it. */
  private GenerationRequest expecting(
      GenerationRequest request, Optional<LengthDistribution> length) {
    return length.isEmpty() || engine.admission() != EngineOptions.Admission.EXPECTED
        ? request
        : request.withExpectedTokens(
            (int) Math.max(1, Math.min(MOST_TOKENS, Math.ceil(length.get().quantile(EXPECTED)))));
  }

  private final class Traces implements Iterator<Row> {
    private final FeederTask<DueSample> results;
    private final TraceSchema schema;
    private final TraceRecord.Place place;
    private final int attempt;
    private final RequestColumn.PromptKind kind =
        reader.form() == PromptForm.TEXT
            ? RequestColumn.PromptKind.TEXT
            : RequestColumn.PromptKind.MESSAGES;

    private Traces(
        FeederTask<DueSample> results, TraceSchema schema, TraceRecord.Place place, int attempt) {
      this.results = results;
      this.schema = schema;
      this.place = place;
      this.attempt = attempt;
    }

    @Override
    public boolean hasNext() {
      return results.hasNext();
    }

    @Override
    public Row next() {
      Work.Done<DueSample> done = results.next();
      PromptRow row = done.row().row();
      return schema.row(
          new TraceRecord(
              run,
              place,
              wave,
              row.requestHash(),
              done.row().attempts() + attempt,
              Instant.now(),
              row.prompt(),
              row.input(),
              done.row().length().map(length -> length.quantile(0.5)),
              new TraceRecord.Request(kind, row.generation()),
              done.result()));
    }
  }
}
