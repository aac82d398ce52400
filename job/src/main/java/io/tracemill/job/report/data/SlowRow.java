package io.tracemill.job.report.data;

import java.util.ArrayList;
import java.util.List;
import org.apache.spark.sql.Row;

/**
 * One of the rows of a run that took longest.
 *
 * @param rowKey with the sample's number behind a hash sign where there are several
 * @param share of all generated tokens of the run
 */
public record SlowRow(
    String rowKey,
    String finishReason,
    long promptTokens,
    long generatedTokens,
    long compressions,
    double queueSeconds,
    double decodeSeconds,
    double share) {
  private static final int ROWS = 10;

  static List<SlowRow> read(ReportTables tables) {
    List<SlowRow> rows = new ArrayList<>();
    for (Row row :
        tables.query(
            """
            SELECT
              CASE WHEN sample_index = 0 THEN row_key ELSE concat(row_key, ' #', sample_index) END
                AS name,
              finish_reason, prompt_tokens, generated_tokens, compressions,
              queue_ms / 1000 AS queue_s,
              decode_ms / 1000 AS decode_s,
              try_divide(generated_tokens, total) AS share
            FROM report_rows
              CROSS JOIN (SELECT sum(generated_tokens) AS total FROM report_rows WHERE side = 0)
            WHERE side = 0 AND status = 'ok'
            ORDER BY decode_ms DESC, row_key, sample_index
            LIMIT %d
            """
                .formatted(ROWS))) {
      rows.add(
          new SlowRow(
              Sql.string(row, "name"),
              Sql.string(row, "finish_reason"),
              Sql.whole(row, "prompt_tokens"),
              Sql.whole(row, "generated_tokens"),
              Sql.whole(row, "compressions"),
              Sql.number(row, "queue_s"),
              Sql.number(row, "decode_s"),
              Sql.number(row, "share")));
    }
    return rows;
  }
}
