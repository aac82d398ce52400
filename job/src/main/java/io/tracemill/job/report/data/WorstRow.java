package io.tracemill.job.report.data;

import java.util.ArrayList;
import java.util.List;
import java.util.Optional;
import org.apache.spark.sql.Row;

/**
 * A row that went wrong, with as much of its text as a page can show. Texts are as the user and the
 * model wrote them: nothing in them may be trusted.
 *
 * @param kind what went wrong
 * @param head the beginning of the output
 * @param tail its end; empty where {@code head} is all of it
 * @param omittedCharacters between the two
 */
public record WorstRow(
    Kind kind,
    String rowKey,
    String finishReason,
    long generatedTokens,
    long compressions,
    Optional<String> gold,
    Optional<String> answer,
    Optional<String> error,
    String prompt,
    String head,
    String tail,
    long omittedCharacters) {
  private static final int ROWS_OF_A_KIND = 3;
  private static final int PROMPT_CHARACTERS = 600;
  private static final int HEAD_CHARACTERS = 500;
  private static final int TAIL_CHARACTERS = 900;

  /** What is wrong with a row, worst first. */
  public enum Kind {
    /** It failed. */
    ERROR,
    /** It repeated itself until it was stopped. */
    LOOP,
    /** It ended without the model's own end. */
    CUT,
    /** Its answer is wrong where the baseline's is right. */
    LOST,
    /** Its answer is wrong. */
    WRONG
  }

  static List<WorstRow> read(ReportTables tables) {
    List<WorstRow> rows = new ArrayList<>();
    for (Row row : tables.query(QUERY)) {
      rows.add(
          new WorstRow(
              Kind.values()[(int) Sql.whole(row, "kind")],
              Sql.string(row, "name"),
              Sql.string(row, "finish_reason"),
              Sql.whole(row, "generated_tokens"),
              Sql.whole(row, "compressions"),
              Sql.optionalString(row, "gold"),
              Sql.optionalString(row, "extracted_answer"),
              Sql.optionalString(row, "error_message"),
              Sql.string(row, "prompt"),
              Sql.string(row, "head"),
              Sql.string(row, "tail"),
              Sql.whole(row, "omitted")));
    }
    return rows;
  }

  /** Keys are picked from the slim rows; long text is read of these few only. */
  private static final String QUERY =
      """
      WITH judged AS (
        SELECT
          r.run_id, r.row_key, r.sample_index, r.generated_tokens,
          CASE
            WHEN r.status <> 'ok' THEN 0
            WHEN r.finish_reason = 'loop' THEN 1
            WHEN NOT r.complete THEN 2
            WHEN NOT r.correct AND b.correct THEN 3
            WHEN NOT r.correct THEN 4
          END AS kind
        FROM report_rows r LEFT JOIN (
            SELECT row_key, sample_index, bool_or(correct) AS correct
            FROM report_rows WHERE side = 1 GROUP BY row_key, sample_index) b
          ON r.row_key = b.row_key AND r.sample_index = b.sample_index
        WHERE r.side = 0
      ), picked AS (
        SELECT * FROM (
          SELECT
            *,
            row_number() OVER (
              PARTITION BY kind ORDER BY generated_tokens DESC, row_key, sample_index) AS place
          FROM judged WHERE kind IS NOT NULL
        ) WHERE place <= %d
      )
      SELECT
        p.kind,
        CASE WHEN t.sample_index = 0 THEN t.row_key ELSE concat(t.row_key, ' #', t.sample_index) END
          AS name,
        t.finish_reason, t.generated_tokens, t.compressions,
        left(t.gold, 200) AS gold,
        left(t.extracted_answer, 200) AS extracted_answer,
        left(t.error_message, 400) AS error_message,
        left(t.prompt, %d) AS prompt,
        CASE WHEN length(t.trace) <= %4$d THEN t.trace ELSE left(t.trace, %3$d) END AS head,
        CASE WHEN length(t.trace) <= %4$d THEN '' ELSE right(t.trace, %5$d) END AS tail,
        greatest(length(t.trace) - %4$d, 0) AS omitted
      FROM picked p JOIN report_texts t
        ON p.run_id = t.run_id AND p.row_key = t.row_key AND p.sample_index = t.sample_index
      ORDER BY p.kind, p.place
      """
          .formatted(
              ROWS_OF_A_KIND,
              PROMPT_CHARACTERS,
              HEAD_CHARACTERS,
              HEAD_CHARACTERS + TAIL_CHARACTERS,
              TAIL_CHARACTERS);
}
