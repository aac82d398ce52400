package io.tracemill.job;

import java.io.File;
import java.io.IOException;
import java.io.OutputStream;
import java.nio.channels.FileChannel;
import java.nio.channels.FileLock;
import java.nio.file.Files;
import java.nio.file.Path;
import java.nio.file.StandardCopyOption;
import java.nio.file.StandardOpenOption;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.Comparator;
import java.util.List;
import java.util.concurrent.TimeUnit;
import java.util.jar.JarEntry;
import java.util.jar.JarOutputStream;
import java.util.stream.Stream;
import org.apache.spark.launcher.JavaModuleOptions;

/**
 * The class path of this test as jars in a folder that all tests of a build share, so that an
 * archive of parsed classes fits it: drivers and executors that live for seconds spend a third of
 * their time on loading classes.
 */
final class JobJars {
  /** These processes live for seconds: no time for compiling in full. */
  static final List<String> SHORT_LIVED = List.of("-XX:TieredStopAtLevel=1", "-XX:+UseSerialGC");

  private static final Path FOLDERS = Path.of("target", "job-jars").toAbsolutePath();
  private static final int MINUTES = 5;

  private final Path folder;
  private final String classPath;

  private JobJars(Path folder, String classPath) {
    this.folder = folder;
    this.classPath = classPath;
  }

  /** The jars of this JVM's class path; made by the first test of a build that asks. */
  static JobJars prepared() throws IOException {
    List<Path> entries =
        Stream.of(
                System.getProperty(
                        "surefire.test.class.path", System.getProperty("java.class.path"))
                    .split(File.pathSeparator))
            .map(entry -> Path.of(entry).toAbsolutePath())
            .filter(Files::exists)
            .toList();
    StringBuilder state = new StringBuilder();
    for (Path entry : entries) {
      state.append(entry).append(newestMillis(entry));
    }
    Path folder = FOLDERS.resolve(Integer.toHexString(state.toString().hashCode()));
    Files.createDirectories(FOLDERS);
    try (FileChannel channel = lockFile();
        FileLock lock = channel.lock()) {
      if (!Files.exists(folder)) {
        deleteEarlier();
        Path part = Files.createTempDirectory(FOLDERS, "part-");
        fill(part, entries);
        Files.move(part, folder, StandardCopyOption.ATOMIC_MOVE);
      }
    }
    List<String> classPath = new ArrayList<>();
    try (Stream<Path> files = Files.list(folder)) {
      files.filter(JobJars::isJar).sorted().map(Path::toString).forEach(classPath::add);
    }
    classPath.add(folder.resolve("jars") + "/*");
    return new JobJars(folder, String.join(File.pathSeparator, classPath));
  }

  /** What earlier builds left: an archive is 200 MB. */
  private static void deleteEarlier() throws IOException {
    try (Stream<Path> files = Files.walk(FOLDERS)) {
      for (Path file : files.sorted(Comparator.reverseOrder()).toList()) {
        if (!file.equals(FOLDERS) && !file.endsWith("lock")) {
          Files.delete(file);
        }
      }
    }
  }

  private static boolean isJar(Path file) {
    return file.toString().endsWith(".jar");
  }

  private static FileChannel lockFile() throws IOException {
    return FileChannel.open(
        FOLDERS.resolve("lock"), StandardOpenOption.CREATE, StandardOpenOption.WRITE);
  }

  private static long newestMillis(Path entry) throws IOException {
    try (Stream<Path> files = Files.walk(entry)) {
      return files.mapToLong(file -> file.toFile().lastModified()).max().orElse(0);
    }
  }

  /** Folders of classes come first, in their order. */
  private static void fill(Path folder, List<Path> entries) throws IOException {
    Path jars = Files.createDirectory(folder.resolve("jars"));
    int number = 0;
    for (Path entry : entries) {
      if (Files.isDirectory(entry)) {
        pack(entry, folder.resolve("classes-%02d.jar".formatted(number)));
      } else if (isJar(entry)) {
        // Jars of one name in two folders must not hide each other.
        Files.createSymbolicLink(jars.resolve(number + "-" + entry.getFileName()), entry);
      }
      number++;
    }
  }

  /** Makes a jar of a folder of classes. */
  static void pack(Path classes, Path jar) throws IOException {
    try (OutputStream out = Files.newOutputStream(jar);
        JarOutputStream entries = new JarOutputStream(out);
        Stream<Path> files = Files.walk(classes)) {
      for (Path file : files.filter(Files::isRegularFile).toList()) {
        entries.putNextEntry(new JarEntry(classes.relativize(file).toString()));
        Files.copy(file, entries);
        entries.closeEntry();
      }
    }
  }

  /** For {@code -cp}; entries may follow it. */
  String classPath() {
    return classPath;
  }

  /** A JVM for a process of this class path: Java's command without the class path. */
  List<String> java() {
    List<String> command = new ArrayList<>();
    command.add(Path.of(System.getProperty("java.home"), "bin", "java").toString());
    command.addAll(Arrays.asList(JavaModuleOptions.defaultModuleOptions().strip().split("\\s+")));
    command.addAll(options());
    return command;
  }

  /** What else a JVM of this class path is given: nothing is lost where an archive does not fit. */
  List<String> options() {
    List<String> options = new ArrayList<>(SHORT_LIVED);
    if (Files.exists(archive())) {
      options.add("-XX:SharedArchiveFile=" + archive());
    }
    return options;
  }

  private Path archive() {
    return folder.resolve("classes.jsa");
  }

  /**
   * Makes the archive where there is none yet, from the classes of one short run; takes a while.
   */
  void archiveClasses(Path work) throws IOException, InterruptedException {
    try (FileChannel channel = lockFile();
        FileLock lock = channel.lock()) {
      if (Files.exists(archive())) {
        return;
      }
      Path here = Files.createDirectory(work.resolve("archived-run"));
      Path part = folder.resolve("classes.part");
      Path in = JobRun.file(here, "in.jsonl", "{\"id\": 1, \"prompt\": \"p\"}\n");
      List<String> command = java();
      command.addAll(
          List.of(
              "-XX:ArchiveClassesAtExit=" + part,
              "-Xmx768m",
              "-Dspark.master=local[2]",
              "-Dspark.sql.shuffle.partitions=2",
              "-Dspark.databricks.delta.snapshotPartitions=2",
              "-Dspark.sql.codegen.wholeStage=false",
              "-Dspark.sql.codegen.factoryMode=NO_CODEGEN",
              "-cp",
              classPath,
              CountingJob.class.getName(),
              here.resolve("requests").toString(),
              "1",
              "2",
              "0"));
      command.addAll(List.of(JobRun.arguments(in, here.resolve("out"))));
      Path log = here.resolve("log");
      Process process =
          new ProcessBuilder(command)
              .directory(here.toFile())
              .redirectErrorStream(true)
              .redirectOutput(log.toFile())
              .start();
      try {
        if (!process.waitFor(MINUTES, TimeUnit.MINUTES) || process.exitValue() != 0) {
          throw new IOException(Files.readString(log));
        }
      } finally {
        process.destroyForcibly();
      }
      Files.move(part, archive(), StandardCopyOption.ATOMIC_MOVE);
    }
  }
}
