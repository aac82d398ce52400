package io.tracemill.udf.table;

import static org.apache.spark.sql.functions.broadcast;
import static org.apache.spark.sql.functions.col;
import static org.apache.spark.sql.functions.max;
import static org.apache.spark.sql.functions.regexp_extract;

import java.io.FileNotFoundException;
import java.io.IOException;
import java.io.InputStream;
import java.nio.charset.StandardCharsets;
import java.util.ArrayList;
import java.util.HashSet;
import java.util.List;
import java.util.Locale;
import java.util.OptionalLong;
import java.util.Set;
import java.util.TreeMap;
import org.apache.hadoop.conf.Configuration;
import org.apache.hadoop.fs.FSDataOutputStream;
import org.apache.hadoop.fs.FileStatus;
import org.apache.hadoop.fs.FileSystem;
import org.apache.hadoop.fs.Path;
import org.apache.spark.sql.Dataset;
import org.apache.spark.sql.Row;
import org.apache.spark.sql.SparkSession;
import org.apache.spark.sql.types.DataType;
import org.apache.spark.sql.types.StructField;
import org.apache.spark.sql.types.StructType;

/**
 * A table of Parquet files that is written wave by wave. A wave is a folder {@code rows-ID}; it
 * belongs to the table when its manifest {@code _waves/ID.json} is there, which is written last.
 * Whatever lies in the folder without a manifest is half a wave and is not read.
 *
 * <p>A writer first claims the table by a file {@code _waves/N.claim}, with N larger than any
 * before; a writer that finds a larger claim than its own may not commit any more.
 */
public final class ParquetWaves {
  private static final String MANIFESTS = "_waves";
  private static final String CLAIM = ".claim";
  private static final String MANIFEST = ".json";
  private static final String FOLDER = "rows-";
  private static final String ORDER = "tracemill_order";
  private static final String LAST = "tracemill_last";

  private final Path table;
  private final FileSystem files;

  /** The table in a folder, whether or not it is there yet. */
  public ParquetWaves(String table, Configuration hadoop) throws IOException {
    this.table = new Path(table);
    this.files = this.table.getFileSystem(hadoop);
  }

  /** Whether a folder holds such a table, be it without rows. */
  public static boolean isAt(FileSystem files, Path table) throws IOException {
    return files.exists(new Path(table, MANIFESTS));
  }

  /** The folder of a wave. */
  public String folder(ParquetWave wave) {
    return new Path(table, FOLDER + wave.id()).toString();
  }

  /** The waves that count, in order. */
  public List<ParquetWave> waves() throws IOException {
    TreeMap<String, ParquetWave> waves = new TreeMap<>();
    for (String name : names(MANIFEST)) {
      ParquetWave wave = ParquetWave.ofJson(content(name));
      waves.put(wave.id(), wave);
    }
    for (ParquetWave wave : List.copyOf(waves.values())) {
      wave.supersedes().forEach(waves::remove);
    }
    return List.copyOf(waves.values());
  }

  /** The largest claim so far. */
  public OptionalLong newestClaim() throws IOException {
    return names(CLAIM).stream()
        .mapToLong(name -> Long.parseLong(name.substring(0, name.length() - CLAIM.length())))
        .max();
  }

  /** Claims the table for a writer that brings rows of a type. */
  public void claim(long writer, StructType type) throws IOException {
    publish(
        String.format(Locale.ROOT, "%016d", writer) + CLAIM,
        type.json().getBytes(StandardCharsets.UTF_8));
  }

  /** Makes a wave part of the table, at once and as a whole. */
  public void commit(ParquetWave wave) throws IOException {
    publish(wave.id() + MANIFEST, wave.toJson());
  }

  /** Deletes half waves and superseded ones; for the writer that holds the newest claim. */
  public void clean() throws IOException {
    Set<String> live = new HashSet<>();
    waves().forEach(wave -> live.add(wave.id()));
    for (String name : names(MANIFEST)) {
      if (!live.contains(name.substring(0, name.length() - MANIFEST.length()))) {
        files.delete(new Path(new Path(table, MANIFESTS), name), false);
      }
    }
    for (FileStatus child : files.listStatus(table)) {
      String name = child.getPath().getName();
      if (name.startsWith(FOLDER) && !live.contains(name.substring(FOLDER.length()))) {
        files.delete(child.getPath(), true);
      }
    }
  }

