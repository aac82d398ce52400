package io.tracemill.job.wave;

import static org.apache.spark.sql.functions.col;
import static org.apache.spark.sql.functions.lit;
import static org.apache.spark.sql.functions.pmod;
import static org.apache.spark.sql.functions.size;
import static org.apache.spark.sql.functions.sum;
import static org.apache.spark.sql.functions.when;
import static org.apache.spark.sql.functions.xxhash64;

import io.tracemill.job.input.InputTable;
import io.tracemill.job.output.Wave;
import java.util.ArrayList;
import java.util.List;
import java.util.function.Function;
import org.apache.spark.sql.Column;
import org.apache.spark.sql.Dataset;
import org.apache.spark.sql.Row;
import org.apache.spark.sql.SaveMode;
import org.apache.spark.sql.SparkSession;
import org.apache.spark.sql.types.StructType;

/**
 * The due rows of a run, dealt out to waves by a hash of their keys. More than one wave is written
 * to a folder of the run first, a folder a wave: so the input is read and compared once, a wave is
 * opened without looking at the others, and the driver holds numbers only.
 *
 * @param waves in the order in which they begin; rows that take others' place come first
 * @param rows opens the rows of a wave
 */
public record DealtWaves(List<Wave> waves, Function<Wave, Dataset<Row>> rows) {
  private static final String WAVE = "wave";

  public DealtWaves {
    waves = List.copyOf(waves);
  }

  /**
   * Deals rows out.
   *
   * @param waveRows about how many result rows a wave has
   * @param folder of this run, for rows on their way
   */
  public static DealtWaves of(SparkSession spark, RowPlan plan, long waveRows, String folder) {
    int again = WaveSize.waves(plan.counts().again(), waveRows);
    int fresh = WaveSize.waves(plan.counts().fresh(), waveRows);
    if (again + fresh == 1) {
      Wave only = new Wave(1, plan.counts().due(), content(1, again));
      return new DealtWaves(List.of(only), wave -> plan.rows());
    }
    String staged = folder + "/due";
    Column hash = xxhash64(col(InputTable.ROW_KEY));
    Column wave =
        when(col(DueRow.REPLACES).gt(0), pmod(hash, lit(Math.max(1, again))).plus(1))
            .otherwise(pmod(hash, lit(Math.max(1, fresh))).plus(1 + again))
            .cast("int");
    int writers = Math.min(again + fresh, spark.sparkContext().defaultParallelism() * 2);
    plan.rows()
        .withColumn(WAVE, wave)
        .repartition(writers, col(WAVE))
        .write()
        .mode(SaveMode.Overwrite)
        .partitionBy(WAVE)
        .parquet(staged);
    StructType type = plan.rows().schema();
    List<Wave> waves = new ArrayList<>();
    for (Row counted :
        spark
            .read()
            .schema(type.add(WAVE, "int"))
            .parquet(staged)
            .groupBy(col(WAVE))
            .agg(sum(size(col(DueRow.DUE)).cast("long")))
            .orderBy(col(WAVE))
            .collectAsList()) {
      int number = counted.getInt(0);
      waves.add(new Wave(number, counted.getLong(1), content(number, again)));
    }
    return new DealtWaves(
        waves, each -> spark.read().schema(type).parquet(staged + "/wave=" + each.number()));
  }

  private static Wave.Content content(int number, int again) {
    return number <= again ? Wave.Content.REPLACEMENTS : Wave.Content.NEW_ROWS;
  }
}
