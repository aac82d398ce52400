package io.tracemill.udf;

import org.apache.spark.SparkConf;
import org.apache.spark.api.java.JavaSparkContext;
import org.apache.spark.sql.SparkSession;
import scala.Option;

/** Contexts with settings of their own, in a JVM that other test classes used before. */
final class SparkContexts {
  private SparkContexts() {}

  /** A new context; a session that an earlier class left open is stopped first. */
  static JavaSparkContext start(SparkConf conf) {
    Option<SparkSession> left = SparkSession.getDefaultSession();
    if (left.isDefined()) {
      left.get().stop();
    }
    return new JavaSparkContext(conf);
  }
}
