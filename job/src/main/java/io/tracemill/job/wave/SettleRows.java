package io.tracemill.job.wave;

import io.tracemill.job.input.InputTable;
import io.tracemill.job.input.PromptReader;
import io.tracemill.job.input.RequestIdentity;
import java.util.ArrayList;
import java.util.HashMap;
import java.util.List;
import java.util.Map;
import org.apache.spark.api.java.function.MapFunction;
import org.apache.spark.sql.Row;
import org.apache.spark.sql.RowFactory;
import scala.jdk.javaapi.CollectionConverters;

/**
 * Compares what a row asks for with what the table holds under its key, and says which samples are
 * due. Its rows are an input's, with {@link DueRow#MADE} before the carried columns.
 *
 * @param reader says what a row asks for
 * @param rules what becomes of rows that are there
 */
record SettleRows(PromptReader reader, ResumeRules rules) implements MapFunction<Row, Row> {

  @Override
  public Row call(Row row) {
    RequestIdentity asked = reader.identity(row);
    Map<Integer, Row> made = made(row);
    List<Row> due = new ArrayList<>();
    int replaces = 0;
    boolean changed = false;
    int kept = 0;
    int keptFailed = 0;
    for (int sample = 0; sample < asked.samples(); sample++) {
      Row there = made.get(sample);
      if (there == null) {
        due.add(RowFactory.create(sample, 0));
        continue;
      }
      boolean failed = there.getBoolean(2);
      boolean other = !asked.hash().equals(there.getString(3));
      if (failed && rules.failed() == ResumeRules.Failed.RETRY
          || other && rules.changed() == ResumeRules.Changed.REGENERATE) {
        // What is asked anew begins anew.
        due.add(RowFactory.create(sample, other ? 0 : there.getInt(1)));
        replaces++;
      } else {
        changed |= other;
        kept++;
        keptFailed += failed ? 1 : 0;
      }
    }
    return planned(
        row,
        CollectionConverters.asScala(due).toSeq(),
        replaces,
        asked.samples(),
        kept,
        keptFailed,
        changed);
  }

  private static Map<Integer, Row> made(Row row) {
    Map<Integer, Row> made = new HashMap<>();
    int at = row.fieldIndex(DueRow.MADE);
    if (!row.isNullAt(at)) {
      List<Row> samples = row.getList(at);
      samples.forEach(sample -> made.put(sample.getInt(0), sample));
    }
    return made;
  }

  /** The row with the plan's columns in the place of {@link DueRow#MADE}. */
  private static Row planned(Row row, Object... plan) {
    String[] names = row.schema().fieldNames();
    boolean carries = names[names.length - 1].equals(InputTable.INPUT);
    int own = names.length - (carries ? 2 : 1);
    List<Object> values = new ArrayList<>();
    for (int i = 0; i < own; i++) {
      values.add(row.get(i));
    }
    values.addAll(List.of(plan));
    if (carries) {
      values.add(row.get(names.length - 1));
    }
    return RowFactory.create(values.toArray());
  }
}
