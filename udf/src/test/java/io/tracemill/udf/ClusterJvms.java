package io.tracemill.udf;

import java.io.File;
import java.io.IOException;
import java.net.InetAddress;
import java.net.ServerSocket;
import java.nio.file.DirectoryStream;
import java.nio.file.Files;
import java.nio.file.Path;
import java.nio.file.attribute.PosixFilePermissions;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.List;
import java.util.Map;
import java.util.TreeMap;
import java.util.concurrent.TimeUnit;
import org.apache.spark.launcher.JavaModuleOptions;

/**
 * Masters, workers and applications as processes of their own, from the jars of this test's class
 * path: a folder of links stands in for an installed Spark, a script for the driver's tool.
 */
final class ClusterJvms implements AutoCloseable {
  private final Path folder;
  private final Path home;
  private final String folders;
  private final List<Process> processes = new ArrayList<>();

  ClusterJvms(Path folder, String cardListing) throws IOException {
    this.folder = folder;
    this.home = folder.resolve("spark");
    Path jars = Files.createDirectories(home.resolve("jars"));
    List<String> classFolders = new ArrayList<>();
    String classPath =
        System.getProperty("surefire.test.class.path", System.getProperty("java.class.path"));
    for (String entry : classPath.split(File.pathSeparator)) {
      Path path = Path.of(entry).toAbsolutePath();
      if (Files.isDirectory(path)) {
        classFolders.add(path.toString());
      } else if (entry.endsWith(".jar") && !Files.exists(jars.resolve(path.getFileName()))) {
        Files.createSymbolicLink(jars.resolve(path.getFileName()), path);
      }
    }
    this.folders = String.join(File.pathSeparator, classFolders);
    Path tool = Files.createDirectories(folder.resolve("tools")).resolve("nvidia-smi");
    Files.writeString(tool, "#!/bin/bash\ncat <<'LIST'\n" + cardListing + "LIST\n");
    Files.setPosixFilePermissions(tool, PosixFilePermissions.fromString("rwxr-xr-x"));
  }

  /** Class folders that executors need beside Spark's jars. */
  String classFolders() {
    return folders;
  }

  static int freePort() throws IOException {
    try (ServerSocket socket = new ServerSocket(0, 1, InetAddress.getLoopbackAddress())) {
      return socket.getLocalPort();
    }
  }

  /** Starts a main class; it ends with {@link #close} at the latest. */
  Process start(String name, Map<String, String> variables, String... mainAndArguments)
      throws IOException {
    List<String> command = new ArrayList<>();
    command.add(Path.of(System.getProperty("java.home"), "bin", "java").toString());
    command.addAll(Arrays.asList(JavaModuleOptions.defaultModuleOptions().strip().split("\\s+")));
    command.addAll(List.of("-Xmx512m", "-XX:TieredStopAtLevel=1", "-XX:+UseSerialGC", "-cp"));
    command.add(folders + File.pathSeparator + home.resolve("jars") + "/*");
    command.addAll(List.of(mainAndArguments));
    ProcessBuilder builder = new ProcessBuilder(command);
    Map<String, String> environment = new TreeMap<>(variables);
    environment.put("SPARK_HOME", home.toString());
    environment.put("SPARK_SCALA_VERSION", "2.13");
    environment.put("SPARK_LOCAL_IP", "127.0.0.1");
    environment.put("PATH", folder.resolve("tools") + ":/usr/bin:/bin");
    builder.environment().remove("CUDA_VISIBLE_DEVICES");
    builder.environment().putAll(environment);
    Process process =
        builder
            .directory(folder.toFile())
            .redirectErrorStream(true)
            .redirectOutput(log(name).toFile())
            .start();
    processes.add(process);
    return process;
  }

  /** Submits {@link GpuTasks} and gives the lines that it wrote. */
  List<String> submit(String master, String... configuration) throws Exception {
    return submit(GpuTasks.class, List.of(), master, configuration);
  }

  /**
   * Submits an application and gives the lines that it wrote.
   *
   * @param more its arguments after the file to write
   */
  List<String> submit(Class<?> main, List<String> more, String master, String... configuration)
      throws Exception {
    Path output = folder.resolve("lines");
    if (run(main, more, master, configuration) != 0) {
      throw new AssertionError("the application failed:\n" + Files.readString(log("application")));
    }
    return Files.readAllLines(output);
  }

  /** Submits an application and gives its exit code. */
  int run(Class<?> main, List<String> more, String master, String... configuration)
      throws Exception {
    Path output = folder.resolve("lines");
    List<String> arguments =
        new ArrayList<>(
            List.of("org.apache.spark.deploy.SparkSubmit", "--master", master, "--class"));
    arguments.add(main.getName());
    List<String> all = new ArrayList<>(Arrays.asList(configuration));
    all.addAll(
        List.of(
            "spark.executor.extraClassPath=" + folders,
            "spark.ui.enabled=false",
            "spark.driver.host=127.0.0.1",
            "spark.executor.memory=512m",
            "spark.executor.extraJavaOptions=-XX:TieredStopAtLevel=1"));
    all.forEach(entry -> arguments.addAll(List.of("--conf", entry)));
    arguments.addAll(List.of("spark-internal", output.toString()));
    arguments.addAll(more);
    Process application = start("application", Map.of(), arguments.toArray(String[]::new));
    if (!application.waitFor(200, TimeUnit.SECONDS)) {
      throw new AssertionError("it does not end:\n" + Files.readString(log("application")));
    }
    return application.exitValue();
  }

  Path log(String name) {
    return folder.resolve(name + ".log");
  }

  @Override
  public void close() throws IOException {
    for (Process process : processes) {
      process.descendants().forEach(ProcessHandle::destroyForcibly);
      process.destroyForcibly();
    }
    // JUnit would warn of each link that leads out of its folder.
    try (DirectoryStream<Path> links = Files.newDirectoryStream(home.resolve("jars"))) {
      for (Path link : links) {
        Files.delete(link);
      }
    }
  }
}
