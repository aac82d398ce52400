package io.tracemill.job.input;

import static org.apache.spark.sql.functions.coalesce;
import static org.apache.spark.sql.functions.col;
import static org.apache.spark.sql.functions.concat;
import static org.apache.spark.sql.functions.count;
import static org.apache.spark.sql.functions.is_valid_utf8;
import static org.apache.spark.sql.functions.length;
import static org.apache.spark.sql.functions.lit;
import static org.apache.spark.sql.functions.make_valid_utf8;
import static org.apache.spark.sql.functions.not;
import static org.apache.spark.sql.functions.row_number;
import static org.apache.spark.sql.functions.sha2;
import static org.apache.spark.sql.functions.struct;
import static org.apache.spark.sql.functions.substring;
import static org.apache.spark.sql.functions.sum;
import static org.apache.spark.sql.functions.trim;
import static org.apache.spark.sql.functions.when;

import io.tracemill.job.error.InputErrors;
import io.tracemill.job.error.JobException;
import java.util.ArrayList;
import java.util.List;
import java.util.Optional;
import java.util.stream.Collectors;
import org.apache.spark.sql.Column;
import org.apache.spark.sql.Dataset;
import org.apache.spark.sql.Row;
import org.apache.spark.sql.SparkSession;
import org.apache.spark.sql.expressions.Window;
import org.apache.spark.sql.types.DataTypes;
import org.apache.spark.sql.types.StructType;

/**
 * Reads a table of prompts and checks it as a whole. What is wrong with one row stays with the row,
 * in its {@code problem} column; what is wrong with the table is thrown before anything starts.
 */
public final class InputReader {
  private static final String ID = "tracemill_id";
  private static final String HASH = "tracemill_hash";
  private static final String NTH = "tracemill_nth";
  private static final int HASH_CHARACTERS = 32;

  private InputReader() {}

  /**
   * Reads, checks and counts.
   *
   * @throws JobException where the table cannot be used, in one sentence
   */
  public static InputTable read(SparkSession spark, InputArguments arguments) {
    InputFormat format = InputSource.format(arguments, spark.sparkContext().hadoopConfiguration());
    try {
      RawRows raw =
          switch (format) {
            case JSONL, JSON -> JsonRows.read(spark, arguments, format);
            case OPENAI_BATCH -> OpenAiRows.read(spark, arguments);
            case PARQUET, DELTA, CSV, TEXT -> FileRows.read(spark, arguments, format);
          };
      if (raw.columns().isEmpty()) {
        throw raw.table().isEmpty()
            ? InputErrors.emptyInput(arguments.path())
            : InputErrors.noReadableRow(arguments.path(), format.label());
      }
      InputTable table = shape(raw, Roles.of(raw, arguments, format), arguments, format);
      return arguments.variants().isEmpty()
          ? table
          : VariantRows.cross(spark, table, arguments.variants());
    } catch (JobException e) {
      throw e;
    } catch (Exception e) { // Spark's AnalysisException is checked in Scala only.
      throw InputErrors.unreadableInput(arguments.path(), format.label(), e);
    }
  }

  /** A column of that very name, dots and spaces included. */
  static Column quoted(String name) {
    return col("`" + name.replace("`", "``") + "`");
  }

  private static InputTable shape(
      RawRows raw, Roles roles, InputArguments arguments, InputFormat format) {
    boolean text = roles.form() != PromptForm.MESSAGES;
    Column prompt = quoted(roles.prompt());
    Column unreadable = raw.problem();
    Column problem =
        text
            ? coalesce(
                unreadable, when(not(is_valid_utf8(prompt)), lit("The prompt is not valid UTF-8.")))
            : unreadable;
    List<Column> columns = new ArrayList<>();
    columns.add(problem.as(InputTable.PROBLEM));
    columns.add((text ? make_valid_utf8(prompt) : prompt).as(InputTable.PROMPT));
    columns.add(sha2(raw.content(), 256).as(HASH));
    columns.add(id(roles).as(ID));
    Optional<StructType> carried = roles.carriedType(raw);
    if (carried.isPresent()) {
      Column[] kept = roles.carried().stream().map(InputReader::quoted).toArray(Column[]::new);
      columns.add(struct(kept).as(InputTable.INPUT));
    }
    Dataset<Row> rows = raw.table().select(columns.toArray(Column[]::new));

    Row counts = counts(rows, roles);
    long numRows = counts.getLong(0);
    if (numRows == 0) {
      throw InputErrors.emptyInput(arguments.path());
    }
    if (counts.getLong(2) > 0) {
      throw InputErrors.duplicateIds(roles.id().orElseThrow(), arguments.path(), duplicates(rows));
    }
    return new InputTable(
        keyed(rows, roles, counts.getLong(1)), roles.form(), carried, numRows, format);
  }

  private static Column id(Roles roles) {
    return roles
        .id()
        .map(name -> quoted(name).cast(DataTypes.StringType))
        .map(id -> when(length(trim(id)).gt(0), id))
        .orElse(lit(null).cast(DataTypes.StringType));
  }

  /** Rows, rows without an id, and ids that come more than once; the source is read once. */
  private static Row counts(Dataset<Row> rows, Roles roles) {
    if (roles.id().isEmpty()) {
      return rows.agg(count(lit(1)), count(lit(1)), lit(0L)).head();
    }
    Column missing = col(ID).isNull();
    return rows.groupBy(col(ID))
        .agg(count(lit(1)).as(NTH))
        .agg(
            coalesce(sum(col(NTH)), lit(0L)),
            coalesce(sum(when(missing, col(NTH))), lit(0L)),
            count(when(not(missing).and(col(NTH).gt(1)), 1)))
        .head();
  }

  private static String duplicates(Dataset<Row> rows) {
    return rows
        .filter(col(ID).isNotNull())
        .groupBy(col(ID))
        .agg(count(lit(1)).as(NTH))
        .filter(col(NTH).gt(1))
        .orderBy(col(ID))
        .limit(3)
        .collectAsList()
        .stream()
        .map(row -> "'%s' %d times".formatted(row.getString(0), row.getLong(1)))
        .collect(Collectors.joining(", "));
  }

  /**
   * Gives rows without an id a key made of their content. Equal rows are numbered; as they are
   * equal, it does not matter which gets which number.
   */
  private static Dataset<Row> keyed(Dataset<Row> rows, Roles roles, long withoutId) {
    Column key = col(ID);
    Column problem = col(InputTable.PROBLEM);
    Dataset<Row> numbered = rows;
    if (withoutId > 0) {
      numbered =
          rows.withColumn(
              NTH, row_number().over(Window.partitionBy(col(ID), col(HASH)).orderBy(col(HASH))));
      Column hash =
          concat(
              lit(roles.id().isPresent() ? "no-id-" : ""),
              substring(col(HASH), 1, HASH_CHARACTERS),
              when(col(NTH).gt(1), concat(lit("-"), col(NTH).cast(DataTypes.StringType)))
                  .otherwise(lit("")));
      key = coalesce(col(ID), hash);
      if (roles.id().isPresent()) {
        problem =
            coalesce(problem, when(col(ID).isNull(), lit("The id of the row is null or blank.")));
      }
    }
    List<Column> columns = new ArrayList<>();
    columns.add(key.as(InputTable.ROW_KEY));
    columns.add(problem.as(InputTable.PROBLEM));
    columns.add(col(InputTable.PROMPT));
    if (!roles.carried().isEmpty()) {
      columns.add(col(InputTable.INPUT));
    }
    return numbered.select(columns.toArray(Column[]::new));
  }
}
