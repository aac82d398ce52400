package io.tracemill.udf.table;

import static java.util.concurrent.TimeUnit.SECONDS;

import java.io.IOException;
import java.util.ArrayList;
import java.util.List;
import java.util.Map;
import java.util.Optional;
import java.util.OptionalLong;
import java.util.Set;
import java.util.concurrent.CountDownLatch;
import org.apache.hadoop.conf.Configuration;
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
 * <p>A writer takes the table over in two steps. It announces itself by {@code
 * _waves/N-ANY.announced}, with N larger than any before; from then on earlier writers begin no
 * commit. Then it lists the waves, and its claim {@code _waves/N.claim} names those that count; a
 * manifest that an earlier writer writes afterwards is no part of the table. A writer looks for
 * announcements once more when it has written a manifest. Where it finds none, whoever comes next
 * lists later than that and finds the manifest. Where it finds one, the claim decides, and until it
 * is there the earlier writer deletes nothing, neither what it brought nor what was to go.
 *
 * <p>A file system need only show files whole and lists of files as they are. Object stores do,
 * though moving is copying there and moves of several files are not one: hence the manifest. It
 * costs them one copy of each file within the store. Nothing rests on one of two writers failing to
 * write the same name, as not all stores see to that. Where files are deleted that a running query
 * of others is still to read, that query fails and can be asked again.
 *
 * <p>One object of this class serves one writer and may be used by several threads.
 */
public final class ParquetWaves {
  private static final String LOG = "_waves";

  /** Spark ends at {@code SHUTDOWN_HOOK_PRIORITY + 30}, file systems at that number itself. */
  private static final int BEFORE_SPARK = FileSystem.SHUTDOWN_HOOK_PRIORITY + 40;

  /** More than a commit takes, also where moving is copying. */
  public static final long COMMIT_SECONDS = 600;

  private final Path table;
  private final FileSystem files;
  private final WaveFolder folder;
  private final WaveLog log;

  /** The table in a folder, whether or not it is there yet. */
  public ParquetWaves(String table, Configuration hadoop) throws IOException {
    this.table = new Path(table);
    this.files = this.table.getFileSystem(hadoop);
    this.folder = new WaveFolder(files, this.table);
    this.log = new WaveLog(files, new Path(this.table, LOG));
  }

  /** Whether a folder holds such a table, be it without rows. */
  public static boolean isAt(FileSystem files, Path table) throws IOException {
    return files.exists(new Path(table, LOG));
  }

  /** The waves that count, in order. */
  public List<ParquetWave> waves() throws IOException {
    return log.snapshot().waves();
  }

  /** Whether a claim holds, so that there is a table, be it without rows. */
  public boolean isClaimed() throws IOException {
    return log.claim().isPresent();
  }

  /** The largest number under which a writer has announced itself or claimed. */
  public OptionalLong newestClaim() throws IOException {
    return log.newest();
  }

  /** The run of {@link #newestClaim}; empty where there is none, or where it does not say. */
  public Optional<String> holder() throws IOException {
    return log.holder();
  }

  /**
   * Claims the table for a writer of a run that brings rows of a type.
   *
   * @param writer larger than {@link #newestClaim}
   * @return false where it no longer is, so that nothing was claimed; where two claim under one
   *     number at the same moment, at least one of them gives way, maybe both
   */
  public boolean claim(long writer, String run, StructType type) throws IOException {
    if (!log.announce(writer, run)) {
      return false;
    }
    WaveSnapshot found = log.snapshot();
    StructType whole = RowTypes.union(type, found.type());
    log.publish(
        new WaveClaim(writer, run, whole, found.waves().stream().map(ParquetWave::id).toList()));
    return true;
  }

  /** A folder for rows of a writer on their way, which no reader sees. */
  public String writing(long writer, String name) {
    return folder.writing(writer, name).toString();
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
   * @return false where another writer has begun to take the table over; if that is at this very
   *     moment, its claim may name the wave yet
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

  /** What has become of a wave. */
  private enum Fate {
    IN,
    OUT,
    /** Another writer decides, and clears up what that leaves over. */
    OPEN
  }

  private boolean moveAndPublish(Change change, String written) throws IOException {
    Fate fate = Fate.OUT;
    List<String> brought = List.of();
    try {
      if (holds(change.writer())) {
        brought = folder.bring(new Path(written), ParquetWave.id(change.writer(), change.number()));
        ParquetWave wave = wave(change, brought);
        if (holds(change.writer())) {
          // From here on it may be in the table, also where one of the next calls fails.
          fate = Fate.OPEN;
          log.publish(wave);
          fate = fate(wave, brought);
        }
      }
    } catch (IOException e) {
      if (holds(change.writer())) {
        throw e;
      } // Else a later writer has cleared away what this one was reading.
    } finally {
      if (fate == Fate.OUT) {
        folder.delete(brought);
      }
      files.delete(new Path(written), true);
    }
    if (fate == Fate.IN) {
      folder.delete(change.drops());
    }
    return fate == Fate.IN;
  }

  private ParquetWave wave(Change change, List<String> brought) throws IOException {
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
    return new ParquetWave(change.writer(), change.number(), change.rows(), names, supersedes);
  }

  /** What has become of a wave whose manifest was just written. */
  private Fate fate(ParquetWave wave, List<String> brought) throws IOException {
    if (holds(wave.writer())) {
      return Fate.IN;
    }
    WaveSnapshot now = log.snapshot();
    if (now.claim().orElseThrow().writer() <= wave.writer()) {
      return Fate.OPEN;
    }
    if (now.has(wave, brought)) {
      return Fate.IN;
    }
    log.withdraw(wave);
    return Fate.OUT;
  }

  private boolean holds(long writer) throws IOException {
    return newestClaim().orElse(-1) == writer;
  }

  /**
   * Whether the folder shows readers that know no manifests something else than the table; so it
   * does for a moment in every commit, too.
   */
  public boolean hasLeftovers() throws IOException {
    return isAt(files, table)
        && !folder.sizes().keySet().equals(Set.copyOf(log.snapshot().files()));
  }

  /**
   * When a file was last moved into the table's folder or away from it, or written there, in
   * milliseconds since 1970. Stores that keep no times of folders say "now", as if something always
   * moved.
   */
  public long lastMoveMillis() throws IOException {
    return folder.lastMoveMillis();
  }

  /**
   * Deletes what was written and does not count, and what no longer counts; does nothing for a
   * writer that another one has begun to shut out.
   */
  public synchronized void clean(long writer) throws IOException {
    if (holds(writer)) {
      folder.clean(Set.copyOf(log.snapshot().files()), writer);
      log.clean(writer);
    }
  }

  /** The table's rows as they stand. */
  public Dataset<Row> read(SparkSession spark) throws IOException {
    WaveSnapshot now = log.snapshot();
    return read(spark, now.type(), now.files());
  }

  /** The rows of some files of the table. */
  public Dataset<Row> read(SparkSession spark, List<String> names) throws IOException {
    return read(spark, log.snapshot().type(), names);
  }

  private Dataset<Row> read(SparkSession spark, StructType type, List<String> names) {
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
    Map<String, Long> sizes = folder.sizes();
    sizes.keySet().retainAll(Set.copyOf(log.snapshot().files()));
    return sizes;
  }
}
