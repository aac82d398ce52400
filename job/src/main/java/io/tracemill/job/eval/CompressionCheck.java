package io.tracemill.job.eval;

import io.tracemill.engine.compress.CompressionSchedule;
import io.tracemill.engine.compress.KeepRule;
import io.tracemill.engine.compress.KvCompressionPolicy;
import io.tracemill.engine.compress.KvPolicies;
import io.tracemill.job.input.KvPolicyText;
import java.util.List;
import java.util.Map;
import java.util.concurrent.ConcurrentHashMap;
import org.apache.spark.sql.Row;
import org.apache.spark.sql.api.java.UDF5;
import scala.collection.Seq;
import scala.jdk.javaapi.CollectionConverters;

/**
 * Whether the compressions that a backend recorded are those that a row's policy has in closed
 * form: as many, after the same steps, from as many rows to as many.
 */
final class CompressionCheck implements UDF5<String, Integer, Integer, Seq<Row>, Long, Integer> {
  private static final long serialVersionUID = 1L;

  /** Results, as they stand in a column. */
  static final int OTHERWISE = 0;

  static final int AS_PLANNED = 1;
  static final int WITHIN_BOUND = 2;

  /** Policies by their text; making one may read a file. */
  private static final Map<String, KvCompressionPolicy> POLICIES = new ConcurrentHashMap<>();

  /**
   * A compression as it was recorded.
   *
   * @param step decode step after which it ran
   * @param before rows before it
   * @param after rows after it
   */
  record Recorded(int step, int before, int after) {}

  @Override
  public Integer call(
      String policy,
      Integer promptTokens,
      Integer generatedTokens,
      Seq<Row> events,
      Long finalRows) {
    return check(
        POLICIES.computeIfAbsent(
            policy, text -> KvPolicies.create(KvPolicyText.ofOption("kv-policy", text))),
        promptTokens,
        generatedTokens,
        CollectionConverters.asJava(events).stream()
            .map(
                event ->
                    new Recorded(
                        event.<Integer>getAs("step"),
                        event.<Integer>getAs("rows_before"),
                        event.<Integer>getAs("rows_after")))
            .toList(),
        finalRows);
  }

  static int check(
      KvCompressionPolicy policy,
      int promptTokens,
      int generatedTokens,
      List<Recorded> events,
      long finalRows) {
    CompressionSchedule schedule = policy.schedule();
    // The last token is not fed back.
    int steps = Math.max(0, generatedTokens - 1);
    if (events.size() != schedule.compressionsAfter(promptTokens, steps)) {
      return OTHERWISE;
    }
    boolean exact = policy.keepRule() == KeepRule.AS_PLANNED;
    int step = 0;
    long rows = promptTokens;
    for (Recorded event : events) {
      rows += event.step() - (long) step;
      step = event.step();
      boolean due = step <= steps && schedule.dueAfter(promptTokens, step);
      int planned = schedule.rowsAfter(promptTokens, step);
      boolean kept = exact ? event.after() == planned : event.after() <= planned;
      if (!due || !kept || event.before() != rows || event.after() > rows) {
        return OTHERWISE;
      }
      rows = event.after();
    }
    if (finalRows != rows + steps - step) {
      return OTHERWISE;
    }
    return exact ? AS_PLANNED : WITHIN_BOUND;
  }
}