  /** The table's rows as they stand. */
  public Dataset<Row> read(SparkSession spark) throws IOException {
    return read(spark, waves());
  }

  /** The rows of some waves, without those that others of them replace. */
  public Dataset<Row> read(SparkSession spark, List<ParquetWave> waves) throws IOException {
    StructType type = type();
    if (waves.isEmpty()) {
      return spark.createDataFrame(List.of(), type);
    }
    List<ParquetWave> replacing =
        waves.stream().filter(wave -> wave.content() == ParquetWave.Content.REPLACEMENTS).toList();
    Dataset<Row> rows = files(spark, type, waves);
    if (replacing.isEmpty()) {
      return rows;
    }
    Dataset<Row> last =
        withOrder(files(spark, type, replacing))
            .groupBy(col("row_key"), col("sample_index"))
            .agg(max(col(ORDER)).as(LAST))
            .toDF("replaced_key", "replaced_sample", LAST);
    return withOrder(rows)
        .join(
            broadcast(last),
            col("row_key")
                .equalTo(col("replaced_key"))
                .and(col("sample_index").equalTo(col("replaced_sample")))
                .and(col(ORDER).lt(col(LAST))),
            "left_anti")
        .drop(ORDER);
  }

  private Dataset<Row> files(SparkSession spark, StructType type, List<ParquetWave> waves) {
    return spark
        .read()
        .schema(type)
        .parquet(waves.stream().map(this::folder).toArray(String[]::new));
  }

  private static Dataset<Row> withOrder(Dataset<Row> rows) {
    return rows.withColumn(
        ORDER, regexp_extract(col("_metadata.file_path"), "/" + FOLDER + "(\\d+-\\d+)/", 1));
  }

  /** All columns that any writer brought: those of the newest first, then what it lacks. */
  private StructType type() throws IOException {
    StructType type = new StructType();
    List<String> claims = new ArrayList<>(names(CLAIM));
    claims.sort(java.util.Comparator.reverseOrder());
    for (String name : claims) {
      String json = new String(content(name), StandardCharsets.UTF_8);
      type = union(type, (StructType) DataType.fromJson(json));
    }
    return type;
  }

  private static StructType union(StructType first, StructType second) {
    StructType union = new StructType();
    Set<String> known = new HashSet<>(List.of(first.fieldNames()));
    for (StructField field : first.fields()) {
      boolean both = List.of(second.fieldNames()).contains(field.name());
      boolean structs =
          both
              && field.dataType() instanceof StructType
              && second.apply(field.name()).dataType() instanceof StructType;
      union =
          structs
              ? union.add(
                  field.name(),
                  union(
                      (StructType) field.dataType(),
                      (StructType) second.apply(field.name()).dataType()),
                  true,
                  field.metadata())
              : union.add(field);
    }
    for (StructField field : second.fields()) {
      if (!known.contains(field.name())) {
        union = union.add(field);
      }
    }
    return union;
  }

  private List<String> names(String ending) throws IOException {
    try {
      List<String> names = new ArrayList<>();
      for (FileStatus file : files.listStatus(new Path(table, MANIFESTS))) {
        String name = file.getPath().getName();
        if (name.endsWith(ending) && Character.isDigit(name.charAt(0))) {
          names.add(name);
        }
      }
      return names;
    } catch (FileNotFoundException e) {
      return List.of();
    }
  }

  private byte[] content(String name) throws IOException {
    try (InputStream in = files.open(new Path(new Path(table, MANIFESTS), name))) {
      return in.readAllBytes();
    }
  }

  /** A name appears with its whole content or not at all, and never twice. */
  private void publish(String name, byte[] content) throws IOException {
    Path folder = new Path(table, MANIFESTS);
    Path whole = new Path(folder, name);
    Path part = new Path(folder, "part-" + name);
    try (FSDataOutputStream out = files.create(part, true)) {
      out.write(content);
    }
    if (files.exists(whole) || !files.rename(part, whole)) {
      throw new IOException(whole + " is there already or cannot be written.");
    }
  }
}
