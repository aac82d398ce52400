package io.tracemill.udf.sql;

import org.apache.spark.sql.SparkSession;

/** Small local sessions for tests: two threads, no UI, loopback only. */
final class SparkSessions {
  private SparkSessions() {}

  static SparkSession.Builder builder() {
    return SparkSession.builder()
        .master("local[2]")
        .appName("tracemill-udf-tests")
        .config("spark.ui.enabled", "false")
        .config("spark.driver.host", "127.0.0.1")
        .config("spark.driver.bindAddress", "127.0.0.1")
        .config("spark.sql.shuffle.partitions", "2")
        .config("spark.sql.session.timeZone", "UTC")
        .config("spark.sql.warehouse.dir", "target/spark-warehouse");
  }

  /** The session of this JVM, and of the classes that run in it one after the other. */
  static SparkSession get() {
    return builder().getOrCreate();
  }
}
