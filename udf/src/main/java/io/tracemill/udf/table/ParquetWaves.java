package io.tracemill.udf.table;

import static java.util.concurrent.TimeUnit.SECONDS;

import java.io.FileNotFoundException;
import java.io.IOException;
import java.util.ArrayList;
import java.util.Comparator;
import java.util.HashSet;
import java.util.List;
import java.util.Locale;
import java.util.Map;
import java.util.Optional;
import java.util.OptionalLong;
import java.util.Set;
import java.util.TreeMap;
import java.util.concurrent.CountDownLatch;
import java.util.regex.Matcher;
import java.util.regex.Pattern;
import org.apache.hadoop.conf.Configuration;
import org.apache.hadoop.fs.FileStatus;
import org.apache.hadoop.fs.FileSystem;
import org.apache.hadoop.fs.Path;
import org.apache.hadoop.util.ShutdownHookManager;
import org.apache.spark.sql.Dataset;
import org.apache.spark.sql.Row;
import org.apache.spark.sql.SparkSession;
import org.apache.spark.sql.types.StructType;

/**
 * A table of Parquet files in one flat folder that is written wave by wave. A wave is written below
 * {@code _writing}, its files are moved up under names that carry writer and wave, {@code
 * wave-ID-N.parquet}, and last its manifest {@code _waves/ID.json} is written, which names them:
 * only then does it belong to the table. Readers of ours take the files that manifests name.
 * Readers that know nothing of manifests (Spark, DuckDB, pandas, Hive) skip names with an
 * underscore and take every file of the folder, which is the same whenever no writer is between
 * moving and writing its manifest; what a writer that died there left is deleted by {@link #clean}.
 *
 * <p>A writer first claims the table by a file {@code _waves/N.claim}, with N larger than any
 * before. The claim names the waves of earlier writers that count; a manifest that one of these
 * writes afterwards is no part of the table, and its writer sees that when it looks once more.
 *
 * <p>A file system need only show files whole and lists of files as they are. Object stores do,
 * though moving is copying there and moves of several files are not one: hence the manifest. It
 * costs them one copy of each file within the store. Where files are deleted that a running query
 * of others is still to read, that query fails and can be asked again.
 *
 * <p>One object of this class serves one writer and may be used by several threads.
 */
public final class ParquetWaves {
  private static final String LOG = "_waves";
  private static final String WRITING = "_writing";

  /** Spark ends at {@code SHUTDOWN_HOOK_PRIORITY + 30}, file systems at that number itself. */
  private static final int BEFORE_SPARK = FileSystem.SHUTDOWN_HOOK_PRIORITY + 40;

  /** More than a commit takes, also where moving is copying. */
  public static final long COMMIT_SECONDS = 600;

  private static final Pattern FILE = Pattern.compile("wave-(\\d+)-\\d+-\\d+\\.parquet");

  private final Path table;
  private final FileSystem files;
  private final WaveLog log;

  /** The table in a folder, whether or not it is there yet. */
  public ParquetWaves(String table, Configuration hadoop) throws IOException {
    this.table = new Path(table);
    this.files = this.table.getFileSystem(hadoop);
    this.log = new WaveLog(files, new Path(this.table, LOG));
  }

  /** Whether a folder holds such a table, be it without rows. */
  public static boolean isAt(FileSystem files, Path table) throws IOException {
    return files.exists(new Path(table, LOG));
  }

  /** The waves that count, in order. */
  public List<ParquetWave> waves() throws IOException {
    return log.waves();
  }

  /** The largest claim so far. */
  public OptionalLong newestClaim() throws IOException {
    return log.claim().map(claim -> OptionalLong.of(claim.writer())).orElse(OptionalLong.empty());
  }

  /** The run of the largest claim; empty where there is none, or where it does not say. */
  public Optional<String> holder() throws IOException {
    return log.claim().map(WaveClaim::run).filter(run -> !run.isEmpty());
  }

  /** Claims the table for a writer of a run that brings rows of a type. */
  public void claim(long writer, String run, StructType type) throws IOException {
    StructType whole = log.claim().map(before -> RowTypes.union(type, before.type())).orElse(type);
    log.publish(new WaveClaim(writer, run, whole, waves().stream().map(ParquetWave::id).toList()));
  }

  /** A folder for rows of a writer on their way, which no reader sees. */
  public String writing(long writer, String name) {
    return new Path(new Path(table, WRITING), String.format(Locale.ROOT, "%016d-%s", writer, name))
        .toString();
  }

  /**
   * What a commit does.
   *
   * @param writer that has claimed the table
   * @param number of the wave under this claim, used once
   * @param rows that it brings
   * @param drops names of files that leave the table; their rows are among those it brings, or
   *     replaced by them
   */
  public record Change(long writer, int number, long rows, Set<String> drops) {
    public Change {
      drops = Set.copyOf(drops);
    }
  }

  /**
   * Makes the Parquet files of a folder part of the table, all of them at once for readers of ours.
   * A JVM that is asked to end waits for a commit that has begun, and begins no other.
   *
   * @param written by Spark, on this table's file system; is gone afterwards
   * @return false where a later claim has shut the writer out, so that nothing was committed
   */
  public synchronized boolean commit(Change change, String written) throws IOException {
    CountDownLatch ended = new CountDownLatch(1);
    Runnable hook = () -> awaitQuietly(ended);
    ShutdownHookManager.get().addShutdownHook(hook, BEFORE_SPARK, COMMIT_SECONDS, SECONDS);
    try {
      return moveAndPublish(change, written);
    } finally {
      ended.countDown();
      if (!ShutdownHookManager.get().isShutdownInProgress()) {
        ShutdownHookManager.get().removeShutdownHook(hook);
      }
    }
  }

