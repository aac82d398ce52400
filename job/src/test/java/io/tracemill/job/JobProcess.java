package io.tracemill.job;

import java.io.File;
import java.io.IOException;
import java.nio.file.DirectoryStream;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.List;
import java.util.Map;
import java.util.TreeMap;
import java.util.concurrent.TimeUnit;
import java.util.stream.Stream;
import org.apache.spark.launcher.JavaModuleOptions;

/**
 * Drivers of {@link CountingJob} as processes, each with a cluster of two executors that are
 * processes too, from the jars of this test's class path.
 */
final class JobProcess implements AutoCloseable {
  /** These processes live for seconds: no time for compiling in full. */
  private static final List<String> SHORT_LIVED =
      List.of("-XX:TieredStopAtLevel=1", "-XX:+UseSerialGC");

  private static final String EXECUTOR = "CoarseGrainedExecutorBackend";
  private static final long EXIT_SECONDS = 30;

  private final Path folder;
  private final Path home;
  private final String classFolders;
  private Process driver;
  private int started;

  JobProcess(Path folder) throws IOException {
    this.folder = folder;
    this.home = folder.resolve("spark");
    Path jars = Files.createDirectories(home.resolve("jars"));
    List<String> folders = new ArrayList<>();
    String classPath =
        System.getProperty("surefire.test.class.path", System.getProperty("java.class.path"));
    for (String entry : classPath.split(File.pathSeparator)) {
      Path path = Path.of(entry).toAbsolutePath();
      if (Files.isDirectory(path)) {
        folders.add(path.toString());
      } else if (entry.endsWith(".jar")) {
        // Jars of one name in two folders must not hide each other.
        Path link = jars.resolve(path.getParent().hashCode() + "-" + path.getFileName());
        if (!Files.exists(link)) {
          Files.createSymbolicLink(link, path);
        }
      }
    }
    this.classFolders = String.join(File.pathSeparator, folders);
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
    conf.put("spark.executor.extraClassPath", classFolders);
    conf.put("spark.executor.extraJavaOptions", String.join(" ", SHORT_LIVED));
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
    List<String> command = new ArrayList<>();
    command.add(Path.of(System.getProperty("java.home"), "bin", "java").toString());
    command.addAll(Arrays.asList(JavaModuleOptions.defaultModuleOptions().strip().split("\\s+")));
    command.add("-Xmx768m");
    command.addAll(SHORT_LIVED);
    conf.forEach((key, value) -> command.add("-D" + key + "=" + value));
    command.addAll(
        List.of(
            "-cp",
            classFolders + File.pathSeparator + home.resolve("jars") + "/*",
            CountingJob.class.getName()));
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
  public void close() throws IOException {
    if (driver != null) {
      driver.descendants().forEach(ProcessHandle::destroyForcibly);
      driver.destroyForcibly();
    }
    // JUnit would warn of each link that leads out of its folder.
    try (DirectoryStream<Path> links = Files.newDirectoryStream(home.resolve("jars"))) {
      for (Path link : links) {
        Files.delete(link);
      }
    }
  }
}
