package io.tracemill.udf;

import static org.assertj.core.api.Assertions.assertThat;

import java.util.List;
import java.util.Map;
import java.util.concurrent.CopyOnWriteArrayList;
import java.util.stream.IntStream;
import org.apache.spark.SparkConf;
import org.apache.spark.TaskContext;
import org.apache.spark.api.java.JavaSparkContext;
import org.apache.spark.scheduler.SparkListener;
import org.apache.spark.scheduler.SparkListenerExecutorMetricsUpdate;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.Timeout;
import scala.jdk.javaapi.CollectionConverters;

@Timeout(120)
class TestExecutorLoad {

  @Test
  void theNewestSampleOfEachExecutorStaysHoweverOftenItIsMerged() {
    try (JavaSparkContext spark = spark()) {
      ExecutorLoad driver = ExecutorLoad.register(spark.sc());
      assertThat(driver.isZero()).isTrue();
      ExecutorLoad one = empty(driver);
      one.add(new ExecutorLoad.Report("1", sample(1_000, 10)));
      one.add(new ExecutorLoad.Report("1", sample(2_000, 30)));
      ExecutorLoad two = empty(driver);
      two.add(new ExecutorLoad.Report("2", sample(1_500, 7)));
      ExecutorLoad lateAttempt = empty(driver);
      lateAttempt.add(new ExecutorLoad.Report("1", sample(1_900, 29)));

      List.of(one, two, lateAttempt, one).forEach(driver::merge);

      assertThat(driver.value()).isEqualTo(Map.of("1", sample(2_000, 30), "2", sample(1_500, 7)));
    }
  }

  @Test
  void averagesBetweenTwoSamplesComeFromTheirIntegrals() {
    LoadSample earlier = new LoadSample(1_000, 8, 16, 4, 0, 0, 10, 0);
    LoadSample later = new LoadSample(3_000, 14, 24, 4, 2, 5, 10, 90);
    assertThat(later.occupancySince(earlier)).isEqualTo(0.75);
    assertThat(later.occupancy()).isEqualTo(14.0 / 24);
    assertThat(later.occupancySince(later)).isZero();
    assertThat(later).hasToString("58 % of 4 slots, 2 waiting, KV 5 of 10 pages, 90 tokens");
  }

  @Test
  void samplesReachTheDriverWhileTheTaskStillRuns() {
    List<Map<?, ?>> seenMidTask = new CopyOnWriteArrayList<>();
    try (JavaSparkContext spark = spark()) {
      GenerationMetrics metrics = GenerationMetrics.register(spark.sc());
      long id = metrics.load().id();
      spark
          .sc()
          .addSparkListener(
              new SparkListener() {
                @Override
                public void onExecutorMetricsUpdate(SparkListenerExecutorMetricsUpdate update) {
                  CollectionConverters.asJava(update.accumUpdates()).stream()
                      .flatMap(task -> CollectionConverters.asJava(task._4()).stream())
                      .filter(info -> info.id() == id)
                      .forEach(info -> seenMidTask.add((Map<?, ?>) info.update().get()));
                }
              });
      spark
          .parallelize(IntStream.range(0, 2).boxed().toList(), 2)
          .foreach(task -> runFor(1_500, metrics));
      LoadSample last = metrics.load().value().get("driver");
      assertThat(last.slots()).isEqualTo(3);
      assertThat(last.slotSeconds()).isGreaterThan(3 * 1.4);
      assertThat(seenMidTask).isNotEmpty();
      assertThat(seenMidTask.get(0).get("driver")).isInstanceOf(LoadSample.class);
    } finally {
      EngineHolder.closeIdle();
    }
  }

  private static void runFor(int millis, GenerationMetrics metrics) throws InterruptedException {
    assertThat(TaskContext.get()).isNotNull();
    try (EngineHolder.Lease lease =
        EngineHolder.lease(FakeSettings.engine(3), FakeEngine.fast(), () -> false)) {
      for (int slept = 0; slept < millis; slept += 100) {
        metrics.report("driver", lease);
        Thread.sleep(100);
      }
      metrics.report("driver", lease);
    }
  }

  private static ExecutorLoad empty(ExecutorLoad registered) {
    ExecutorLoad copy = registered.copy();
    copy.reset();
    return copy;
  }

  private static LoadSample sample(long atMillis, long tokens) {
    return new LoadSample(atMillis, tokens, 2.0 * tokens, 4, 1, 2, 10, tokens);
  }

  private static JavaSparkContext spark() {
    return SparkContexts.start(
        new SparkConf()
            .setMaster("local[2]")
            .setAppName("load")
            .set("spark.ui.enabled", "false")
            .set("spark.driver.host", "127.0.0.1")
            .set("spark.driver.bindAddress", "127.0.0.1")
            .set("spark.executor.heartbeatInterval", "300ms"));
  }
}
