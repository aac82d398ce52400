package io.tracemill.udf;

import org.apache.spark.sql.Dataset;
import org.apache.spark.sql.Row;

/** Deals rows out to the partitions that generate, right before they do. */
@FunctionalInterface
public interface RowDealer {
  /** As many rows for each, in no order. */
  RowDealer EVENLY =
      // A number of partitions, not a column: adaptive execution leaves it alone.
      (rows, partitions, tasksAtOnce) -> rows.repartition(partitions);

  /**
   * The same rows in exactly so many partitions.
   *
   * @param partitions at least 1
   * @param tasksAtOnce partitions that are worked on at the same time on all executors, at least 1
   */
  Dataset<Row> deal(Dataset<Row> rows, int partitions, int tasksAtOnce);
}
