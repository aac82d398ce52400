package io.tracemill.udf.ml;

import org.apache.spark.sql.SparkSession;

/** The local session of tests of Spark ML: two threads, no UI, loopback only. */
public final class MlSession {
  private MlSession() {}

  /** The session of this JVM, and of the classes that run in it one after the other. */
  public static SparkSession get() {
    return SparkSession.builder()
        .master("local[2]")
        .appName("tracemill-udf-tests")
        .config("spark.ui.enabled", "false")
        .config("spark.driver.host", "127.0.0.1")
        .config("spark.driver.bindAddress", "127.0.0.1")
        .config("spark.sql.shuffle.partitions", "2")
        .config("spark.sql.session.timeZone", "UTC")
        .config("spark.sql.warehouse.dir", "target/spark-warehouse")
        .getOrCreate();
  }
}
