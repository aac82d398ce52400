package io.tracemill.job.wave;

import io.tracemill.job.output.TraceTable;
import io.tracemill.job.output.Wave;
import java.util.List;
import java.util.TreeSet;
import java.util.concurrent.CompletionService;
import java.util.concurrent.ExecutionException;
import java.util.concurrent.ExecutorCompletionService;
import java.util.concurrent.ExecutorService;
import java.util.concurrent.Executors;
import java.util.concurrent.TimeUnit;
import java.util.concurrent.atomic.AtomicInteger;
import org.apache.spark.SparkContext;
import org.apache.spark.sql.Dataset;
import org.apache.spark.sql.Row;
import org.apache.spark.sql.SparkSession;
import org.slf4j.Logger;
import org.slf4j.LoggerFactory;

/**
 * Generates and commits waves, two at once: the next begins when the last task of the one before
 * has been launched, so that its tasks take the places of those that end, and no engine runs dry. A
 * wave begins when the last but one is committed, so no more than two are ever lost.
 *
 * <p>Tasks of the earlier wave go first: Spark serves the jobs of a pool in the order in which they
 * were submitted, and both waves are in one pool also where the application shares fairly.
 */
public final class WaveRunner {
  /** Waves of one series of transactions must not overtake each other: as many as series. */
  private static final int AT_ONCE = 2;

  private static final int WAVES_TO_COMPACTION = 16;
  private static final long STOP_SECONDS = 60;
  private static final String POOL = "spark.scheduler.pool";
  private static final Logger LOG = LoggerFactory.getLogger(WaveRunner.class);

  private final SparkSession spark;
  private final TraceTable table;
  private final String jobGroup;

  /**
   * @param table claimed by this run
   * @param jobGroup by which all jobs can be cancelled at once
   */
  public WaveRunner(SparkSession spark, TraceTable table, String jobGroup) {
    this.spark = spark;
    this.table = table;
    this.jobGroup = jobGroup;
  }

  /** Makes the generating query of a wave. */
  public interface Generation {
    /** Tasks of the query's last stage, which generates and writes. */
    int tasks(Wave wave);

    /** The result rows of a wave; computed once, by whoever writes them. */
    Dataset<Row> generate(Wave wave);
  }

  /**
   * Runs all waves.
   *
   * @param waves with ascending numbers
   * @throws Exception of the first wave that failed; the others are cancelled
   */
  public void run(List<Wave> waves, Generation generation) throws Exception {
    LaunchListener launches = new LaunchListener();
    spark.sparkContext().addSparkListener(launches);
    ExecutorService writers = threads("tracemill-wave", AT_ONCE);
    ExecutorService compactor = threads("tracemill-compact", 1);
    CompletionService<Integer> ended = new ExecutorCompletionService<>(writers);
    TreeSet<Integer> running = new TreeSet<>();
    try {
      int begun = 0;
      int done = 0;
      while (done < waves.size()) {
        boolean mayBegin =
            begun < waves.size()
                && (running.isEmpty() || running.first() > waves.get(begun).number() - AT_ONCE);
        if (mayBegin) {
          Wave wave = waves.get(begun++);
          running.add(wave.number());
          LaunchListener.Launch launch = launches.expect(wave.number(), generation.tasks(wave));
          ended.submit(() -> write(wave, generation, launch));
          launch.await();
        } else {
          running.remove(ended.take().get());
          if (++done % WAVES_TO_COMPACTION == 0 && done < waves.size()) {
            compactor.execute(this::compact);
          }
        }
      }
    } catch (ExecutionException e) {
      throw e.getCause() instanceof Exception cause ? cause : e;
    } finally {
      compactor.shutdown();
      writers.shutdown();
      // Cancelled jobs end within a step of their engines.
      if (!compactor.awaitTermination(STOP_SECONDS, TimeUnit.SECONDS)
          || !writers.awaitTermination(STOP_SECONDS, TimeUnit.SECONDS)) {
        LOG.warn("Jobs of run {} have not ended within {} seconds", jobGroup, STOP_SECONDS);
      }
      spark.sparkContext().removeSparkListener(launches);
    }
  }

  private int write(Wave wave, Generation generation, LaunchListener.Launch launch) {
    try {
      join("wave " + wave.number());
      Dataset<Row> rows = generation.generate(wave);
      // From here on: what dealing has computed are no tasks of the wave.
      spark.sparkContext().setLocalProperty(LaunchListener.WAVE, Integer.toString(wave.number()));
      table.write(rows, wave);
      LOG.info("Wave {} of run {} is committed: {} rows", wave.number(), jobGroup, wave.rows());
      return wave.number();
    } catch (Throwable e) { // Whatever it was, the other wave must not go on for hours.
      spark
          .sparkContext()
          .cancelJobGroupAndFutureJobs(jobGroup, "wave " + wave.number() + " failed");
      throw e;
    } finally {
      launch.over();
    }
  }

  /** Files are joined behind the waves' backs; a run does not fail where they are not. */
  private void compact() {
    try {
      join("compaction");
      table.compact();
    } catch (RuntimeException e) {
      LOG.warn("The traces of run {} could not be compacted now", jobGroup, e);
    }
  }

  private void join(String work) {
    SparkContext context = spark.sparkContext();
    SparkSession.setActiveSession(spark);
    context.setJobGroup(jobGroup, "Tracemill run " + jobGroup + ", " + work, true);
    if (context.getLocalProperty(POOL) == null) {
      context.setLocalProperty(POOL, "tracemill");
    }
  }

  private static ExecutorService threads(String name, int count) {
    AtomicInteger number = new AtomicInteger();
    return Executors.newFixedThreadPool(
        count,
        task -> {
          Thread thread = new Thread(task, name + "-" + number.incrementAndGet());
          thread.setDaemon(true);
          return thread;
        });
  }
}
