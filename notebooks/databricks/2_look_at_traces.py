# Databricks notebook source
# MAGIC %md
# MAGIC # Look at traces
# MAGIC `traces` has one row for each output: outcome, lengths, the account of its KV cache, times, and the text last.

# COMMAND ----------

# MAGIC %scala
# MAGIC // The tables of the first notebook, or any folder that runs wrote to.
# MAGIC val tables = spark.conf.get("tracemill.notebook.tables", "/dbfs/tmp/tracemill-demo")
# MAGIC io.tracemill.job.output.TableViews.register(spark, tables)

# COMMAND ----------

traces = spark.table("traces")
print(traces.count(), "rows with", len(traces.columns), "columns")

# COMMAND ----------

# How rows ended. Only stop and stop_string are whole outputs.
spark.sql("""
    SELECT kv_policy.name AS policy, status, finish_reason, count(*) AS rows,
      round(avg(generated_tokens)) AS tokens
    FROM traces
    GROUP BY ALL
    ORDER BY ALL
""").show()

# COMMAND ----------

# One trace, as the model wrote it: the longest that was compressed.
longest = spark.sql("""
    SELECT row_key, prompt, trace, extracted_answer, input.answer AS gold
    FROM traces
    WHERE compressions > 0
    ORDER BY generated_tokens DESC, row_key
    LIMIT 1
""").first()
print(longest.row_key, longest.prompt)
print(longest.trace[:600])
print("answer:", longest.extracted_answer, " right:", longest.gold)

# COMMAND ----------

# MAGIC %md
# MAGIC Every compression is on record: at which step, how many KV rows there were before and after, and the lowest
# MAGIC score that was kept.

# COMMAND ----------

# MAGIC %sql
# MAGIC SELECT row_key, event.step, event.rows_before, event.rows_after, event.candidates, event.retained, event.score_cut
# MAGIC FROM (SELECT row_key, explode(compression_events) AS event FROM traces)
# MAGIC ORDER BY row_key, event.step
# MAGIC LIMIT 20

# COMMAND ----------

# What the tail costs: the slowest row decides when a run ends.
display(spark.sql("""
    SELECT run_id, rows, tokens_p50, tokens_p99, tokens_max, longest_row, round(max_over_median, 1) AS max_over_median
    FROM tm_tails
"""))

# COMMAND ----------

# Thinking that goes round in circles: repeated runs of eight words, and loops at the end.
spark.sql("""
    SELECT row_key, kv_policy.name AS policy, round(tm_repetition_score(trace), 3) AS repeated,
      round(tm_loop_share(trace), 3) AS looping, round(tm_trace_entropy(trace), 2) AS bits_a_word
    FROM traces
    ORDER BY repeated DESC, row_key
    LIMIT 10
""").show()
