package io.tracemill.job.preflight;

import io.tracemill.job.error.ClusterErrors;
import java.util.Locale;
import org.apache.spark.SparkConf;
import org.apache.spark.network.util.JavaUtils;

/** What in Spark's configuration would stop a run, or make it slow or dear. */
public final class SparkChecks {
  private static final String EXECUTOR_GPUS = "spark.executor.resource.gpu.amount";
  private static final String TASK_GPUS = "spark.task.resource.gpu.amount";
  private static final int MANY_TOKENS = 4_096;
  private static final long LEAST_RESULT_BYTES = 64L << 20;

  private SparkChecks() {}

  /** What can be said before Spark runs: settings that stop the start. */
  public static void beforeStart(SparkConf conf, Findings findings) {
    if (conf.getBoolean("spark.speculation", false)) {
      findings.problem(ClusterErrors.speculation());
    }
    if (!isLocal(conf)) {
      gpusOfExecutor(conf, findings);
    }
  }

  private static void gpusOfExecutor(SparkConf conf, Findings findings) {
    double gpus = conf.getDouble(EXECUTOR_GPUS, 0);
    if (gpus > 1) {
      findings.problem(ClusterErrors.severalGpus(EXECUTOR_GPUS, (int) gpus));
    }
    double share = conf.getDouble(TASK_GPUS, 0);
    if (gpus == 0 && share > 0) {
      findings.problem(ClusterErrors.taskGpuWithoutExecutorGpu(TASK_GPUS, EXECUTOR_GPUS));
    }
  }

  /** What can be said once input and executors are known. */
  static void ofPlan(SparkConf conf, SparkPlan plan, Findings findings) {
    if (!plan.isLocal()) {
      feeders(conf, plan, findings);
      executors(conf, findings);
    }
    partitions(plan, findings);
    tables(conf, plan, findings);
  }

  private static void feeders(SparkConf conf, SparkPlan plan, Findings findings) {
    int cores = conf.getInt("spark.executor.cores", 1);
    int cpus = conf.getInt("spark.task.cpus", 1);
    double share = conf.getDouble(TASK_GPUS, 0);
    int byCores = cores / cpus;
    if (share > 0 && (int) (1 / share) < byCores) {
      findings.warning(
          say(
              "%s is %s, so that %d of the %d tasks an executor has cores for can run; set it to"
                  + " %s, 1 divided by the tasks.",
              TASK_GPUS, conf.get(TASK_GPUS), (int) (1 / share), byCores, trimmed(1.0 / byCores)));
    }
    if (conf.getDouble(EXECUTOR_GPUS, 0) > 0 && share == 0) {
      findings.warning(
          say(
              "%s is set without %s, so that tasks are not told their card and take the first free"
                  + " one; set it to 1 divided by spark.executor.cores.",
              EXECUTOR_GPUS, TASK_GPUS));
    }
    if (plan.feeders() < 2) {
      findings.warning(
          say(
              "One task at a time feeds an engine (spark.executor.cores %d, spark.task.cpus %d%s), so"
                  + " its batch drains whenever a task ends; let four or more tasks share an"
                  + " executor.",
              cores, cpus, share > 0 ? ", " + TASK_GPUS + " " + conf.get(TASK_GPUS) : ""));
    }
  }

  private static void executors(SparkConf conf, Findings findings) {
    if (conf.getBoolean("spark.dynamicAllocation.enabled", false)) {
      findings.warning(
          "spark.dynamicAllocation.enabled is on: executors come after rows were dealt out, and"
              + " each one that goes takes a loaded model along; switch it off and set"
              + " spark.executor.instances.");
    }
    int failures = conf.getInt("spark.task.maxFailures", 4);
    if (failures < 2) {
      findings.warning(
          say(
              "spark.task.maxFailures is %d, so that one lost executor ends the run; use 4 or more.",
              failures));
    }
    long heartbeatSeconds =
        JavaUtils.timeStringAs(
            conf.get("spark.executor.heartbeatInterval", "10s"),
            java.util.concurrent.TimeUnit.SECONDS);
    long timeoutSeconds =
        JavaUtils.timeStringAs(
            conf.get("spark.network.timeout", "120s"), java.util.concurrent.TimeUnit.SECONDS);
    if (heartbeatSeconds * 4 > timeoutSeconds) {
      findings.warning(
          say(
              "spark.network.timeout (%d s) is less than four times spark.executor.heartbeatInterval"
                  + " (%d s); an executor that is busy loading its model would count as lost.",
              timeoutSeconds, heartbeatSeconds));
    }
  }

