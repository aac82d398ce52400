package io.tracemill.job.input;

import static org.apache.spark.sql.functions.broadcast;
import static org.apache.spark.sql.functions.col;
import static org.apache.spark.sql.functions.concat;
import static org.apache.spark.sql.functions.lit;
import static org.apache.spark.sql.functions.struct;

import io.tracemill.job.error.EvalErrors;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.List;
import java.util.Locale;
import java.util.Optional;
import java.util.SortedSet;
import java.util.TreeSet;
import org.apache.spark.sql.Column;
import org.apache.spark.sql.Dataset;
import org.apache.spark.sql.Row;
import org.apache.spark.sql.RowFactory;
import org.apache.spark.sql.SparkSession;
import org.apache.spark.sql.types.DataTypes;
import org.apache.spark.sql.types.StructField;
import org.apache.spark.sql.types.StructType;

/**
 * A table of prompts, each asked once with each of several variants. Keys are those of {@link
 * VariantKey}; the carried columns get further ones, all text: {@link #ROW}, {@link #VARIANT} and
 * one for each setting, from which a row's own settings are read as from any parameter column.
 */
public final class VariantRows {
  /** Carried column: key of the row that is asked. */
  public static final String ROW = "variant_of";

  /** Carried column: name of the variant. */
  public static final String VARIANT = "variant";

  private VariantRows() {}

  /** Carried column with a variant's value of a parameter. */
  public static String column(RowParameter parameter) {
    return "variant_" + parameter.name().toLowerCase(Locale.ROOT);
  }

  /**
   * Crosses a table with variants.
   *
   * @throws io.tracemill.job.error.JobException where the table carries a column of such a name
   */
  static InputTable cross(SparkSession spark, InputTable table, List<RowVariant> variants) {
    SortedSet<RowParameter> parameters = new TreeSet<>();
    variants.forEach(variant -> parameters.addAll(variant.settings().keySet()));
    StructType added = new StructType().add(VARIANT, DataTypes.StringType, true);
    for (RowParameter parameter : parameters) {
      added = added.add(column(parameter), DataTypes.StringType, true);
    }
    List<String> before =
        table.carried().map(type -> Arrays.asList(type.fieldNames())).orElse(List.of());
    requireFree(before, added);

    List<Row> rows = new ArrayList<>();
    for (RowVariant variant : variants) {
      List<Object> values = new ArrayList<>(List.of(variant.name()));
      parameters.forEach(parameter -> values.add(variant.settings().get(parameter)));
      rows.add(RowFactory.create(values.toArray()));
    }
    Dataset<Row> crossed =
        table.rows().crossJoin(broadcast(spark.createDataFrame(rows, added).coalesce(1)));

    List<Column> carried = new ArrayList<>();
    for (String name : before) {
      carried.add(col(InputTable.INPUT).getField(name).as(name));
    }
    carried.add(col(InputTable.ROW_KEY).as(ROW));
    for (StructField field : added.fields()) {
      carried.add(col(field.name()));
    }
    StructType type = table.carried().orElse(new StructType()).add(ROW, DataTypes.StringType, true);
    for (StructField field : added.fields()) {
      type = type.add(field);
    }
    return new InputTable(
        crossed.select(
            concat(col(InputTable.ROW_KEY), lit(VariantKey.SEPARATOR), col(VARIANT))
                .as(InputTable.ROW_KEY),
            col(InputTable.PROBLEM),
            col(InputTable.PROMPT),
            struct(carried.toArray(Column[]::new)).as(InputTable.INPUT)),
        table.form(),
        Optional.of(type),
        table.numRows() * variants.size(),
        table.format());
  }

  private static void requireFree(List<String> columns, StructType added) {
    for (String column : columns) {
      if (column.equalsIgnoreCase(ROW)
          || Arrays.stream(added.fieldNames()).anyMatch(column::equalsIgnoreCase)) {
        throw EvalErrors.takenColumn(column);
      }
    }
  }
}
