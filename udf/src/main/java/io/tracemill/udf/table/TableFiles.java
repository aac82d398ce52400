package io.tracemill.udf.table;

import java.io.IOException;
import org.apache.hadoop.conf.Configuration;
import org.apache.hadoop.fs.FileSystem;
import org.apache.hadoop.fs.Path;
import org.apache.spark.sql.Dataset;
import org.apache.spark.sql.Row;
import org.apache.spark.sql.SparkSession;

/** Opens a table by its folder, whatever it is written as. */
public final class TableFiles {
  private TableFiles() {}

  /**
   * Committed rows of a Delta table, a table of {@link ParquetWaves} or {@link ParquetRuns}, or all
   * of a folder of other Parquet files.
   */
  public static Dataset<Row> read(SparkSession spark, String table) throws IOException {
    Configuration hadoop = spark.sparkContext().hadoopConfiguration();
    Path path = new Path(table);
    FileSystem files = path.getFileSystem(hadoop);
    if (files.exists(new Path(path, "_delta_log"))) {
      return spark.read().format("delta").load(table);
    }
    if (ParquetWaves.isAt(files, path)) {
      return new ParquetWaves(table, hadoop).read(spark);
    }
    return ParquetRuns.isAt(files, path)
        ? new ParquetRuns(table, hadoop).read(spark)
        : spark.read().parquet(table);
  }
}
