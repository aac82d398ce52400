package io.tracemill.udf;

import java.util.concurrent.TimeUnit;
import java.util.function.BooleanSupplier;
import org.apache.spark.SparkEnv;
import org.slf4j.Logger;
import org.slf4j.LoggerFactory;

/**
 * Ends an executor whose engine has died. A context that a device error has spoiled stays spoiled
 * as long as the process lives, and so does a thread that hangs in a driver, so the executor has to
 * go; Spark then starts another and repeats what was running here, up to {@code
 * spark.task.maxFailures} times a task.
 *
 * <p>In local mode the process is the user's own, a notebook perhaps, and is left alone.
 */
final class DyingProcess {
  /** Not one of Spark's own, which are 50 to 58, nor of a signal. */
  static final int EXIT_CODE = 77;

  private static final Logger LOG = LoggerFactory.getLogger(DyingProcess.class);

  /** How long tasks that have all their results may take to write them. */
  private static final long FLUSH_SECONDS = 60;

  /** For the news of finished tasks, and of the death by a heartbeat, to reach the driver. */
  private static final long SETTLE_MILLIS = 2_000;

  private static final long MOST_HEARTBEAT_MILLIS = 20_000;

  /** How long shutdown hooks may take; one of them may wait for the device. */
  private static final long HOOKS_SECONDS = 10;

  private static final long LOOK_MILLIS = 100;

  private DyingProcess() {}

  /** Whether this process is an executor's and nobody else's. */
  static boolean isExecutor() {
    SparkEnv spark = SparkEnv.get();
    return spark != null && !spark.executorId().equals("driver");
  }

  /**
   * Ends this process from a thread of its own, once the finished rows are written.
   *
   * @param flushed whether no task has results left to write
   * @param why one sentence
   */
  static void end(BooleanSupplier flushed, String why) {
    LOG.error(
        "{} This executor ends with exit code {}, so that Spark repeats its rows elsewhere.",
        why,
        EXIT_CODE);
    start("tracemill-end", () -> exitOnceFlushed(flushed));
  }

  private static void exitOnceFlushed(BooleanSupplier flushed) {
    long deadline = System.nanoTime() + TimeUnit.SECONDS.toNanos(FLUSH_SECONDS);
    while (!flushed.getAsBoolean() && System.nanoTime() < deadline) {
      sleep(LOOK_MILLIS);
    }
    sleep(SETTLE_MILLIS + Math.min(MOST_HEARTBEAT_MILLIS, heartbeatMillis()));
    start(
        "tracemill-halt",
        () -> {
          sleep(TimeUnit.SECONDS.toMillis(HOOKS_SECONDS));
          Runtime.getRuntime().halt(EXIT_CODE);
        });
    System.exit(EXIT_CODE);
  }

  private static long heartbeatMillis() {
    return SparkEnv.get().conf().getTimeAsMs("spark.executor.heartbeatInterval", "10s");
  }

  private static void start(String name, Runnable work) {
    Thread thread = new Thread(work, name);
    thread.setDaemon(true);
    thread.start();
  }

  private static void sleep(long millis) {
    try {
      Thread.sleep(millis);
    } catch (InterruptedException e) {
      Thread.currentThread().interrupt();
    }
  }
}
