package io.tracemill.job.session;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import io.tracemill.job.error.JobException;
import java.util.List;
import org.apache.spark.SparkConf;
import org.junit.jupiter.api.Test;

class TestSparkSessions {
  @Test
  void gpuKeysAreDroppedInLocalModeWithAMessageAndKeptOnAClusterInSilence() {
    SparkConf local =
        new SparkConf(false)
            .setMaster("local[2]")
            .set("spark.executor.resource.gpu.amount", "1")
            .set("spark.task.resource.gpu.amount", "0.25");
    List<String> notices = SparkSessions.prepare(local);
    assertThat(local.contains("spark.executor.resource.gpu.amount")).isFalse();
    assertThat(local.contains("spark.task.resource.gpu.amount")).isFalse();
    assertThat(notices)
        .containsExactly(
            "A local master cannot schedule GPUs and would wait for ever:"
                + " spark.executor.resource.gpu.amount, spark.task.resource.gpu.amount ignored; the"
                + " engine finds the GPU itself.");

    SparkConf cluster =
        new SparkConf(false)
            .setMaster("spark://host:7077")
            .set("spark.executor.resource.gpu.amount", "1");
    assertThat(SparkSessions.prepare(cluster)).isEmpty();
    assertThat(cluster.contains("spark.executor.resource.gpu.amount")).isTrue();
  }

  @Test
  void speculationIsRefused() {
    SparkConf conf = new SparkConf(false).set("spark.speculation", "true");
    assertThatThrownBy(() -> SparkSessions.prepare(conf))
        .isInstanceOf(JobException.class)
        .hasMessage(
            "spark.speculation is on, which would generate slow rows twice; start with --conf"
                + " spark.speculation=false.");
  }

  @Test
  void deltaIsAddedToOtherExtensionsAndNotTwice() {
    String delta = "io.delta.sql.DeltaSparkSessionExtension";
    SparkConf with = new SparkConf(false).set("spark.sql.extensions", "a.B," + delta);
    SparkSessions.prepare(with);
    assertThat(with.get("spark.sql.extensions")).isEqualTo("a.B," + delta);
    SparkConf without = new SparkConf(false).set("spark.sql.extensions", "a.B");
    SparkSessions.prepare(without);
    assertThat(without.get("spark.sql.extensions")).isEqualTo("a.B," + delta);
  }
}
