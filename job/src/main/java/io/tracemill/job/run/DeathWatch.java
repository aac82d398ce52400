package io.tracemill.job.run;

import io.tracemill.job.error.ClusterErrors;
import io.tracemill.job.progress.Console;
import io.tracemill.udf.EngineDeaths;
import java.util.Map;
import java.util.TreeMap;
import org.apache.spark.scheduler.AccumulableInfo;
import org.apache.spark.scheduler.SparkListener;
import org.apache.spark.scheduler.SparkListenerExecutorMetricsUpdate;
import scala.jdk.javaapi.CollectionConverters;

/**
 * Hears from executors why their engines died, before they end. Spark itself only knows that a
 * command exited.
 */
final class DeathWatch extends SparkListener {
  private static final String LOST_EXECUTOR = "ExecutorLostFailure";
  private static final String DEAD_ENGINE = "exited with code " + EngineDeaths.EXIT_CODE;

  private final long deathsId;
  private final Console console;

  // Under this object's lock.
  private final Map<String, String> reasons = new TreeMap<>();

  DeathWatch(EngineDeaths deaths, Console console) {
    this.deathsId = deaths.id();
    this.console = console;
  }

  @Override
  public void onExecutorMetricsUpdate(SparkListenerExecutorMetricsUpdate update) {
    CollectionConverters.asJava(update.accumUpdates())
        .forEach(task -> CollectionConverters.asJava(task._4()).forEach(this::hear));
  }

  private synchronized void hear(AccumulableInfo info) {
    if (info.id() == deathsId
        && info.update().isDefined()
        && info.update().get() instanceof Map<?, ?> deaths) {
      deaths.forEach(
          (executor, reason) -> {
            if (reasons.putIfAbsent((String) executor, (String) reason) == null) {
              console.print(
                  "The engine of executor %s has died: %s Spark repeats its rows elsewhere."
                      .formatted(executor, reason));
            }
          });
    }
  }

  /** The failure of a job, with the reason where it is that its executors were lost. */
  synchronized Exception explain(Exception failure) {
    boolean lost = false;
    boolean dead = !reasons.isEmpty();
    for (Throwable each = failure; each != null; each = each.getCause()) {
      String message = String.valueOf(each.getMessage());
      lost |= message.contains(LOST_EXECUTOR);
      dead |= message.contains(DEAD_ENGINE);
    }
    return lost && dead ? ClusterErrors.enginesDied(reasons, failure) : failure;
  }
}
