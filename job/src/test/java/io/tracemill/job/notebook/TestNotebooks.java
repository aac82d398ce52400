package io.tracemill.job.notebook;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;
import static org.assertj.core.api.Assumptions.assumeThat;

import io.tracemill.job.notebook.Cell.Language;
import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.List;
import org.apache.spark.sql.SparkSession;
import org.junit.jupiter.api.AfterAll;
import org.junit.jupiter.api.Tag;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;

/** Runs every cell of every notebook, in order, over what the first of them writes. */
@Tag("notebooks")
class TestNotebooks {
  /** Set where a machine without Python must fail instead of leaving cells out. */
  private static final String NEED_PYTHON = "TRACEMILL_NEED_PYTHON";

  @TempDir private static Path folder;

  @AfterAll
  static void stopSpark() {
    SparkSession.active().stop(); // Before its folder goes.
  }

  @Test
  void everyCellRuns() throws IOException {
    requirePython();
    Path classes = Files.createDirectories(folder.resolve("classes"));
    ScalaCells scala = new ScalaCells(classes);
    SparkSession spark = session(classes);
    scala.start(spark);
    int run = 0;
    try (PythonCells python = new PythonCells(spark)) {
      for (Path notebook : NotebookFiles.databricks()) {
        for (Cell cell : NotebookFiles.ofDatabricks(notebook)) {
          long started = System.nanoTime();
          run += run(cell, scala, spark, python);
          System.out.printf(
              "%s %s %.1f s%n",
              notebook.getFileName(), cell.language(), (System.nanoTime() - started) / 1e9);
        }
      }
      // Cells that are wrong do fail.
      assertThatThrownBy(() -> scala.run("val x: Int = \"text\""))
          .isInstanceOf(AssertionError.class);
      assertThatThrownBy(() -> scala.run("sys.error(\"no\")")).isInstanceOf(AssertionError.class);
      assertThatThrownBy(() -> python.run("spark.sql('SELECT nope FROM traces')"))
          .isInstanceOf(AssertionError.class)
          .hasMessageContaining("nope");
      assertThatThrownBy(() -> python.run("spark.table('traces').toPandas()"))
          .isInstanceOf(AssertionError.class)
          .hasMessageContaining("toPandas");
    }
    assertThat(run).as("cells with code").isGreaterThan(25);
    assertThat(spark.table("traces").where("compressions > 0").count()).isPositive();
    assertThat(spark.table("traces").where("status <> 'ok'").count()).isZero();
    assertThat(folder.resolve("tables/report.html")).content().contains("</html>");
  }

  private static int run(Cell cell, ScalaCells scala, SparkSession spark, PythonCells python)
      throws IOException {
    switch (cell.language()) {
      case SCALA -> scala.run(cell.code());
      case SQL -> spark.sql(cell.code()).collectAsList();
      case PYTHON -> assertThat(python.run(cell.code())).as(cell.code()).isPositive();
      case MARKDOWN -> {
        return 0;
      }
    }
    return 1;
  }

  @Test
  void notesHoldTheSameCellsAsSources() throws IOException {
    List<Path> sources = NotebookFiles.databricks();
    List<Path> notes = NotebookFiles.zeppelin();
    assertThat(sources).hasSize(5);
    assertThat(notes.stream().map(NotebookFiles::title))
        .containsExactlyElementsOf(sources.stream().map(NotebookFiles::title).toList());
    for (int i = 0; i < sources.size(); i++) {
      List<Cell> cells = NotebookFiles.ofDatabricks(sources.get(i));
      assertThat(cells.get(0).language()).isEqualTo(Language.MARKDOWN);
      assertThat(NotebookFiles.ofZeppelin(notes.get(i)))
          .as("%s; notebooks/to_zeppelin.py writes it", notes.get(i))
          .isEqualTo(cells);
    }
  }

  private static void requirePython() {
    boolean found;
    try {
      Process process = new ProcessBuilder("python3", "--version").start();
      process.getInputStream().readAllBytes();
      found = process.waitFor() == 0;
    } catch (IOException e) {
      found = false;
    } catch (InterruptedException e) {
      throw new IllegalStateException(e);
    }
    if (System.getenv(NEED_PYTHON) == null) {
      assumeThat(found).as("no python3 on this machine, so notebooks are not run").isTrue();
    }
    assertThat(found).as("python3, which %s asks for", NEED_PYTHON).isTrue();
  }

  private static SparkSession session(Path classes) {
    return SparkSession.builder()
        .master("local[2]")
        .appName("notebooks")
        .config("spark.repl.class.outputDir", classes.toAbsolutePath().toString())
        .config("spark.ui.enabled", "false")
        .config("spark.driver.host", "127.0.0.1")
        .config("spark.driver.bindAddress", "127.0.0.1")
        .config("spark.sql.extensions", "io.delta.sql.DeltaSparkSessionExtension")
        .config(
            "spark.sql.catalog.spark_catalog", "org.apache.spark.sql.delta.catalog.DeltaCatalog")
        .config("spark.sql.shuffle.partitions", "2")
        // For a few rows, compiling queries takes longer than running them.
        .config("spark.sql.codegen.wholeStage", "false")
        .config("spark.sql.codegen.factoryMode", "NO_CODEGEN")
        .config("spark.sql.warehouse.dir", folder.resolve("warehouse").toString())
        .config("spark.databricks.delta.snapshotPartitions", "2")
        .config("tracemill.notebook.home", Path.of("..").toAbsolutePath().normalize().toString())
        .config("tracemill.notebook.tables", folder.resolve("tables").toString())
        .getOrCreate();
  }
}
