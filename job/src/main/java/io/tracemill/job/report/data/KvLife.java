package io.tracemill.job.report.data;

import java.util.ArrayList;
import java.util.List;
import org.apache.spark.sql.Row;

/**
 * KV rows that a trace holds while it grows, over the rows that ran and are still growing at a
 * step. The rows of a step follow from the account of a trace: prompt and steps so far, less what
 * earlier compressions removed.
 *
 * @param points by side and step
 * @param sampledOneIn 1, or n where every nth row was looked at
 */
public record KvLife(List<Point> points, long sampledOneIn) {
  private static final int MOST_STEPS = 240;
  private static final long MOST_TRACES = 200_000;

  public KvLife {
    points = List.copyOf(points);
  }

  /**
   * One step.
   *
   * @param step decode step, from 1
   * @param traces that had not ended
   * @param mean KV rows attended to, mean over these traces
   * @param low their tenth percentile
   * @param high their ninetieth percentile
   * @param full the mean, had the cache been full
   */
  public record Point(
      Side side, long step, long traces, double mean, double low, double high, double full) {}

  static KvLife read(ReportTables tables) {
    Row size =
        tables
            .query(
                """
                SELECT coalesce(max(generated_tokens), 0) AS longest, count(*) AS rows
                FROM report_rows WHERE status = 'ok'
                """)
            .get(0);
    long sampledOneIn = Math.max(1, Sql.whole(size, "rows") / MOST_TRACES);
    long width =
        Steps.dividing(Math.max(1, Sql.whole(size, "longest")), MOST_STEPS, period(tables));
    List<Point> points = new ArrayList<>();
    for (Row row :
        tables.query(
            """
            SELECT
              side,
              step,
              count(*) AS traces,
              avg(held) AS mean,
              percentile_approx(held, 0.1D) AS low,
              percentile_approx(held, 0.9D) AS high,
              avg(full) AS full
            FROM (
              SELECT
                side,
                step,
                prompt_tokens + step AS full,
                prompt_tokens + step - aggregate(
                  filter(compression_events, e -> e.step < t.step),
                  0,
                  (removed, e) -> removed + e.rows_before - e.rows_after) AS held
              FROM report_rows
                LATERAL VIEW explode(sequence(%1$d, generated_tokens - 1, %1$d)) t AS step
              WHERE status = 'ok' AND generated_tokens > %1$d
                AND pmod(xxhash64(row_key, sample_index), %2$d) = 0
            )
            GROUP BY side, step
            ORDER BY side, step
            """
                .formatted(width, sampledOneIn))) {
      points.add(
          new Point(
              Sql.side(row),
              Sql.whole(row, "step"),
              Sql.whole(row, "traces"),
              Sql.number(row, "mean"),
              Sql.number(row, "low"),
              Sql.number(row, "high"),
              Sql.number(row, "full")));
    }
    return new KvLife(points, sampledOneIn);
  }

  /** Steps between two compressions of a trace, or 1 where nothing was compressed twice. */
  private static long period(ReportTables tables) {
    List<Row> rows =
        tables.query(
            """
            SELECT compression_events[1].step - compression_events[0].step AS period
            FROM report_rows
            WHERE size(compression_events) > 1
            GROUP BY 1
            ORDER BY count(*) DESC, 1
            LIMIT 1
            """);
    return rows.isEmpty() ? 1 : Math.max(1, Sql.whole(rows.get(0), "period"));
  }
}
