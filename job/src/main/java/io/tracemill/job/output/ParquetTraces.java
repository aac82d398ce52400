package io.tracemill.job.output;

import io.tracemill.job.error.JobErrors;
import io.tracemill.udf.table.ParquetWave;
import io.tracemill.udf.table.ParquetWaves;
import java.io.IOException;
import java.util.ArrayList;
import java.util.List;
import java.util.Optional;
import org.apache.hadoop.conf.Configuration;
import org.apache.hadoop.fs.ContentSummary;
import org.apache.hadoop.fs.Path;
import org.apache.spark.sql.Dataset;
import org.apache.spark.sql.Observation;
import org.apache.spark.sql.Row;
import org.apache.spark.sql.SaveMode;
import org.apache.spark.sql.SparkSession;
import org.apache.spark.sql.functions;
import org.apache.spark.sql.types.StructType;

/**
 * Traces as Parquet files, a folder a wave, see {@link ParquetWaves}. Weaker than Delta in one
 * point: between looking at the claims and writing its manifest, a few milliseconds, a run does not
 * notice that another has begun.
 */
final class ParquetTraces implements TraceTable {
  private static final String ROWS = "rows";
  private static final long COMPACT_BYTES = 128L << 20;

  /** Fewer new files are not worth a rewriting. */
  private static final long FILES_TO_COMPACT = 32;

  /** Numbers of waves that compactions make, so that no wave of the run has them. */
  private static final int FIRST_COMPACTION = 900_000;

  private final SparkSession spark;
  private final String path;
  private final Configuration hadoop;
  private final ParquetWaves waves;
  private List<ParquetWave> planned = List.of();
  private long token;
  private int compactions;

  ParquetTraces(SparkSession spark, String path) throws IOException {
    this.spark = spark;
    this.path = path;
    this.hadoop = spark.sparkContext().hadoopConfiguration();
    this.waves = new ParquetWaves(path, hadoop);
  }

  @Override
  public Optional<Dataset<Row>> snapshot() {
    try {
      planned = waves.waves();
      return waves.newestClaim().isEmpty() ? Optional.empty() : Optional.of(waves.read(spark));
    } catch (IOException e) {
      throw JobErrors.unwritableOutput(path, e);
    }
  }

  @Override
  public Claim claim(StructType type) {
    try {
      if (token == 0) {
        long mine = Math.max(System.currentTimeMillis(), waves.newestClaim().orElse(0) + 1);
        waves.claim(mine, type);
        token = mine;
      }
      return waves.waves().equals(planned) ? Claim.UNCHANGED : Claim.CHANGED;
    } catch (IOException e) {
      throw JobErrors.unwritableOutput(path, e);
    }
  }

  @Override
  public void write(Dataset<Row> rows, Wave wave) {
    commit(
        rows,
        wave.number(),
        wave.content() == Wave.Content.REPLACEMENTS
            ? ParquetWave.Content.REPLACEMENTS
            : ParquetWave.Content.NEW_ROWS,
        wave.rows(),
        List.of());
  }

  private void commit(
      Dataset<Row> rows,
      int number,
      ParquetWave.Content content,
      long due,
      List<String> supersedes) {
    ParquetWave wave = new ParquetWave(token, number, content, due, supersedes);
    Observation counted = new Observation();
    rows.observe(counted, functions.count(functions.lit(1)).as(ROWS))
        .write()
        .mode(SaveMode.Overwrite)
        .option("compression", "zstd")
        .parquet(waves.folder(wave));
    long found = rows(counted);
    if (found != due) {
      throw JobErrors.wrongCount(path, due, found);
    }
    try {
      if (waves.newestClaim().orElse(0) != token) {
        throw JobErrors.waveLost(number, path);
      }
      waves.commit(wave);
    } catch (IOException e) {
      throw JobErrors.unwritableOutput(path, e);
    }
  }

  /** The writing has ended, so there is next to nothing to wait for. */
  private static long rows(Observation counted) {
    try {
      return ((Number) counted.getAsJava().get(ROWS)).longValue();
    } catch (InterruptedException e) {
      Thread.currentThread().interrupt();
      throw new IllegalStateException("interrupted between writing and committing", e);
    }
  }

  @Override
  public void compact() {
    // A half wave and a superseded one look alike to whoever clears up: not while waves are
    // written.
  }

  @Override
  public void finish() {
    try {
      List<ParquetWave> small = new ArrayList<>();
      long bytes = 0;
      long files = 0;
      boolean replacing = false;
      for (ParquetWave wave : waves.waves()) {
        Path folder = new Path(waves.folder(wave));
        ContentSummary size = folder.getFileSystem(hadoop).getContentSummary(folder);
        if (size.getLength() < size.getFileCount() * COMPACT_BYTES / 2) {
          small.add(wave);
          bytes += size.getLength();
          files += size.getFileCount();
        }
        replacing |= wave.content() == ParquetWave.Content.REPLACEMENTS;
      }
      if (replacing) {
        // Replaced rows can be in any wave: only all of them together are without those.
        rewrite(waves.waves(), bytes);
      } else if (files >= FILES_TO_COMPACT) {
        rewrite(small, bytes);
      }
    } catch (IOException e) {
      throw JobErrors.unwritableOutput(path, e);
    }
  }

  private void rewrite(List<ParquetWave> old, long bytes) throws IOException {
    Dataset<Row> rows = waves.read(spark, old);
    int files = (int) Math.max(1, (bytes + COMPACT_BYTES - 1) / COMPACT_BYTES);
    commit(
        rows.coalesce(files),
        FIRST_COMPACTION + compactions++,
        ParquetWave.Content.NEW_ROWS,
        rows.count(),
        old.stream().map(ParquetWave::id).toList());
    waves.clean();
  }

  @Override
  public void clean() {
    try {
      waves.clean();
    } catch (IOException e) {
      throw JobErrors.unwritableOutput(path, e);
    }
  }
}
