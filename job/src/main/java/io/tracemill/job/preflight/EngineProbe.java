package io.tracemill.job.preflight;

import io.tracemill.engine.EngineSnapshot;
import io.tracemill.engine.Feeder;
import io.tracemill.engine.api.GenerationResult;
import io.tracemill.engine.api.RowError;
import io.tracemill.engine.error.ReasoningException;
import io.tracemill.job.input.PromptReader;
import io.tracemill.job.input.PromptReader.PromptRow;
import io.tracemill.udf.EngineHolder;
import io.tracemill.udf.EngineOpener;
import io.tracemill.udf.EngineSettings;
import io.tracemill.udf.FeederIterator;
import io.tracemill.udf.Work;
import java.time.Duration;
import java.util.ArrayList;
import java.util.Iterator;
import java.util.List;
import org.apache.spark.SparkEnv;
import org.apache.spark.TaskContext;
import org.apache.spark.TaskKilledException;
import org.apache.spark.api.java.function.FlatMapFunction;
import org.apache.spark.sql.Row;

/**
 * Opens the engine of an executor, generates a few rows and gives back what was measured. What goes
 * wrong is part of what is given back: a task that threw would be tried again elsewhere.
 *
 * @param engine how the engine is opened
 * @param opener what opens it
 * @param reader rows to work
 * @param time most time to generate
 */
record EngineProbe(EngineSettings engine, EngineOpener opener, PromptReader reader, Duration time)
    implements FlatMapFunction<Iterator<Row>, Measured> {
  private static final long PREFETCH_BYTES = 64L << 20;

  @Override
  public Iterator<Measured> call(Iterator<Row> rows) {
    List<Work<PromptRow>> work = new ArrayList<>();
    rows.forEachRemaining(row -> work.add(reader.work(row).get(0)));
    return List.of(measure(work)).iterator();
  }

  private Measured measure(List<Work<PromptRow>> work) {
    TaskContext task = TaskContext.get();
    long asked = System.nanoTime();
    Speed speed = new Speed();
    ArrayList<Measured.Finished> finished = new ArrayList<>();
    EngineFacts facts = null;
    double openSeconds = 0;
    String failure = "";
    try (EngineHolder.Lease lease =
        EngineHolder.lease(
            engine, opener.inTask(task), reader.generation().kvPolicy(), task::isInterrupted)) {
      openSeconds = (System.nanoTime() - asked) / 1e9;
      facts = lease.details().map(EngineFacts::of).orElse(null);
      generate(work, lease, task, speed, finished);
    } catch (ReasoningException e) {
      failure = e.getMessage();
    }
    return new Measured(
        SparkEnv.get().executorId(),
        SparkEnv.get().blockManager().blockManagerId().host(),
        facts,
        ModuleLayer.boot().findModule("jdk.incubator.vector").isPresent(),
        openSeconds,
        finished,
        speed.lanes(),
        speed.tokens(),
        speed.seconds(),
        speed.fullTokensPerSecond(),
        failure.isEmpty() ? work.size() - finished.size() : 0,
        failure);
  }

  private void generate(
      List<Work<PromptRow>> work,
      EngineHolder.Lease lease,
      TaskContext task,
      Speed speed,
      List<Measured.Finished> finished) {
    long deadline = System.nanoTime() + time.toNanos();
    look(speed, lease);
    Runnable heartbeat =
        () -> {
          if (task.isInterrupted()) {
            throw new TaskKilledException("the task was cancelled");
          }
          look(speed, lease);
          if (System.nanoTime() > deadline) {
            throw new TimeIsUp();
          }
        };
    Feeder feeder = lease.feeder();
    try (FeederIterator<PromptRow> results =
        new FeederIterator<>(
            work.iterator(), feeder, Math.max(1, work.size()), PREFETCH_BYTES, heartbeat)) {
      while (results.hasNext()) {
        finished.add(finished(results.next().result()));
      }
    } catch (TimeIsUp e) {
      // What runs now is withdrawn; what it generated is counted.
    }
    look(speed, lease);
  }

  private static void look(Speed speed, EngineHolder.Lease lease) {
    EngineSnapshot now = lease.snapshot();
    speed.look(System.nanoTime(), now.running(), now.generatedTokens());
  }

  private static Measured.Finished finished(GenerationResult result) {
    return new Measured.Finished(
        result.rowKey(),
        result.tokens().prompt(),
        result.tokens().generated(),
        result.finishReason().label(),
        result.error().map(RowError::message).orElse(""));
  }

  private static final class TimeIsUp extends RuntimeException {
    private static final long serialVersionUID = 1L;
  }

  /** Looks at an engine again and again. */
  static final class Speed {
    /** Below this, a burst of counters would pass for speed. */
    private static final double SHORTEST_SECONDS = 0.5;

    private long firstTokens = -1;
    private long firstNanos;
    private long lastTokens;
    private long lastNanos;
    private int lanes;
    private long fullSinceTokens = -1;
    private long fullSinceNanos;
    private double fullSeconds;
    private double fullRate;

    void look(long nanos, int running, long tokens) {
      if (firstTokens < 0) {
        firstTokens = tokens;
        firstNanos = nanos;
      }
      lastTokens = tokens;
      lastNanos = nanos;
      if (running > lanes) {
        lanes = running;
        fullSeconds = 0;
        fullSinceTokens = -1;
      }
      // A token for each row must be there: before it, prompts are read.
      boolean isFull = lanes > 0 && running == lanes && tokens - firstTokens >= lanes;
      if (!isFull) {
        fullSinceTokens = -1;
      } else if (fullSinceTokens < 0) {
        fullSinceTokens = tokens;
        fullSinceNanos = nanos;
      } else if ((nanos - fullSinceNanos) / 1e9 > fullSeconds) {
        fullSeconds = (nanos - fullSinceNanos) / 1e9;
        fullRate = (tokens - fullSinceTokens) / fullSeconds;
      }
    }

    int lanes() {
      return lanes;
    }

    long tokens() {
      return lastTokens - Math.max(0, firstTokens);
    }

    double seconds() {
      return (lastNanos - firstNanos) / 1e9;
    }

    double fullTokensPerSecond() {
      return fullSeconds >= SHORTEST_SECONDS ? fullRate : 0;
    }
  }
}
