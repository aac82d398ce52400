package io.tracemill.job.calibrate;

import io.tracemill.engine.compress.QuerySums;
import io.tracemill.udf.calibration.CollectorHolder;
import io.tracemill.udf.calibration.CollectorSettings;
import java.util.ArrayList;
import java.util.Iterator;
import java.util.List;
import org.apache.spark.TaskContext;
import org.apache.spark.TaskKilledException;
import org.apache.spark.api.java.function.FlatMapFunction;

/**
 * The collecting stage: all tasks of an executor run their texts through the one model of its JVM.
 *
 * @param settings how it is opened
 */
record CollectQueries(CollectorSettings settings)
    implements FlatMapFunction<Iterator<List<int[]>>, QuerySums> {

  @Override
  public Iterator<QuerySums> call(Iterator<List<int[]>> hands) {
    List<int[]> texts = new ArrayList<>();
    hands.forEachRemaining(texts::addAll);
    // A task without texts loads no model.
    return texts.isEmpty()
        ? List.<QuerySums>of().iterator()
        : List.of(CollectorHolder.collect(settings, watched(texts.iterator(), TaskContext.get())))
            .iterator();
  }

  /** Texts until the task is cancelled. */
  private static Iterator<int[]> watched(Iterator<int[]> texts, TaskContext task) {
    return new Iterator<>() {
      @Override
      public boolean hasNext() {
        if (task.isInterrupted()) {
          throw new TaskKilledException("the task was cancelled");
        }
        return texts.hasNext();
      }

      @Override
      public int[] next() {
        return texts.next();
      }
    };
  }
}
