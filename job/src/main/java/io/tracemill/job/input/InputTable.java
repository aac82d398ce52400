package io.tracemill.job.input;

import java.util.Optional;
import org.apache.spark.sql.Dataset;
import org.apache.spark.sql.Row;
import org.apache.spark.sql.types.StructType;

/**
 * A checked table of prompts. Its rows have the columns {@code row_key} (unique, not null), {@code
 * problem} (why the row cannot run, or null), {@code prompt} (text, or the array of turns) and,
 * where the source has further columns, {@code input} (a struct of them).
 *
 * @param rows the table; lazy
 * @param form what {@code prompt} holds
 * @param carried type of {@code input}; empty where there is none
 * @param numRows rows of the table
 * @param format what was read
 */
public record InputTable(
    Dataset<Row> rows,
    PromptForm form,
    Optional<StructType> carried,
    long numRows,
    InputFormat format) {
  /** The key's column. */
  public static final String ROW_KEY = "row_key";

  /** The carried columns' column; the last where there is one. */
  public static final String INPUT = "input";

  /** What the row asks with; of the type that {@link #form} says. */
  public static final String PROMPT = "prompt";

  static final String PROBLEM = "problem";
}
