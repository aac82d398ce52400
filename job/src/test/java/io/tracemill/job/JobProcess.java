package io.tracemill.job;

import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.List;
import java.util.Map;
import java.util.TreeMap;
import java.util.concurrent.TimeUnit;
import java.util.stream.Stream;

/**
 * Drivers of {@link CountingJob} as processes, each with a cluster of two executors that are
 * processes too, from the jars of this test's class path.
 */
final class JobProcess implements AutoCloseable {
  private static final String EXECUTOR = "CoarseGrainedExecutorBackend";
  private static final long EXIT_SECONDS = 30;

  private final Path folder;
  private final Path home;
  private final JobJars jars;
  private Process driver;
  private int started;

  /** Processes that work in a folder, of which few are started. */
  JobProcess(Path folder) throws IOException {
    this(folder, JobJars.prepared());
  }

  private JobProcess(Path folder, JobJars jars) throws IOException {
    this.folder = folder;
    this.home = folder.resolve("spark");
    this.jars = jars;
    // Spark looks for its jars there, and its executors work beside them.
    Files.createDirectories(home.resolve("jars"));
  }

  /** Processes that are started again and again: it pays to make starting cheap first. */
  static JobProcess ofManyStarts(Path folder) throws IOException, InterruptedException {
    JobJars jars = JobJars.prepared();
    jars.archiveClasses(folder);
    return new JobProcess(folder, jars);
  }

  /** Starts the driver; the one before must have ended. */
  void start(List<String> arguments) throws IOException {
    // Executors die as often as the test says; that is no reason to give the job up.
    start(
        arguments,
        Map.of("spark.task.maxFailures", "100", "spark.deploy.maxExecutorRetries", "-1"));
  }

  /** As above, with what the test wants of Spark. */
  void start(List<String> arguments, Map<String, String> more) throws IOException {
    Map<String, String> conf = new TreeMap<>();
    conf.put("spark.master", "local-cluster[2,2,512]");
    conf.put("spark.executor.memory", "512m");
    conf.put("spark.executor.extraClassPath", jars.classPath());
    conf.put("spark.executor.extraJavaOptions", String.join(" ", jars.options()));
    conf.put("spark.executor.heartbeatInterval", "1s");
    conf.put("spark.ui.enabled", "false");
    conf.put("spark.driver.host", "127.0.0.1");
    conf.put("spark.driver.bindAddress", "127.0.0.1");
    conf.put("spark.sql.shuffle.partitions", "2");
    conf.put("spark.databricks.delta.snapshotPartitions", "2");
    conf.put("spark.locality.wait", "0s");
    // A driver that lives for seconds has no use for compiled queries.
    conf.put("spark.sql.codegen.wholeStage", "false");
    conf.put("spark.sql.codegen.factoryMode", "NO_CODEGEN");
    conf.putAll(more);
    List<String> command = jars.java();
    command.add("-Xmx768m");
    conf.forEach((key, value) -> command.add("-D" + key + "=" + value));
    command.addAll(List.of("-cp", jars.classPath(), CountingJob.class.getName()));
    command.addAll(arguments);
    ProcessBuilder builder = new ProcessBuilder(command);
    builder.environment().put("SPARK_HOME", home.toString());
    builder.environment().put("SPARK_SCALA_VERSION", "2.13");
    builder.environment().put("SPARK_LOCAL_IP", "127.0.0.1");
    driver =
        builder
            .directory(folder.toFile())
            .redirectErrorStream(true)
            .redirectOutput(folder.resolve("driver-" + ++started + ".log").toFile())
            .start();
  }

  boolean isAlive() {
    return driver != null && driver.isAlive();
  }

  int exitValue() {
    return driver.exitValue();
  }

  /** How often a driver was started. */
  int started() {
    return started;
  }

  String log() throws IOException {
    return Files.readString(folder.resolve("driver-" + started + ".log"));
  }

  /** The executors that run now. */
  List<ProcessHandle> executors() {
    try (Stream<ProcessHandle> descendants = driver.descendants()) {
      return descendants
          .filter(process -> process.info().commandLine().orElse("").contains(EXECUTOR))
          .toList();
    }
  }

  /** SIGKILL for the driver alone; its executors find out by themselves. */
  void killDriver() throws InterruptedException {
    List<ProcessHandle> orphans = executors();
    driver.destroyForcibly().waitFor();
    orphans.forEach(JobProcess::awaitExit);
  }

  /** SIGKILL for the driver and all executors at once. */
  void killAll() throws InterruptedException {
    List<ProcessHandle> executors = executors();
    driver.destroyForcibly();
    executors.forEach(ProcessHandle::destroyForcibly);
    driver.waitFor();
    executors.forEach(JobProcess::awaitExit);
  }

  private static void awaitExit(ProcessHandle process) {
    try {
      process.onExit().get(EXIT_SECONDS, TimeUnit.SECONDS);
    } catch (Exception e) {
      throw new AssertionError("executor " + process.pid() + " outlives its driver", e);
    }
  }

  @Override
  public void close() {
    if (driver != null) {
      driver.descendants().forEach(ProcessHandle::destroyForcibly);
      driver.destroyForcibly();
    }
  }
}