  private static void awaitQuietly(CountDownLatch ended) {
    try {
      ended.await();
    } catch (InterruptedException e) {
      Thread.currentThread().interrupt();
    }
  }

  private boolean moveAndPublish(Change change, String written) throws IOException {
    String id = ParquetWave.id(change.writer(), change.number());
    boolean done = false;
    List<Path> moved = new ArrayList<>();
    try {
      if (holds(change.writer())) {
        for (Path part : parquetFiles(new Path(written))) {
          Path to =
              new Path(table, String.format(Locale.ROOT, "wave-%s-%05d.parquet", id, moved.size()));
          if (!files.rename(part, to)) {
            throw new IOException(to + " cannot be written.");
          }
          moved.add(to);
        }
        done = publish(change, moved.stream().map(Path::getName).toList());
      }
    } finally {
      if (!done) {
        for (Path file : moved) {
          files.delete(file, false);
        }
      }
      files.delete(new Path(written), true);
    }
    if (done) {
      for (String name : change.drops()) {
        files.delete(new Path(table, name), false);
      }
    }
    return done;
  }

  private boolean publish(Change change, List<String> brought) throws IOException {
    List<String> names = new ArrayList<>();
    List<String> supersedes = new ArrayList<>();
    if (!change.drops().isEmpty()) {
      for (ParquetWave live : waves()) {
        supersedes.add(live.id());
        names.addAll(live.files());
      }
      names.removeAll(change.drops());
    }
    names.addAll(brought);
    ParquetWave wave =
        new ParquetWave(change.writer(), change.number(), change.rows(), names, supersedes);
    if (!holds(change.writer())) {
      return false;
    }
    log.publish(wave);
    // A later writer has either seen the manifest before its claim, or it does not count.
    boolean counts = log.claim().orElseThrow().counts(wave);
    if (!counts) {
      log.withdraw(wave);
    }
    return counts;
  }

  private boolean holds(long writer) throws IOException {
    return newestClaim().orElse(-1) == writer;
  }

  /**
   * Whether the folder shows readers that know no manifests something else than the table; so it
   * does for a moment in every commit, too.
   */
  public boolean hasLeftovers() throws IOException {
    return isAt(files, table) && !filesOnDisk().keySet().equals(Set.copyOf(names()));
  }

  /**
   * When a file was last moved into the table's folder or away from it, or written there, in
   * milliseconds since 1970. Stores that keep no times of folders say "now", as if something always
   * moved.
   */
  public long lastMoveMillis() throws IOException {
    long last = files.getFileStatus(table).getModificationTime();
    for (FileStatus file : files.listStatus(table)) {
      last = Math.max(last, file.getModificationTime());
    }
    return last;
  }

  /**
   * Deletes what was written and does not count, and what no longer counts; does nothing for a
   * writer that a later claim has shut out.
   */
  public synchronized void clean(long writer) throws IOException {
    if (!holds(writer)) {
      return;
    }
    Set<String> live = new HashSet<>(names());
    for (String name : filesOnDisk().keySet()) {
      Matcher file = FILE.matcher(name);
      // Should a later claim come at this moment, its files are not ours to delete.
      if (!live.contains(name) && file.matches() && Long.parseLong(file.group(1)) <= writer) {
        files.delete(new Path(table, name), false);
      }
    }
    log.clean(writer);
    Path writing = new Path(table, WRITING);
    if (files.exists(writing)) {
      for (FileStatus folder : files.listStatus(writing)) {
        if (Long.parseLong(folder.getPath().getName().split("-")[0]) <= writer) {
          files.delete(folder.getPath(), true);
        }
      }
      if (files.listStatus(writing).length == 0) {
        files.delete(writing, false);
      }
    }
  }

  /** The table's rows as they stand. */
  public Dataset<Row> read(SparkSession spark) throws IOException {
    return read(spark, names());
  }

  /** The rows of some files of the table. */
  public Dataset<Row> read(SparkSession spark, List<String> names) throws IOException {
    StructType type = log.claim().map(WaveClaim::type).orElseGet(StructType::new);
    return names.isEmpty()
        ? spark.createDataFrame(List.of(), type)
        : spark
            .read()
            .schema(type)
            .parquet(
                names.stream()
                    .map(name -> new Path(table, name).toString())
                    .toArray(String[]::new));
  }

  /** The table's files with their sizes in bytes, in order. */
  public Map<String, Long> sizes() throws IOException {
    Map<String, Long> sizes = filesOnDisk();
    sizes.keySet().retainAll(Set.copyOf(names()));
    return sizes;
  }

  private List<String> names() throws IOException {
    return waves().stream().flatMap(wave -> wave.files().stream()).toList();
  }

  private Map<String, Long> filesOnDisk() throws IOException {
    Map<String, Long> sizes = new TreeMap<>();
    for (FileStatus file : files.listStatus(table)) {
      if (FILE.matcher(file.getPath().getName()).matches()) {
        sizes.put(file.getPath().getName(), file.getLen());
      }
    }
    return sizes;
  }

  private List<Path> parquetFiles(Path folder) throws IOException {
    List<Path> parts = new ArrayList<>();
    try {
      for (FileStatus file : files.listStatus(folder)) {
        if (file.getPath().getName().endsWith(".parquet")) {
          parts.add(file.getPath());
        }
      }
    } catch (FileNotFoundException e) {
      throw new IOException(folder + " is gone before it was committed.", e);
    }
    parts.sort(Comparator.comparing(Path::getName));
    return parts;
  }
}
