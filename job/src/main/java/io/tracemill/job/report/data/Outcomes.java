package io.tracemill.job.report.data;

import io.tracemill.job.report.data.Overview.Share;
import java.util.ArrayList;
import java.util.List;
import java.util.Optional;
import org.apache.spark.sql.Row;

/**
 * How rows ended and how many were right.
 *
 * @param finishes rows by finish reason, the most frequent first
 * @param groups accuracy by the request's group; empty where none was asked for
 * @param failures kinds of rows without a complete output, the most frequent first
 */
public record Outcomes(List<Finish> finishes, List<Group> groups, List<Failure> failures) {
  private static final int MOST_GROUPS = 12;
  private static final int MOST_FAILURES = 20;
  private static final int MESSAGE_CHARACTERS = 300;

  public Outcomes {
    finishes = List.copyOf(finishes);
    groups = List.copyOf(groups);
    failures = List.copyOf(failures);
  }

  /**
   * Rows of one finish reason.
   *
   * @param reason such as {@code stop}; {@code error} for rows that failed
   * @param share of the run's rows
   */
  public record Finish(Side side, String reason, long rows, double share, long tokens) {}

  /** Accuracy of one group. */
  public record Group(Side side, String name, Share accuracy) {}

  /**
   * A kind of failure.
   *
   * @param kind the error class of an error row, else the finish reason
   * @param tokens generated in vain
   * @param example key of the first row of the kind
   * @param message of that row; empty where it is no error
   */
  public record Failure(
      Side side,
      String kind,
      long rows,
      double share,
      long tokens,
      String example,
      Optional<String> message) {}

  static Outcomes read(ReportTables tables) {
    List<Finish> finishes = new ArrayList<>();
    for (Row row :
        tables.query(
            """
            SELECT
              side,
              CASE WHEN status = 'ok' THEN finish_reason ELSE 'error' END AS reason,
              count(*) AS rows,
              count(*) / sum(count(*)) OVER (PARTITION BY side) AS share,
              sum(generated_tokens) AS tokens
            FROM report_rows
            GROUP BY 1, 2
            ORDER BY side, rows DESC, reason
            """)) {
      finishes.add(
          new Finish(
              Sql.side(row),
              Sql.string(row, "reason"),
              Sql.whole(row, "rows"),
              Sql.number(row, "share"),
              Sql.whole(row, "tokens")));
    }
    return new Outcomes(finishes, groups(tables), failures(tables));
  }

  private static List<Group> groups(ReportTables tables) {
    List<Group> groups = new ArrayList<>();
    for (Row row :
        tables.query(
            """
            SELECT side, answer_group, tm_accuracy(correct) AS verdict
            FROM report_rows
            WHERE answer_group IN (
              SELECT answer_group FROM report_rows WHERE correct IS NOT NULL
              GROUP BY answer_group ORDER BY count(*) DESC, answer_group LIMIT %d)
            GROUP BY side, answer_group
            ORDER BY answer_group, side
            """
                .formatted(MOST_GROUPS))) {
      Share.of(row.getStruct(row.fieldIndex("verdict")))
          .ifPresent(
              share ->
                  groups.add(new Group(Sql.side(row), Sql.string(row, "answer_group"), share)));
    }
    return groups;
  }

  private static List<Failure> failures(ReportTables tables) {
    List<Failure> failures = new ArrayList<>();
    for (Row row :
        tables.query(
            """
            SELECT
              f.side, f.kind, f.rows, f.rows / r.rows AS share, f.tokens, f.example, f.message
            FROM (
              SELECT
                side,
                CASE WHEN status = 'ok' THEN finish_reason ELSE coalesce(error_class, 'unknown') END
                  AS kind,
                count(*) AS rows,
                sum(generated_tokens) AS tokens,
                min(row_key) AS example,
                left(min_by(error_message, row_key), %d) AS message
              FROM report_texts
              WHERE status <> 'ok' OR NOT complete
              GROUP BY 1, 2
            ) f JOIN (SELECT side, count(*) AS rows FROM report_rows GROUP BY side) r
              ON f.side = r.side
            ORDER BY side, f.rows DESC, kind
            LIMIT %d
            """
                .formatted(MESSAGE_CHARACTERS, MOST_FAILURES))) {
      failures.add(
          new Failure(
              Sql.side(row),
              Sql.string(row, "kind"),
              Sql.whole(row, "rows"),
              Sql.number(row, "share"),
              Sql.whole(row, "tokens"),
              Sql.string(row, "example"),
              Sql.optionalString(row, "message")));
    }
    return failures;
  }
}
