package io.tracemill.udf.sql;

/** The views, each with its query; every column's meaning stands in {@code docs/views.md}. */
enum ViewDefinition {
  /** One row a trace, graded; the other views read it. */
  GRADED(
      "tm_graded",
      """
      SELECT
        t.*,
        CAST(%GOLD% AS STRING) AS gold,
        t.finish_reason IN ('stop', 'stop_string') AS complete,
        CASE WHEN t.status = 'ok' THEN tm_is_correct(t.extracted_answer, CAST(%GOLD% AS STRING)) END
          AS correct
      FROM tm_traces t
      """),

  /** One row a run. */
  THROUGHPUT(
      "tm_throughput",
      """
      SELECT
        g.run_id,
        max(g.model_id) AS model_id,
        max(g.kv_policy.name) AS kv_policy,
        count(*) AS rows,
        sum(g.generated_tokens) AS generated_tokens,
        max(r.seconds) AS seconds,
        try_divide(sum(g.generated_tokens), max(r.seconds)) AS run_tokens_per_second,
        try_divide(count(*), max(r.seconds) / 60) AS rows_per_minute,
        try_divide(sum(g.generated_tokens), sum(g.decode_ms) / 1000) AS stream_tokens_per_second,
        try_divide(sum(g.decode_ms) / 1000, max(r.seconds)) AS mean_running_rows,
        try_divide(sum(g.queue_ms), sum(g.queue_ms + g.prefill_ms + g.decode_ms)) AS queue_share,
        try_divide(sum(g.compress_ms), sum(g.decode_ms)) AS compress_share
      FROM tm_graded g LEFT JOIN tm_runs r ON g.run_id = r.run_id
      GROUP BY g.run_id
      """),

  /** One row a run: how long its longest rows are. */
  TAILS(
      "tm_tails",
      """
      SELECT
        run_id,
        count(*) AS rows,
        percentile(generated_tokens, 0.5) AS tokens_p50,
        percentile(generated_tokens, 0.9) AS tokens_p90,
        percentile(generated_tokens, 0.99) AS tokens_p99,
        max(generated_tokens) AS tokens_max,
        max_by(row_key, generated_tokens) AS longest_row,
        percentile(decode_ms, 0.5) AS decode_ms_p50,
        percentile(decode_ms, 0.99) AS decode_ms_p99,
        max(decode_ms) AS decode_ms_max,
        try_divide(max(generated_tokens), percentile(generated_tokens, 0.5)) AS max_over_median,
        count_if(finish_reason = 'length') AS cut_rows,
        count_if(finish_reason = 'loop') AS looped_rows,
        try_divide(
          sum(CASE WHEN complete THEN 0 ELSE generated_tokens END), sum(generated_tokens))
          AS incomplete_token_share
      FROM tm_graded
      WHERE status = 'ok'
      GROUP BY run_id
      """),

  /** One row a run and kind of failure; cut and looped rows are failures too. */
  FAILURES(
      "tm_failures",
      """
      SELECT
        f.run_id,
        f.kind,
        count(*) AS rows,
        count(*) / max(f.run_rows) AS share,
        sum(f.generated_tokens) AS generated_tokens,
        min(f.row_key) AS example_row,
        min_by(f.error_message, f.row_key) AS example_message
      FROM (
        SELECT
          *,
          CASE WHEN status = 'error' THEN coalesce(error_class, 'unknown') ELSE finish_reason END
            AS kind,
          count(*) OVER (PARTITION BY run_id) AS run_rows
        FROM tm_graded
      ) f
      WHERE f.status = 'error' OR NOT f.complete
      GROUP BY f.run_id, f.kind
      """),

  /** One row a model and setting of the KV policy, over all runs with it. */
  COMPRESSION_ACCURACY(
      "tm_compression_accuracy",
      """
      SELECT
        s.model_id,
        s.kv_policy.name AS kv_policy,
        s.kv_policy.interval AS interval,
        s.kv_policy.window AS window,
        s.kv_policy.ratio AS ratio,
        s.kv_policy.mode AS mode,
        s.rows,
        s.verdict.n AS graded,
        s.verdict.correct AS correct,
        s.verdict.accuracy AS accuracy,
        s.verdict.low AS accuracy_low,
        s.verdict.high AS accuracy_high,
        s.complete_share,
        s.mean_generated_tokens,
        s.saved_ratio,
        s.mean_peak_rows,
        try_divide(s.row_steps, s.verdict.correct) AS kv_row_steps_per_correct,
        try_divide(s.generated_tokens, s.verdict.correct) AS tokens_per_correct
      FROM (
        SELECT
          model_id,
          kv_policy,
          count(*) AS rows,
          tm_accuracy(correct) AS verdict,
          avg(CASE WHEN complete THEN 1.0D ELSE 0.0D END) AS complete_share,
          avg(generated_tokens) AS mean_generated_tokens,
          try_divide(
            sum(kv_saved_ratio * generated_tokens), sum(generated_tokens)) AS saved_ratio,
          avg(kv_peak_rows) AS mean_peak_rows,
          sum(kv_mean_rows * generated_tokens) AS row_steps,
          sum(generated_tokens) AS generated_tokens
        FROM tm_graded
        WHERE status = 'ok'
        GROUP BY model_id, kv_policy
      ) s
      """),

  /** One row a row key and sample that ran with the full cache and with another policy. */
  FULL_AGAINST_COMPRESSED(
      "tm_full_against_compressed",
      """
      SELECT
        f.model_id,
        f.row_key,
        f.sample_index,
        f.run_id AS full_run_id,
        c.run_id AS compressed_run_id,
        c.kv_policy AS kv_policy,
        f.extracted_answer AS full_answer,
        c.extracted_answer AS compressed_answer,
        tm_answers_equal(f.extracted_answer, c.extracted_answer) AS same_answer,
        f.correct AS full_correct,
        c.correct AS compressed_correct,
        CASE
          WHEN f.correct IS NULL OR c.correct IS NULL THEN NULL
          WHEN f.correct AND c.correct THEN 'both'
          WHEN f.correct THEN 'lost'
          WHEN c.correct THEN 'won'
          ELSE 'neither'
        END AS outcome,
        f.generated_tokens AS full_tokens,
        c.generated_tokens AS compressed_tokens,
        f.kv_peak_rows AS full_peak_rows,
        c.kv_peak_rows AS compressed_peak_rows,
        tm_kv_compression(f.kv_peak_rows, c.kv_peak_rows) AS peak_compression,
        c.kv_saved_ratio AS saved_ratio
      FROM tm_graded f JOIN tm_graded c
        ON f.row_key = c.row_key AND f.sample_index = c.sample_index AND f.model_id = c.model_id
      WHERE f.kv_policy.name = 'full' AND c.kv_policy.name <> 'full'
        AND f.status = 'ok' AND c.status = 'ok'
      """);

  private final String viewName;
  private final String query;

  ViewDefinition(String viewName, String query) {
    this.viewName = viewName;
    this.query = query;
  }

  String viewName() {
    return viewName;
  }

  /** The query with the expression that gives a row's gold answer. */
  String query(String gold) {
    return query.replace("%GOLD%", gold);
  }
}
