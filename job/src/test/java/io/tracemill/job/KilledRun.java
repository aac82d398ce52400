package io.tracemill.job;

import static org.assertj.core.api.Assertions.assertThat;

import io.tracemill.udf.FakeEngine;
import io.tracemill.udf.table.TableFiles;
import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.Collections;
import java.util.HashSet;
import java.util.Iterator;
import java.util.List;
import java.util.Map;
import java.util.Random;
import java.util.Set;
import java.util.TreeMap;
import java.util.stream.Collectors;
import java.util.stream.IntStream;
import org.apache.spark.sql.Row;

/**
 * Driver and executors of one run are killed with SIGKILL, again and again, and the same command is
 * given again whenever the driver is gone. Print of the seed, and {@code -Dtests.seed} to set it.
 * One table format a test class, so that two JVMs can share them.
 */
final class KilledRun {
  private static final int ROWS = 240;
  private static final int WAVE_ROWS = 16;
  private static final int KILLS = 20;
  private static final long MOST_DELAY_MILLIS = 1_500;

  /** What a kill hits. Starting a driver takes longest, so most kills leave it alone. */
  private enum Victim {
    EXECUTOR,
    DRIVER,
    BOTH
  }

  /** The state of things when a driver is started again. */
  private record Restart(Set<String> committed, int requests) {}

  private final Path folder;
  private final String format;

  /** A run of its own in an empty folder, with the name of its tables' format. */
  KilledRun(Path folder, String format) {
    this.folder = folder;
    this.format = format;
  }

  /** Kills until twenty have struck, lets the run end, and looks at what is there. */
  void assertTwentyKillsLeaveEveryRowOnceAndTheTextOfAnUndisturbedRun() throws Exception {
    long seed = Long.getLong("tests.seed", System.nanoTime());
    System.out.println("killed run, " + format + ": -Dtests.seed=" + seed);
    Random random = new Random(seed);
    Path in = prompts();
    Path out = folder.resolve("out");
    Path requests = Files.createFile(folder.resolve("requests"));
    List<String> command = new ArrayList<>(List.of(requests.toString(), "20", "50", "0"));
    command.addAll(List.of(arguments(in, out, format)));
    List<Restart> restarts = new ArrayList<>();
    int kills = 0;
    try (JobProcess job = JobProcess.ofManyStarts(folder)) {
      for (Iterator<Victim> next = victims(random).iterator(); kills < KILLS; ) {
        // Kills are spread over the whole run: the next one strikes when enough new rows were
        // begun.
        awaitRows(job, command, restarts, out, requests, ROWS * (kills + 1) / (KILLS + 2));
        Thread.sleep(random.nextLong(MOST_DELAY_MILLIS));
        if (job.isAlive()) {
          kills += kill(job, next.next(), random);
        }
      }
      int attempts = 0;
      while (!job.isAlive() || !awaitExit(job)) {
        assertThat(attempts++).as(job.log()).isLessThan(3);
        start(job, command, restarts, out, requests);
      }
      System.out.printf(
          "killed run, %s: %d kills, %d drivers, %d requests for %d rows%n",
          format, kills, job.started(), lines(requests).size(), ROWS);
    }
    assertThat(kills).isGreaterThanOrEqualTo(KILLS);

    JobRun undisturbed =
        JobRun.with(
            new CountingOpener(
                folder.resolve("undisturbed").toString(), new FakeEngine.Opener(0, 50, 0, "")),
            arguments(in, folder.resolve("calm"), format));
    assertThat(undisturbed.exitCode()).as(undisturbed.output()).isZero();
    assertThat(texts(out)).isEqualTo(texts(folder.resolve("calm"))).hasSize(ROWS);
    assertNothingIsGeneratedTwiceBeyondWavesInFlight(out, lines(requests), restarts, kills);
    assertRunsTell(out);
  }

  private static List<Victim> victims(Random random) {
    List<Victim> victims = new ArrayList<>(Collections.nCopies(KILLS, Victim.EXECUTOR));
    Collections.fill(victims.subList(0, 3), Victim.DRIVER);
    Collections.fill(victims.subList(3, 5), Victim.BOTH);
    Collections.shuffle(victims, random);
    // More than are needed, should one come when no executor is there.
    victims.addAll(Collections.nCopies(KILLS, Victim.EXECUTOR));
    return victims;
  }

