package io.tracemill.job.preflight;

import io.tracemill.job.error.ClusterErrors;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import org.apache.spark.SparkConf;

/** What is said about Spark's settings and about clusters, by what was set or happened. */
public final class SparkSentences {
  private SparkSentences() {}

  /** Problems, which stop a run. */
  public static Map<String, String> problems() {
    Map<String, String> said = new LinkedHashMap<>();
    for (List<String> set :
        List.of(
            List.of("spark.speculation", "true"),
            List.of("spark.executor.resource.gpu.amount", "2"),
            List.of("spark.task.resource.gpu.amount", "0.125"))) {
      Findings findings = new Findings();
      SparkChecks.beforeStart(conf(set), findings);
      said.put("`" + String.join("=", set) + "`", String.join(" ", findings.problems()));
    }
    said.put("a class path without Delta", ClusterErrors.noDelta().getMessage());
    said.put(
        "a cluster whose executors do not come",
        ClusterErrors.noExecutor("spark://host:7077", 120).getMessage());
    said.put(
        "an engine that an executor cannot open",
        ClusterErrors.noEngine("executor 3", "(the engine's reason)").getMessage());
    said.put(
        "a KV cache that is too small for any row",
        ClusterErrors.cacheTooSmall(120, 32_768, 16_384).getMessage());
    said.put(
        "a sample of which every row fails",
        ClusterErrors.sampleFailed(32, "(the first row's reason)").getMessage());
    return said;
  }

  /** Warnings of a preflight, which stop nothing. */
  public static Map<String, String> warnings() {
    Map<String, String> said = new LinkedHashMap<>();
    for (List<String> set :
        List.of(
            List.of("spark.task.resource.gpu.amount", "1"),
            List.of("spark.task.cpus", "8"),
            List.of("spark.dynamicAllocation.enabled", "true"),
            List.of("spark.task.maxFailures", "1"),
            List.of("spark.network.timeout", "20s"),
            List.of("spark.databricks.delta.optimizeWrite.enabled", "true"),
            List.of("spark.driver.maxResultSize", "1m"))) {
      boolean isAlone = set.get(0).equals("spark.task.cpus");
      Findings findings = new Findings();
      SparkConf conf = conf(set).set("spark.executor.cores", "8");
      SparkChecks.ofPlan(
          conf, new SparkPlan(false, 4, isAlone ? 1 : 8, 400, 100_000, 32, 1_024, false), findings);
      said.put("`" + String.join("=", set) + "`", String.join(" ", findings.warnings()));
    }
    return said;
  }

  private static SparkConf conf(List<String> set) {
    return new SparkConf(false).set("spark.master", "spark://h:1").set(set.get(0), set.get(1));
  }
}
