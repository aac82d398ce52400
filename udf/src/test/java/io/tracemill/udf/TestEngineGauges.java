package io.tracemill.udf;

import static org.assertj.core.api.Assertions.assertThat;

import com.codahale.metrics.MetricRegistry;
import io.tracemill.engine.EngineSnapshot;
import java.lang.management.ManagementFactory;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.List;
import java.util.Optional;
import java.util.concurrent.TimeUnit;
import javax.management.ObjectName;
import org.apache.spark.SparkConf;
import org.apache.spark.api.java.JavaSparkContext;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.Timeout;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.ValueSource;

@Timeout(120)
class TestEngineGauges {
  private long nowNanos;
  private Optional<EngineSnapshot> engine = Optional.empty();

  @AfterEach
  void closeEngine() {
    EngineHolder.closeIdle();
  }

  @Test
  void gaugesFollowTheEngineAndAreZeroWithoutOne() {
    MetricRegistry registry = new MetricRegistry();
    EngineGauges.addTo(registry, () -> engine, () -> nowNanos);
    assertThat(registry.getGauges().values())
        .allMatch(g -> ((Number) g.getValue()).intValue() == 0);
    engine = Optional.of(snapshot(500));
    nowNanos += TimeUnit.SECONDS.toNanos(2);
    assertThat(value(registry, "slots")).isEqualTo(8L);
    assertThat(value(registry, "slotsUsed")).isEqualTo(5L);
    assertThat(value(registry, "kvPagesUsed")).isEqualTo(30L);
    assertThat(value(registry, "sharedPromptTokens")).isEqualTo(64L);
    assertThat(value(registry, "tokensPerSecond")).isEqualTo(250.0);
    engine = Optional.of(snapshot(600));
    nowNanos += TimeUnit.MILLISECONDS.toNanos(10);
    assertThat(value(registry, "tokensPerSecond")).as("too short a span").isEqualTo(250.0);
    nowNanos += TimeUnit.MILLISECONDS.toNanos(990);
    assertThat(value(registry, "tokensPerSecond")).isEqualTo(100.0);
    engine = Optional.of(snapshot(3));
    nowNanos += TimeUnit.SECONDS.toNanos(1);
    assertThat(value(registry, "tokensPerSecond")).as("a newer engine").isEqualTo(0.0);
  }

  /** The file of conf/, as a user names it: what its sink shows is looked for where it shows it. */
  @ParameterizedTest
  @ValueSource(strings = {"", "io.tracemill.udf.TracemillPlugin"})
  void aSinkOfSparkShowsThemWithOrWithoutThePlugin(String plugins) throws Exception {
    Path properties = Path.of("../conf/metrics.properties").toAbsolutePath().normalize();
    assertThat(Files.readString(properties)).contains("JmxSink");
    try (JavaSparkContext spark =
            SparkContexts.start(
                new SparkConf()
                    .setMaster("local[1]")
                    .setAppName("gauges")
                    .set("spark.ui.enabled", "false")
                    .set("spark.driver.host", "127.0.0.1")
                    .set("spark.driver.bindAddress", "127.0.0.1")
                    .set("spark.plugins", plugins)
                    .set("spark.metrics.conf", properties.toString()));
        EngineHolder.Lease lease =
            EngineHolder.lease(FakeSettings.engine(7), FakeEngine.fast(), () -> false)) {
      assertThat(lease.backend()).isEqualTo("fake");
      List<Object> shown = new ArrayList<>();
      for (ObjectName name :
          ManagementFactory.getPlatformMBeanServer()
              .queryNames(new ObjectName("metrics:*"), null)) {
        if (name.toString().contains("TracemillPlugin.slots,")
            || name.toString().contains("tracemill.slots,")) {
          shown.add(ManagementFactory.getPlatformMBeanServer().getAttribute(name, "Value"));
        }
      }
      assertThat(spark.sc().isLocal()).isTrue();
      assertThat(shown).containsExactly(7L);
    }
  }

  private static Object value(MetricRegistry registry, String name) {
    return registry.getGauges().get(name).getValue();
  }

  private static EngineSnapshot snapshot(long tokens) {
    return new EngineSnapshot(
        8, 5, 2, 30, 100, 10, 50, 300, 4, 10, 0, 640, 64, tokens, 3, 1, 0, 900, 1000);
  }
}
