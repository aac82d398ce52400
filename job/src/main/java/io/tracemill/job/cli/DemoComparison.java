package io.tracemill.job.cli;

import static org.apache.spark.sql.functions.call_function;
import static org.apache.spark.sql.functions.col;
import static org.apache.spark.sql.functions.count;
import static org.apache.spark.sql.functions.lit;
import static org.apache.spark.sql.functions.sum;
import static org.apache.spark.sql.functions.when;

import io.tracemill.job.output.RunTotals;
import io.tracemill.job.progress.Console;
import io.tracemill.job.progress.SummaryTable;
import io.tracemill.job.run.RunOutcome;
import io.tracemill.udf.sql.TracemillFunctions;
import java.util.ArrayList;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Locale;
import java.util.Map;
import java.util.function.Function;
import org.apache.spark.sql.Column;
import org.apache.spark.sql.Dataset;
import org.apache.spark.sql.Row;
import org.apache.spark.sql.SparkSession;

/** What the demo says of its runs over the same prompts: one table, and a trace of each family. */
final class DemoComparison {
  private static final int EXAMPLE_CHARACTERS = 100;

  /** The families of the demo's prompts, and what the table calls them. */
  private static final Map<String, String> FAMILIES = families();

  private final SparkSession spark;
  private final Console console;

  DemoComparison(SparkSession spark, Console console) {
    this.spark = spark;
    this.console = console;
    TracemillFunctions.register(spark);
  }

  private static Map<String, String> families() {
    Map<String, String> families = new LinkedHashMap<>();
    families.put("program", "programs");
    families.put("word", "word problems");
    families.put("expression", "expressions");
    return families;
  }

  /** How many rows there are, and how many are right. */
  private record Score(long rows, long right) {
    Score plus(Score other) {
      return new Score(rows + other.rows, right + other.right);
    }

    String label() {
      return "%d of %d (%d %%)".formatted(right, rows, Math.round(100.0 * right / rows));
    }
  }

  /**
   * Prints the table and the examples, which are of the first run.
   *
   * @param labels one for each run
   */
  void print(List<String> labels, List<RunOutcome> runs) {
    List<Map<String, Score>> scores =
        runs.stream().map(run -> scores(run.tables().readTraces(spark))).toList();
    List<RunTotals> totals = runs.stream().map(run -> run.record().totals()).toList();
    console.print("");
    console.print(runs.get(0).record().engine());
    SummaryTable table = new SummaryTable().row(cells("", labels, label -> label));
    table.row(
        cells(
            "right answers",
            scores,
            of -> of.values().stream().reduce(new Score(0, 0), Score::plus).label()));
    FAMILIES.forEach(
        (family, name) ->
            table.row(
                cells(
                    "  " + name,
                    scores,
                    of -> of.containsKey(family) ? of.get(family).label() : "-")));
    table
        .row(cells("truncated traces", totals, of -> number(of.truncated())))
        .row(cells("generated tokens", totals, of -> number(of.generatedTokens())))
        .row(cells("tokens/s", totals, of -> number(Math.round(of.tokensPerSecond()))))
        .row(cells("compressions", totals, of -> number(of.compressions())))
        .row(cells("KV rows of a trace, mean", totals, of -> number(Math.round(of.kvMeanRows()))))
        .row(cells("KV rows of a trace, peak", totals, of -> number(of.kvPeakRows())))
        .row(cells("KV rows saved", totals, of -> Math.round(100 * of.kvSavedRatio()) + " %"));
    table.lines().forEach(console::print);
    console.print("");
    examples(runs.get(0).tables().readTraces(spark));
  }

  private static <T> String[] cells(String name, List<T> runs, Function<T, String> cell) {
    List<String> cells = new ArrayList<>(List.of(name));
    runs.forEach(run -> cells.add(cell.apply(run)));
    return cells.toArray(String[]::new);
  }

  private static Map<String, Score> scores(Dataset<Row> traces) {
    Column right = call_function("tm_is_correct", col("extracted_answer"), col("input.answer"));
    Map<String, Score> scores = new LinkedHashMap<>();
    for (Row row :
        traces
            .groupBy(col("input.family"))
            .agg(count(lit(1)), sum(when(right, 1).otherwise(0)))
            .collectAsList()) {
      scores.put(row.getString(0), new Score(row.getLong(1), row.getLong(2)));
    }
    return scores;
  }

  /** The first trace of each family, whatever became of it. */
  private void examples(Dataset<Row> traces) {
    for (String family : FAMILIES.keySet()) {
      traces
          .filter(col("input.family").equalTo(family))
          .orderBy(col("row_key"))
          .limit(1)
          .select(
              col("row_key"),
              col("prompt"),
              col("trace"),
              col("extracted_answer"),
              col("input.answer"),
              col("generated_tokens"),
              col("kv_full_rows"),
              col("kv_final_rows"),
              col("finish_reason"))
          .collectAsList()
          .forEach(this::example);
    }
    console.print("");
  }

  private void example(Row row) {
    console.print(row.getString(0) + "  " + shortened(row.getString(1)));
    console.print("  trace    " + shortened(row.getString(2)));
    console.print(
        String.format(
            Locale.ROOT,
            "  answer   %s, right is %s; %s after %,d tokens; KV rows %,d instead of %,d",
            row.isNullAt(3) ? "none" : row.getString(3),
            row.getString(4),
            row.getString(8),
            row.getInt(5),
            row.getLong(7),
            row.getLong(6)));
  }

  private static String shortened(String text) {
    String line = text.replaceAll("\\s+", " ").strip();
    return line.length() <= EXAMPLE_CHARACTERS
        ? line
        : line.substring(0, EXAMPLE_CHARACTERS) + " ...";
  }

  private static String number(long value) {
    return Launcher.number(value);
  }
}
