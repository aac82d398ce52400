package io.tracemill.job.wave;

import static org.apache.spark.sql.types.DataTypes.BooleanType;
import static org.apache.spark.sql.types.DataTypes.IntegerType;
import static org.apache.spark.sql.types.DataTypes.StringType;

import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import org.apache.spark.sql.Row;
import org.apache.spark.sql.types.ArrayType;
import org.apache.spark.sql.types.StructType;

/**
 * The columns that a plan puts before the carried ones of an input row, and the ones that it reads
 * from the traces.
 */
public final class DueRow {
  /** Samples to generate, with the attempts that earlier runs have made at them. */
  static final String DUE = "tracemill_due";

  /** How many of them take the place of rows that are there. */
  static final String REPLACES = "tracemill_replaces";

  /** All samples that the row asks for. */
  static final String ASKED = "tracemill_asked";

  /** Of these, in the table and to stay. */
  static final String KEPT = "tracemill_kept";

  /** Of these, ended in an error. */
  static final String KEPT_FAILED = "tracemill_kept_failed";

  /** Whether rows in the table were generated from something else. */
  static final String CHANGED = "tracemill_changed";

  /** The samples that are in the table. */
  static final String MADE = "tracemill_made";

  static final StructType DUE_SAMPLE =
      new StructType().add("sample_index", IntegerType, false).add("attempts", IntegerType, false);

  static final StructType MADE_SAMPLE =
      new StructType()
          .add("sample_index", IntegerType)
          .add("attempts", IntegerType)
          .add("failed", BooleanType)
          .add("request_hash", StringType);

  private DueRow() {}

  /** Adds the columns of a plan to those of an input before its carried ones. */
  static StructType planned(StructType own) {
    return own.add(DUE, new ArrayType(DUE_SAMPLE, false), false)
        .add(REPLACES, IntegerType, false)
        .add(ASKED, IntegerType, false)
        .add(KEPT, IntegerType, false)
        .add(KEPT_FAILED, IntegerType, false)
        .add(CHANGED, BooleanType, false);
  }

  /** Samples of a planned row to generate, each with the attempts that were made at it before. */
  public static Map<Integer, Integer> due(Row row) {
    Map<Integer, Integer> due = new LinkedHashMap<>();
    List<Row> samples = row.getList(row.fieldIndex(DUE));
    samples.forEach(sample -> due.put(sample.getInt(0), sample.getInt(1)));
    return due;
  }
}
