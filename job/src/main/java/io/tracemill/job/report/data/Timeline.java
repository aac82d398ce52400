package io.tracemill.job.report.data;

import java.util.ArrayList;
import java.util.List;
import org.apache.spark.sql.Row;

/**
 * How busy a run was over its time, in equal intervals. Pauses between the parts of a resumed run
 * are left out.
 *
 * @param source where the figures come from
 * @param intervalSeconds length of an interval
 * @param points by side and time
 */
public record Timeline(Source source, double intervalSeconds, List<Point> points) {
  private static final int INTERVALS = 100;

  public Timeline {
    points = List.copyOf(points);
  }

  /** Where a timeline comes from. */
  public enum Source {
    /** The engines reported it while they ran. */
    ENGINES,
    /** Derived from the rows: tokens spread evenly over the time in which a row decoded. */
    ROWS
  }

  /**
   * One interval; summed over executors.
   *
   * @param seconds from the run's start to the middle of the interval
   * @param tokensPerSecond generated
   * @param running rows that decoded at once
   * @param slots rows that could; NaN where not known
   * @param kvShare share of the KV pages in use; NaN where not known
   */
  public record Point(
      Side side,
      double seconds,
      double tokensPerSecond,
      double running,
      double slots,
      double kvShare) {}

  static Timeline read(ReportTables tables) {
    if (tables.hasTimeline()) {
      Timeline reported = read(tables, Source.ENGINES, reported(tables));
      boolean whole =
          tables.subjects().size()
              == reported.points().stream().map(Point::side).distinct().count();
      if (whole) {
        return reported;
      }
    }
    return read(tables, Source.ROWS, DERIVED);
  }

  private static Timeline read(ReportTables tables, Source source, String samples) {
    String parts = "WITH samples AS (%s), %s".formatted(samples, PARTS);
    double seconds =
        Sql.number(
            tables
                .query(parts + " SELECT coalesce(max(offset + until - since), 0D) AS s FROM parts")
                .get(0),
            "s");
    double interval = Math.max(seconds / INTERVALS, 0.1);
    List<Point> points = new ArrayList<>();
    String query = source == Source.ENGINES ? "SELECT * FROM (" + ENGINE_POINTS + ")" : ROW_POINTS;
    for (Row row :
        tables.query(parts + query.replace("%W%", Double.toString(interval)) + " ORDER BY 1, 2")) {
      points.add(
          new Point(
              Sql.side(row),
              (Sql.whole(row, "bin") + 0.5) * interval,
              Sql.number(row, "tokens_per_second"),
              Sql.number(row, "running"),
              Sql.number(row, "slots"),
              Sql.number(row, "kv_share")));
    }
    return new Timeline(source, interval, points);
  }

  /** When each part of a run began and ended, and how much time the parts before it took. */
  private static final String PARTS =
      """
      parts AS (
        SELECT
          *,
          coalesce(sum(until - since) OVER (
            PARTITION BY side ORDER BY since
            ROWS BETWEEN UNBOUNDED PRECEDING AND 1 PRECEDING), 0D) AS offset
        FROM (
          SELECT side, run_id, min(since) AS since, max(until) AS until
          FROM samples
          GROUP BY side, run_id
        )
      )
      """;

  /** Rows as samples: seconds since 1970 at which a row's decoding began and ended. */
  private static final String DERIVED =
      """
      SELECT
        side, run_id, executor_id, generated_tokens AS tokens,
        (unix_millis(finished_at) - decode_ms) / 1000 AS since,
        unix_millis(finished_at) / 1000 AS until
      FROM report_rows
      WHERE status = 'ok' AND decode_ms > 0
      """;

  private static final String ROW_POINTS =
      """
      SELECT
        side,
        bin,
        sum(tokens * share) / %W% AS tokens_per_second,
        sum(seconds) / %W% AS running,
        CAST(NULL AS DOUBLE) AS slots,
        CAST(NULL AS DOUBLE) AS kv_share
      FROM (
        SELECT
          side, bin, tokens,
          greatest(least(last, (bin + 1) * %W%) - greatest(first, bin * %W%), 0) AS seconds,
          greatest(least(last, (bin + 1) * %W%) - greatest(first, bin * %W%), 0) / (last - first)
            AS share
        FROM (
          SELECT
            s.side, s.tokens,
            offset + s.since - p.since AS first,
            offset + s.until - p.since AS last
          FROM samples s JOIN parts p ON s.side = p.side AND s.run_id = p.run_id
        ) LATERAL VIEW explode(
            sequence(CAST(floor(first / %W%) AS BIGINT), CAST(floor(last / %W%) AS BIGINT))) b AS bin
      )
      GROUP BY side, bin
      """;

  /** What engines reported; a sample lasts from the one before it. */
  private static String reported(ReportTables tables) {
    return """
        SELECT
          side, run_id, point.*,
          coalesce(
            unix_millis(lag(point.at) OVER (
              PARTITION BY run_id, point.executor_id ORDER BY point.at)),
            unix_millis(started_at)) / 1000 AS since,
          unix_millis(point.at) / 1000 AS until
        FROM (
          SELECT %s AS side, run_id, started_at, explode(timeline) AS point
          FROM report_runs
          WHERE %s
        )
        """
        .formatted(tables.sideOfRun(), tables.ownRuns());
  }

  private static final String ENGINE_POINTS =
      """
      SELECT
        side,
        bin,
        sum(tokens_per_second) AS tokens_per_second,
        sum(running) AS running,
        sum(slots) AS slots,
        try_divide(sum(kv_pages_used), sum(kv_pages)) AS kv_share
      FROM (
        SELECT
          s.side,
          bin,
          s.executor_id,
          avg(s.tokens_per_second) AS tokens_per_second,
          avg(s.slots_used) AS running,
          avg(s.slots) AS slots,
          avg(s.kv_pages_used) AS kv_pages_used,
          avg(s.kv_pages) AS kv_pages
        FROM samples s JOIN parts p ON s.side = p.side AND s.run_id = p.run_id
          LATERAL VIEW explode(sequence(
            CAST(floor((offset + s.since - p.since) / %W%) AS BIGINT),
            greatest(
              CAST(floor((offset + s.since - p.since) / %W%) AS BIGINT),
              CAST(ceil((offset + s.until - p.since) / %W%) AS BIGINT) - 1))) b AS bin
        GROUP BY s.side, bin, s.executor_id
      )
      GROUP BY side, bin
      """;
}
