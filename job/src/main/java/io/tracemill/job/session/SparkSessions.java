package io.tracemill.job.session;

import io.tracemill.job.error.ClusterErrors;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.List;
import java.util.function.Consumer;
import java.util.regex.Pattern;
import org.apache.spark.SparkConf;
import org.apache.spark.SparkContext;
import org.apache.spark.sql.SparkSession;

/** Makes the Spark session of a run. */
public final class SparkSessions {
  private static final Pattern GPU_KEY = Pattern.compile("spark\\..*\\.resource\\.gpu\\..*");
  private static final String EXTENSION = "io.delta.sql.DeltaSparkSessionExtension";
  private static final String CATALOG = "org.apache.spark.sql.delta.catalog.DeltaCatalog";

  private SparkSessions() {}

  /**
   * Starts Spark, or joins the context that runs already, and gives a session of its own whose
   * settings nobody else sees.
   *
   * @param conf what the launcher configured; changed in place
   * @param notices told, one sentence each, what was changed
   * @throws io.tracemill.job.error.JobException where the configuration would harm the run
   */
  public static SparkSession open(SparkConf conf, Consumer<String> notices) {
    prepare(conf).forEach(notices);
    SparkContext context = SparkContext.getOrCreate(conf);
    if (context.conf().getBoolean("spark.speculation", false)) {
      throw ClusterErrors.speculation();
    }
    SparkSession session = SparkSession.builder().getOrCreate().newSession();
    // Dates and times as java.time, and the same day whatever the driver's zone is.
    session.conf().set("spark.sql.datetime.java8API.enabled", true);
    session.conf().set("spark.sql.session.timeZone", "UTC");
    return session;
  }

  /** Stops Spark where this process started it. */
  public static void stop() {
    if (SparkSession.getDefaultSession().isDefined()) {
      SparkSession.getDefaultSession().get().stop();
    }
  }

  /** Fits a configuration to a run; gives one sentence for each thing that a user set otherwise. */
  static List<String> prepare(SparkConf conf) {
    if (conf.getBoolean("spark.speculation", false)) {
      throw ClusterErrors.speculation();
    }
    List<String> notices = new ArrayList<>();
    conf.setIfMissing("spark.master", "local[*]");
    conf.setIfMissing("spark.app.name", "Tracemill");
    if (isLocal(conf.get("spark.master"))) {
      notices.addAll(dropGpuKeys(conf));
      conf.setIfMissing("spark.ui.enabled", "false");
      conf.setIfMissing("spark.driver.host", "127.0.0.1");
      conf.setIfMissing("spark.driver.bindAddress", "127.0.0.1");
    }
    String extensions = conf.get("spark.sql.extensions", "");
    if (!Arrays.asList(extensions.split(",")).contains(EXTENSION)) {
      conf.set(
          "spark.sql.extensions", extensions.isEmpty() ? EXTENSION : extensions + "," + EXTENSION);
    }
    conf.setIfMissing("spark.sql.catalog.spark_catalog", CATALOG);
    return notices;
  }

  /** Whether driver and tasks share one JVM. */
  public static boolean isLocal(String master) {
    return master.equals("local") || master.startsWith("local[");
  }

  /** Spark waits for ever where a local master is asked for GPUs; the engine finds them itself. */
  private static List<String> dropGpuKeys(SparkConf conf) {
    List<String> dropped =
        Arrays.stream(conf.getAll())
            .map(entry -> entry._1())
            .filter(key -> GPU_KEY.matcher(key).matches())
            .sorted()
            .toList();
    dropped.forEach(conf::remove);
    return dropped.isEmpty()
        ? List.of()
        : List.of(
            "A local master cannot schedule GPUs and would wait for ever: "
                + String.join(", ", dropped)
                + " ignored; the engine finds the GPU itself.");
  }
}
