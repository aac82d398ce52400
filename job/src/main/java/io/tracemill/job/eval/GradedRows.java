package io.tracemill.job.eval;

import static org.apache.spark.sql.functions.call_function;
import static org.apache.spark.sql.functions.coalesce;
import static org.apache.spark.sql.functions.col;
import static org.apache.spark.sql.functions.lit;
import static org.apache.spark.sql.functions.udf;
import static org.apache.spark.sql.functions.when;
import static org.apache.spark.sql.functions.xxhash64;

import io.tracemill.job.input.RowParameter;
import io.tracemill.job.input.VariantRows;
import io.tracemill.udf.sql.TracemillFunctions;
import org.apache.spark.sql.Column;
import org.apache.spark.sql.Dataset;
import org.apache.spark.sql.Row;
import org.apache.spark.sql.types.DataTypes;

/** The traces of a grid, graded, without text: what an evaluation is summed up from. */
final class GradedRows {
  private GradedRows() {}

  /**
   * Grades.
   *
   * @param traces rows that carry variants, of problems with an answer
   * @param answerColumn carried column with the right answers
   */
  static Dataset<Row> of(Dataset<Row> traces, Grid grid, String answerColumn) {
    TracemillFunctions.register(traces.sparkSession());
    Column input = col("input");
    Column policy = input.getField(VariantRows.column(RowParameter.KV_POLICY));
    Column gold = input.getField(answerColumn).cast(DataTypes.StringType);
    Column ok = col("status").equalTo("ok");
    Column right =
        ok.and(coalesce(call_function("tm_is_correct", col("extracted_answer"), gold), lit(false)));
    Column check =
        udf(new CompressionCheck(), DataTypes.IntegerType)
            .apply(
                policy,
                col("prompt_tokens"),
                col("generated_tokens"),
                col("compression_events"),
                col("kv_final_rows"));
    Object[] names = grid.cells().stream().map(GridCell::name).toArray();
    Object[] full = grid.cells().stream().filter(GridCell::isFull).map(GridCell::name).toArray();
    return traces
        .filter(input.getField(VariantRows.VARIANT).isin(names))
        .select(
            input.getField(VariantRows.VARIANT).as("cell"),
            input.getField(VariantRows.ROW).as("problem"),
            input.getField(VariantRows.column(RowParameter.TEMPERATURE)).as("temperature"),
            input.getField(VariantRows.VARIANT).isin(full).as("is_full"),
            col("sample_index"),
            col("run_id"),
            ok.as("ok"),
            right.as("is_right"),
            col("finish_reason").isin("stop", "stop_string").as("complete"),
            col("finish_reason").isin("length", "loop").as("truncated"),
            col("generated_tokens").as("tokens"),
            col("compressions"),
            col("kv_mean_rows").as("mean_rows"),
            col("kv_peak_rows").as("peak_rows"),
            col("compress_ms"),
            when(ok, check).as("proof"),
            xxhash64(col("token_ids")).as("output_hash"));
  }
}
