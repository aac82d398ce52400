package io.tracemill.udf.model;

import org.apache.hadoop.conf.Configuration;
import org.apache.spark.SparkConf;
import org.apache.spark.SparkEnv;
import scala.Tuple2;

/** Hadoop's configuration as driver and executors alike can make it. */
public final class HadoopSettings {
  private static final String PREFIX = "spark.hadoop.";

  private HadoopSettings() {}

  /**
   * Hadoop's files and the keys {@code spark.hadoop.*} of this application. What a notebook sets on
   * its Spark context later reaches no executor and is not in it.
   */
  public static Configuration current() {
    Configuration hadoop = new Configuration();
    SparkConf spark = SparkEnv.get() == null ? new SparkConf() : SparkEnv.get().conf();
    for (Tuple2<String, String> entry : spark.getAllWithPrefix(PREFIX)) {
      hadoop.set(entry._1(), entry._2());
    }
    // A checksum over content alone, which can be computed here too; HDFS's default depends on
    // the size of its blocks.
    hadoop.set("dfs.checksum.combine.mode", "COMPOSITE_CRC");
    // S3 names the content of an object; without this key its file system keeps that to itself.
    hadoop.setIfUnset("fs.s3a.etag.checksum.enabled", "true");
    return hadoop;
  }
}
