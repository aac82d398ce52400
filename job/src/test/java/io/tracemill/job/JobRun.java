package io.tracemill.job;

import io.tracemill.job.cli.TracemillCommand;
import io.tracemill.job.progress.Console;
import io.tracemill.udf.EngineOpener;
import io.tracemill.udf.FakeEngine;
import java.io.ByteArrayOutputStream;
import java.io.IOException;
import java.io.PrintStream;
import java.io.UncheckedIOException;
import java.nio.charset.StandardCharsets;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.List;
import java.util.Properties;
import org.apache.spark.SparkConf;
import org.apache.spark.SparkContext;
import org.apache.spark.sql.Dataset;
import org.apache.spark.sql.Row;
import org.apache.spark.sql.SparkSession;

/**
 * The whole command line in this JVM, on local[2] with a fake engine.
 *
 * @param exitCode what the process would end with
 * @param output everything printed
 */
public record JobRun(int exitCode, String output) {
  /** The demo model's folder, as any existing checkpoint will do for a fake engine. */
  public static final Path MODEL = Path.of("../demo/model").toAbsolutePath().normalize();

  /** Runs a command line with an engine that takes no time. */
  public static JobRun of(String... args) {
    return with(FakeEngine.fast(), args);
  }

  /** Runs a command line. */
  public static JobRun with(EngineOpener opener, String... args) {
    return with(opener, new Properties(), args);
  }

  /** Runs a command line with keys in Spark's configuration. */
  public static JobRun with(EngineOpener opener, Properties configuration, String... args) {
    spark();
    ByteArrayOutputStream bytes = new ByteArrayOutputStream();
    int exitCode =
        TracemillCommand.execute(
            args,
            opener,
            new Console(new PrintStream(bytes, true, StandardCharsets.UTF_8), Console.Screen.PLAIN),
            configuration);
    return new JobRun(exitCode, bytes.toString(StandardCharsets.UTF_8));
  }

  /** {@code run} with input, output, the demo model and further options. */
  public static JobRun run(Path input, Path output, String... more) {
    return of(arguments(input, output, more));
  }

  /** The arguments of {@link #run}. */
  public static String[] arguments(Path input, Path output, String... more) {
    List<String> args =
        new ArrayList<>(
            List.of(
                "run",
                "--input",
                input.toString(),
                "--output",
                output.toString(),
                "--model",
                MODEL.toString()));
    args.addAll(List.of(more));
    return args.toArray(String[]::new);
  }

  /** The traces that a run wrote as Delta. */
  public static Dataset<Row> traces(Path output) {
    return spark().read().format("delta").load(output.resolve("traces").toString());
  }

  /** The runs that a run wrote as Delta. */
  public static Dataset<Row> runs(Path output) {
    return spark().read().format("delta").load(output.resolve("runs").toString());
  }

  /** Writes a file of UTF-8. */
  public static Path file(Path folder, String name, String content) {
    try {
      return Files.writeString(folder.resolve(name), content);
    } catch (IOException e) {
      throw new UncheckedIOException(e);
    }
  }

  /** A session on the context that all tests of this JVM share. */
  public static SparkSession spark() {
    SparkConf conf =
        new SparkConf()
            .setMaster("local[2]")
            .setAppName("tests")
            .set("spark.ui.enabled", "false")
            .set("spark.driver.host", "127.0.0.1")
            .set("spark.driver.bindAddress", "127.0.0.1")
            .set("spark.sql.extensions", "io.delta.sql.DeltaSparkSessionExtension")
            .set(
                "spark.sql.catalog.spark_catalog",
                "org.apache.spark.sql.delta.catalog.DeltaCatalog")
            .set("spark.executor.heartbeatInterval", "1s")
            .set("spark.sql.shuffle.partitions", "2")
            // Hundreds of different queries over a few rows each: compiling them took half of the
            // time. The demo and its tables are read with compiled ones.
            .set("spark.sql.codegen.wholeStage", "false")
            .set("spark.sql.codegen.factoryMode", "NO_CODEGEN")
            .set("spark.sql.codegen.cache.maxEntries", "2000")
            .set("spark.sql.warehouse.dir", "target/warehouse")
            .set("spark.databricks.delta.snapshotPartitions", "2")
            .set("spark.sql.sources.parallelPartitionDiscovery.parallelism", "2");
    SparkContext.getOrCreate(conf);
    return SparkSession.builder().getOrCreate();
  }
}