  private static void partitions(SparkPlan plan, Findings findings) {
    if (plan.partitions() < plan.engines()) {
      findings.warning(
          say(
              "%,d partitions are fewer than the %,d engines, and the others would do nothing; leave"
                  + " --partitions out or raise it.",
              plan.partitions(), plan.engines()));
      return;
    }
    long rowsOfTask = Math.max(1, plan.rows() / plan.partitions());
    long atOnce =
        Math.min(plan.feeders(), (plan.partitions() + plan.engines() - 1) / plan.engines());
    long inFlight = atOnce * Math.min(rowsOfTask, 2L * plan.slots());
    boolean enoughRows = plan.rows() >= 2L * plan.slots() * plan.engines();
    if (enoughRows && inFlight < plan.slots()) {
      findings.warning(
          say(
              "%,d tasks of %,d rows feed an engine of %,d slots, which cannot fill it; use fewer"
                  + " --partitions or more cores an executor.",
              atOnce, rowsOfTask, plan.slots()));
    } else if (enoughRows && atOnce * rowsOfTask < 4L * plan.slots()) {
      findings.warning(
          say(
              "%,d tasks of %,d rows feed an engine of %,d slots: less than four times its slots, so"
                  + " that batches drain at task ends; leave --partitions out or lower it.",
              atOnce, rowsOfTask, plan.slots()));
    }
  }

  private static void tables(SparkConf conf, SparkPlan plan, Findings findings) {
    for (String key :
        new String[] {
          "spark.databricks.delta.optimizeWrite.enabled",
          "spark.databricks.delta.properties.defaults.autoOptimize.optimizeWrite"
        }) {
      if (isOn(conf, key)) {
        findings.warning(
            say(
                "%s is on, which puts a shuffle behind the generator: rows whose shuffle files are"
                    + " lost are generated again; set it to false.",
                key));
      }
    }
    int batch = conf.getInt("spark.sql.parquet.columnarReaderBatchSize", 4_096);
    if (batch > 1_024 && plan.maxNewTokens() > MANY_TOKENS) {
      findings.warning(
          say(
              "spark.sql.parquet.columnarReaderBatchSize is %,d: with outputs of up to %,d tokens one"
                  + " batch of traces read back may take gigabytes; set it to 256.",
              batch, plan.maxNewTokens()));
    }
    long result = JavaUtils.byteStringAsBytes(conf.get("spark.driver.maxResultSize", "1g"));
    if (result > 0 && result < LEAST_RESULT_BYTES) {
      findings.warning(
          say(
              "spark.driver.maxResultSize is %s; tasks report the statistics of what they wrote to"
                  + " the driver, which would fail; use 64m or more.",
              conf.get("spark.driver.maxResultSize")));
    }
    // Four bytes a token is usual; a partition passes through the driver at a time.
    long exported = 4L * plan.maxNewTokens() * (plan.rows() / Math.max(1, plan.partitions()) + 1);
    if (plan.passesThroughDriver() && result > 0 && exported > result) {
      findings.warning(
          say(
              "The OpenAI export passes through the driver, a partition at a time of up to %,d MB,"
                  + " more than spark.driver.maxResultSize %s; raise it.",
              exported >> 20, conf.get("spark.driver.maxResultSize", "1g")));
    }
  }

  private static boolean isOn(SparkConf conf, String key) {
    return conf.get(key, "false").strip().equalsIgnoreCase("true");
  }

  private static boolean isLocal(SparkConf conf) {
    return io.tracemill.job.session.SparkSessions.isLocal(conf.get("spark.master", "local[*]"));
  }

  private static String trimmed(double value) {
    return String.format(Locale.ROOT, "%.4f", value).replaceAll("0+$", "");
  }

  private static String say(String form, Object... values) {
    return String.format(Locale.ROOT, form, values);
  }
}
