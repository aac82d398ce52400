package io.tracemill.job;

import io.tracemill.udf.table.TableFiles;
import java.io.BufferedWriter;
import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.List;
import java.util.Locale;
import java.util.concurrent.CompletableFuture;
import java.util.concurrent.TimeUnit;
import java.util.concurrent.TimeoutException;
import java.util.concurrent.atomic.AtomicInteger;
import java.util.stream.Stream;
import org.apache.spark.scheduler.SparkListener;
import org.apache.spark.scheduler.SparkListenerJobStart;
import org.apache.spark.sql.Row;

/**
 * The whole job over many rows with an engine that takes no time: what is left is the job's own
 * cost. Prints rows a second, the heap after a collection while waves go by (driver and executor
 * share the JVM), Spark's jobs, and what lies on disk afterwards; then gives the command again,
 * which must find nothing to do, and once more with some rows more. The figures of {@code
 * docs/results-job.md} come from here.
 *
 * <p>Run the main method with the test class path and Spark's module options: rows, format and an
 * empty folder, such as {@code 100000 delta /tmp/bench}, and further options of run.
 */
public final class JobBenchmark {
  private static final int PROMPT_CHARACTERS = 200;
  private static final long SAMPLE_MILLIS = 5_000;

  private JobBenchmark() {}

  /** Runs it; a wrong number of rows throws. */
  public static void main(String[] args) throws Exception {
    int rows = Integer.parseInt(args[0]);
    Path folder = Files.createDirectories(Path.of(args[2]));
    Path in = prompts(folder, rows);
    Path out = folder.resolve("out-" + args[1]);
    List<String> options = new ArrayList<>(List.of("--output-format", args[1], "--slots", "64"));
    options.addAll(List.of(args).subList(3, args.length));
    String[] command = JobRun.arguments(in, out, options.toArray(String[]::new));
    JobRun.run(prompts(folder.resolve("warm"), 200), folder.resolve("warm/out-" + args[1]));

    JobCount jobs = new JobCount();
    JobRun.spark().sparkContext().addSparkListener(jobs);
    long start = System.nanoTime();
    CompletableFuture<JobRun> running = CompletableFuture.supplyAsync(() -> JobRun.of(command));
    List<String> heap = new ArrayList<>();
    JobRun run = null;
    while (run == null) {
      try {
        run = running.get(SAMPLE_MILLIS, TimeUnit.MILLISECONDS);
      } catch (TimeoutException e) {
        heap.add("%.0f s %d MB".formatted((System.nanoTime() - start) / 1e9, heapMegabytes()));
      }
    }
    double seconds = (System.nanoTime() - start) / 1e9;
    int inRun = jobs.take();
    System.out.println(run.output());
    Row counted =
        TableFiles.read(JobRun.spark(), out.resolve("traces").toString())
            .selectExpr("count(*)", "count(distinct row_key)", "count(distinct wave)")
            .head();
    if (!counted.mkString(" ").startsWith(rows + " " + rows + " ")) {
      throw new AssertionError("rows, keys, waves: " + counted.mkString(" "));
    }
    System.out.printf(
        Locale.ROOT,
        "%s: %,d rows, %d waves, %.1f s, %,.0f rows/s%n",
        args[1],
        rows,
        counted.getLong(2),
        seconds,
        rows / seconds);
    System.out.println("Spark jobs: " + inRun);
    System.out.println("heap after collection: " + String.join(", ", heap));
    System.out.println("files read: " + sizes(filesOf(out)));
    System.out.println("files on disk: " + sizes(below(out.resolve("traces"))));
    long again = System.nanoTime();
    JobRun second = JobRun.of(command);
    System.out.printf(
        Locale.ROOT,
        "the same command again: %.1f s, %d Spark jobs%n",
        (System.nanoTime() - again) / 1e9,
        jobs.take());
    if (!second.output().contains("Nothing to generate")) {
      throw new AssertionError(second.output());
    }
    prompts(folder, rows + rows / 50 + 1);
    again = System.nanoTime();
    JobRun more = JobRun.of(command);
    System.out.printf(
        Locale.ROOT,
        "resumed with 2 %% more rows: %.1f s, %d Spark jobs%n%s%n",
        (System.nanoTime() - again) / 1e9,
        jobs.take(),
        more.output().lines().findFirst().orElse(""));
  }

  private static final class JobCount extends SparkListener {
    private final AtomicInteger jobs = new AtomicInteger();

    @Override
    public void onJobStart(SparkListenerJobStart started) {
      jobs.incrementAndGet();
    }

    /** Jobs since the last call; the listeners' bus gets a moment to catch up. */
    private int take() throws InterruptedException {
      Thread.sleep(500);
      return jobs.getAndSet(0);
    }
  }

  private static long heapMegabytes() {
    System.gc();
    return (Runtime.getRuntime().totalMemory() - Runtime.getRuntime().freeMemory()) >> 20;
  }

  private static Path prompts(Path folder, int rows) throws IOException {
    Path in = Files.createDirectories(folder).resolve("in.jsonl");
    try (BufferedWriter writer = Files.newBufferedWriter(in)) {
      for (int i = 0; i < rows; i++) {
        String prompt = "question %d ".formatted(i).repeat(PROMPT_CHARACTERS / 12);
        writer.write("{\"id\": \"q%d\", \"prompt\": \"%s\"}\n".formatted(i, prompt));
      }
    }
    return in;
  }

  private static List<Long> filesOf(Path out) throws IOException {
    List<Long> sizes = new ArrayList<>();
    for (String file :
        TableFiles.read(JobRun.spark(), out.resolve("traces").toString()).inputFiles()) {
      sizes.add(Files.size(Path.of(java.net.URI.create(file))));
    }
    return sizes;
  }

  private static List<Long> below(Path folder) throws IOException {
    try (Stream<Path> files = Files.walk(folder)) {
      return files
          .filter(file -> file.toString().endsWith(".parquet"))
          .map(file -> file.toFile().length())
          .toList();
    }
  }

  private static String sizes(List<Long> sizes) {
    return String.format(
        Locale.ROOT,
        "%d of %.1f MB, the smallest %d KB, the largest %d KB",
        sizes.size(),
        sizes.stream().mapToLong(Long::longValue).sum() / 1e6,
        sizes.stream().mapToLong(Long::longValue).min().orElse(0) / 1_000,
        sizes.stream().mapToLong(Long::longValue).max().orElse(0) / 1_000);
  }
}
