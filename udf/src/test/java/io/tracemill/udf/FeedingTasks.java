package io.tracemill.udf;

import io.tracemill.engine.api.GenerationRequest;
import io.tracemill.engine.api.KvPolicySettings;
import io.tracemill.engine.api.Prompt;
import io.tracemill.engine.api.SamplingParams;
import java.io.IOException;
import java.io.UncheckedIOException;
import java.nio.file.FileAlreadyExistsException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.Iterator;
import java.util.List;
import java.util.Locale;
import java.util.Random;
import java.util.stream.IntStream;
import org.apache.spark.SparkConf;
import org.apache.spark.SparkEnv;
import org.apache.spark.TaskContext;
import org.apache.spark.api.java.JavaSparkContext;

/**
 * A Spark application whose tasks feed rows of very different lengths to a fake engine. It writes a
 * line {@code row KEY EXECUTOR} for each result, and a line {@code load EXECUTOR USED TOTAL} at the
 * start of each task: seconds of slots used and of slots in all, since the engine was opened.
 */
public final class FeedingTasks {
  static final int SLOTS = 16;

  private static final int STEP_MILLIS = 2;
  private static final int MOST_STEPS = 600;
  private static final long SEED = 20260101;

  private FeedingTasks() {}

  /** Arguments: file to write, executors, rows, tasks, folder of the marker, rows before death. */
  public static void main(String[] args) throws Exception {
    int executors = Integer.parseInt(args[1]);
    int rows = Integer.parseInt(args[2]);
    int tasks = Integer.parseInt(args[3]);
    EngineOpener opener = new MortalOpener(args[4], Integer.parseInt(args[5]));
    int[] lengths = heavyTailed(rows);
    try (JavaSparkContext spark = new JavaSparkContext(new SparkConf().setAppName("feeding"))) {
      while (spark.sc().getExecutorMemoryStatus().size() < executors + 1) {
        Thread.sleep(100);
      }
      List<String> lines =
          spark
              .parallelize(IntStream.range(0, rows).boxed().toList(), tasks)
              .mapPartitions(keys -> feed(keys, lengths, opener))
              .collect();
      Files.write(Path.of(args[0]), lines);
    }
  }

  /** Steps of each row: half of them a few dozen, a few a thousand times the shortest. */
  static int[] heavyTailed(int rows) {
    Random random = new Random(SEED);
    return IntStream.range(0, rows)
        .map(row -> (int) Math.min(MOST_STEPS, 10 / Math.pow(1 - random.nextDouble(), 1 / 1.2)))
        .toArray();
  }

  private static Iterator<String> feed(Iterator<Integer> keys, int[] lengths, EngineOpener opener) {
    List<String> lines = new ArrayList<>();
    String executor = SparkEnv.get().executorId();
    EngineHolder.Lease lease =
        EngineHolder.lease(FakeSettings.engine(SLOTS), opener, TaskContext.get()::isInterrupted);
    LoadSample load = lease.load();
    lines.add(
        String.format(
            Locale.ROOT, "load %s %f %f", executor, load.slotsUsedSeconds(), load.slotSeconds()));
    try (lease;
        FeederIterator<Integer> results =
            new FeederIterator<>(
                work(keys, lengths), lease.feeder(), 2 * SLOTS, 1 << 20, () -> {})) {
      results.forEachRemaining(done -> lines.add("row " + done.row() + " " + executor));
    }
    return lines.iterator();
  }

  private static Iterator<Work<Integer>> work(Iterator<Integer> keys, int[] lengths) {
    return new Iterator<>() {
      @Override
      public boolean hasNext() {
        return keys.hasNext();
      }

      @Override
      public Work<Integer> next() {
        int key = keys.next();
        return new Work.Wanted<>(
            key,
            new GenerationRequest(
                "row " + key,
                0,
                new Prompt.Text("prompt " + key),
                SamplingParams.greedy(lengths[key]),
                KvPolicySettings.full()),
            100);
      }
    };
  }

  /** Opens fakes that die after some rows: one of them, or, without a folder, every one. */
  private record MortalOpener(String folder, int rowsBeforeDeath) implements EngineOpener {
    @Override
    public SharedEngine open(EngineSettings settings) {
      int rows = rowsBeforeDeath == 0 || (!folder.isEmpty() && !isFirst()) ? 0 : rowsBeforeDeath;
      return new FakeEngine.Opener(STEP_MILLIS, 0, rows, "").open(settings);
    }

    private boolean isFirst() {
      try {
        Files.createFile(Path.of(folder, "somebody-died"));
        return true;
      } catch (FileAlreadyExistsException e) {
        return false;
      } catch (IOException e) {
        throw new UncheckedIOException(e);
      }
    }
  }
}