  /**
   * Starts the driver where there is none, and waits until so many rows were begun at least once.
   */
  private static void awaitRows(
      JobProcess job,
      List<String> command,
      List<Restart> restarts,
      Path out,
      Path requests,
      int rows)
      throws Exception {
    if (!job.isAlive()) {
      start(job, command, restarts, out, requests);
    }
    int atStart = lines(requests).size();
    while (job.isAlive()) {
      List<String> lines = lines(requests);
      if (lines.size() > atStart && new HashSet<>(lines).size() >= rows) {
        return;
      }
      Thread.sleep(50);
    }
  }

  private static void start(
      JobProcess job, List<String> command, List<Restart> restarts, Path out, Path requests)
      throws IOException {
    Set<String> committed =
        job.started() == 0 || !Files.exists(out.resolve("traces"))
            ? Set.of()
            : new HashSet<>(
                TableFiles.read(JobRun.spark(), out.resolve("traces").toString())
                    .select("row_key")
                    .collectAsList()
                    .stream()
                    .map(row -> row.getString(0))
                    .toList());
    restarts.add(new Restart(committed, lines(requests).size()));
    job.start(command);
  }

  private static int kill(JobProcess job, Victim victim, Random random)
      throws InterruptedException {
    switch (victim) {
      case EXECUTOR -> {
        List<ProcessHandle> executors = job.executors();
        if (executors.isEmpty()) {
          return 0;
        }
        executors.get(random.nextInt(executors.size())).destroyForcibly();
      }
      case DRIVER -> job.killDriver();
      case BOTH -> job.killAll();
    }
    return 1;
  }

  private static boolean awaitExit(JobProcess job) throws InterruptedException {
    while (job.isAlive()) {
      Thread.sleep(50);
    }
    return job.exitValue() == 0;
  }

  private static void assertNothingIsGeneratedTwiceBeyondWavesInFlight(
      Path out, List<String> requests, List<Restart> restarts, int kills) throws IOException {
    List<Restart> resumed =
        restarts.stream().filter(restart -> !restart.committed().isEmpty()).toList();
    assertThat(resumed).as("drivers that found committed rows").isNotEmpty();
    for (Restart restart : resumed) {
      assertThat(requests.subList(restart.requests(), requests.size()))
          .as("requests for rows that were committed when the driver was started")
          .doesNotContainAnyElementsOf(restart.committed());
    }
    long widest =
        TableFiles.read(JobRun.spark(), out.resolve("traces").toString())
            .groupBy("run_id", "wave")
            .count()
            .selectExpr("max(count)")
            .head()
            .getLong(0);
    assertThat(requests).hasSizeLessThanOrEqualTo((int) (ROWS + 2L * kills * widest));
    assertThat(new HashSet<>(requests)).hasSize(ROWS);
  }

  private static void assertRunsTell(Path out) throws IOException {
    List<Row> runs =
        TableFiles.read(JobRun.spark(), out.resolve("runs").toString())
            .orderBy("started_at")
            .select("run_id", "outcome", "rows")
            .collectAsList();
    assertThat(runs.stream().map(row -> row.getString(0))).doesNotHaveDuplicates();
    assertThat(runs.stream().mapToLong(row -> row.getLong(2)).sum()).isEqualTo(ROWS);
    List<String> outcomes = runs.stream().map(row -> row.getString(1)).toList();
    assertThat(outcomes.get(outcomes.size() - 1)).isEqualTo("completed");
    assertThat(outcomes.subList(0, outcomes.size() - 1)).containsOnly("interrupted");
  }

  private static Map<String, String> texts(Path out) throws IOException {
    Map<String, String> texts = new TreeMap<>();
    for (Row row :
        TableFiles.read(JobRun.spark(), out.resolve("traces").toString())
            .select("row_key", "trace", "extracted_answer", "status")
            .collectAsList()) {
      String text = row.getString(1) + "|" + row.getString(2) + "|" + row.getString(3);
      assertThat(texts.put(row.getString(0), text)).as("second " + row.getString(0)).isNull();
    }
    return texts;
  }

  private Path prompts() {
    return JobRun.file(
        folder,
        "in.jsonl",
        IntStream.range(0, ROWS)
            .mapToObj(i -> "{\"id\": \"k%d\", \"prompt\": \"p%d\"}\n".formatted(i, i * 7919))
            .collect(Collectors.joining()));
  }

  private static String[] arguments(Path in, Path out, String format) {
    return JobRun.arguments(
        in,
        out,
        "--output-format",
        format,
        "--seed",
        "11",
        "--slots",
        "4",
        "--wave-rows",
        Integer.toString(WAVE_ROWS),
        "--partitions",
        "4");
  }

  private static List<String> lines(Path requests) throws IOException {
    return Files.readAllLines(requests);
  }
}
