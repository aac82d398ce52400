package io.tracemill.job.wave;

import static org.apache.spark.sql.functions.coalesce;
import static org.apache.spark.sql.functions.col;
import static org.apache.spark.sql.functions.collect_list;
import static org.apache.spark.sql.functions.count;
import static org.apache.spark.sql.functions.lit;
import static org.apache.spark.sql.functions.min;
import static org.apache.spark.sql.functions.size;
import static org.apache.spark.sql.functions.struct;
import static org.apache.spark.sql.functions.sum;
import static org.apache.spark.sql.functions.when;

import io.tracemill.job.input.InputTable;
import io.tracemill.job.input.PromptReader;
import java.util.ArrayList;
import java.util.List;
import java.util.Optional;
import org.apache.spark.sql.Column;
import org.apache.spark.sql.Dataset;
import org.apache.spark.sql.Encoders;
import org.apache.spark.sql.Row;
import org.apache.spark.sql.types.ArrayType;
import org.apache.spark.sql.types.StructField;
import org.apache.spark.sql.types.StructType;

/**
 * The rows of an input that are due: those that no row of the output answers, and those that are to
 * be generated anew.
 *
 * @param rows input rows of which a sample is due, with the columns of {@link DueRow}; lazy
 * @param counts of the whole input
 */
public record RowPlan(Dataset<Row> rows, Counts counts) {

  /**
   * Numbers of result rows. An input row with n samples counts n times.
   *
   * @param asked all that the input asks for
   * @param kept in the output, and to stay
   * @param keptFailed of these, ended in an error
   * @param fresh to be generated for rows of which no sample is generated anew
   * @param again to be generated for the other rows
   * @param replaced results that are in the output and will be others
   * @param changedRows input rows that ask something else than when they were generated
   * @param changedKey one of them; empty where there is none
   */
  public record Counts(
      long asked,
      long kept,
      long keptFailed,
      long fresh,
      long again,
      long replaced,
      long changedRows,
      Optional<String> changedKey) {
    /** To be generated. */
    public long due() {
      return fresh + again;
    }

    /** Of these, in addition to what the output holds. */
    public long added() {
      return due() - replaced;
    }

    /** Of the asked ones, in the output now. */
    public long found() {
      return kept + replaced;
    }
  }

  /**
   * Compares an input with a snapshot of the traces.
   *
   * @param traces empty where there is no table
   */
  public static RowPlan of(
      InputTable input, PromptReader reader, Optional<Dataset<Row>> traces, ResumeRules rules) {
    Dataset<Row> joined = withMade(input, traces);
    StructType type = new StructType();
    for (StructField field : input.rows().schema().fields()) {
      if (!field.name().equals(InputTable.INPUT)) {
        type = type.add(field);
      }
    }
    type = DueRow.planned(type);
    if (input.carried().isPresent()) {
      type = type.add(InputTable.INPUT, input.carried().get(), true);
    }
    Dataset<Row> planned = joined.map(new SettleRows(reader, rules), Encoders.row(type));
    return new RowPlan(planned.filter(size(col(DueRow.DUE)).gt(0)), counts(planned));
  }

  private static Dataset<Row> withMade(InputTable input, Optional<Dataset<Row>> traces) {
    ArrayType madeType = new ArrayType(DueRow.MADE_SAMPLE, true);
    Dataset<Row> rows = input.rows();
    Dataset<Row> joined;
    if (traces.isPresent()) {
      Dataset<Row> made =
          traces
              .get()
              .groupBy(col("row_key").as("tracemill_key"))
              .agg(
                  collect_list(
                          struct(
                              col("sample_index"),
                              col("attempts"),
                              col("status").equalTo("error").as("failed"),
                              col("request_hash")))
                      .cast(madeType)
                      .as(DueRow.MADE));
      joined =
          rows.join(made, rows.col(InputTable.ROW_KEY).equalTo(made.col("tracemill_key")), "left");
    } else {
      joined = rows.withColumn(DueRow.MADE, lit(null).cast(madeType));
    }
    List<Column> columns = new ArrayList<>();
    for (String name : rows.columns()) {
      if (!name.equals(InputTable.INPUT)) {
        columns.add(col(name));
      }
    }
    columns.add(col(DueRow.MADE));
    if (input.carried().isPresent()) {
      columns.add(col(InputTable.INPUT));
    }
    return joined.select(columns.toArray(Column[]::new));
  }

  private static Counts counts(Dataset<Row> planned) {
    Column due = size(col(DueRow.DUE)).cast("long");
    Column replaces = col(DueRow.REPLACES);
    Row sums =
        planned
            .agg(
                whole(col(DueRow.ASKED)),
                whole(col(DueRow.KEPT)),
                whole(col(DueRow.KEPT_FAILED)),
                whole(when(replaces.equalTo(0), due)),
                whole(when(replaces.gt(0), due)),
                whole(replaces),
                count(when(col(DueRow.CHANGED), 1)),
                min(when(col(DueRow.CHANGED), col(InputTable.ROW_KEY))))
            .head();
    return new Counts(
        sums.getLong(0),
        sums.getLong(1),
        sums.getLong(2),
        sums.getLong(3),
        sums.getLong(4),
        sums.getLong(5),
        sums.getLong(6),
        Optional.ofNullable(sums.getString(7)));
  }

  private static Column whole(Column column) {
    return coalesce(sum(column), lit(0L));
  }
}
