-- Databricks notebook source
-- MAGIC %md
-- MAGIC # Compare a full cache with RPC
-- MAGIC The same rows ran twice. What did compression save, and what did it cost?

-- COMMAND ----------

-- MAGIC %scala
-- MAGIC // The tables of the first notebook, or any folder that runs wrote to.
-- MAGIC val tables = spark.conf.get("tracemill.notebook.tables", "/dbfs/tmp/tracemill-demo")
-- MAGIC io.tracemill.job.output.TableViews.register(spark, tables)

-- COMMAND ----------

-- Accuracy with Wilson's 95 % interval beside what was saved.
SELECT kv_policy, interval, window, ratio, rows, accuracy, accuracy_low, accuracy_high,
  saved_ratio, mean_peak_rows, tokens_per_correct
FROM tm_compression_accuracy
ORDER BY kv_policy

-- COMMAND ----------

-- Speed. With a fixed pool of KV memory, smaller caches let more rows run at once.
SELECT kv_policy, rows, generated_tokens, seconds, run_tokens_per_second, mean_running_rows, queue_share
FROM tm_throughput
ORDER BY kv_policy

-- COMMAND ----------

-- MAGIC %md
-- MAGIC Rows meet by key and sample. `lost` is right with the full cache only, `won` with RPC only. The difference is
-- MAGIC significant where the two are further apart than coin tosses would be; `bin/tracemill report` does the test.

-- COMMAND ----------

SELECT outcome, count(*) AS rows, round(avg(compressed_tokens / full_tokens), 2) AS length_ratio,
  round(avg(peak_compression), 2) AS peak_compression
FROM tm_full_against_compressed
GROUP BY outcome
ORDER BY outcome

-- COMMAND ----------

-- Which rows differ first: where the two runs gave different answers.
SELECT row_key, outcome, full_answer, compressed_answer, full_tokens, compressed_tokens
FROM tm_full_against_compressed
WHERE NOT same_answer
ORDER BY full_tokens, row_key
LIMIT 20

-- COMMAND ----------

-- MAGIC %python
-- MAGIC # Rows that were never compressed must be equal word for word: batches and caches do not change tokens.
-- MAGIC different = spark.sql("""
-- MAGIC     SELECT count(*) AS rows
-- MAGIC     FROM traces a JOIN traces b ON a.row_key = b.row_key AND a.sample_index = b.sample_index
-- MAGIC     WHERE a.kv_policy.name = 'full' AND b.kv_policy.name <> 'full' AND b.compressions = 0
-- MAGIC       AND a.trace <> b.trace
-- MAGIC """).first().rows
-- MAGIC assert different == 0, f"{different} rows differ without compression"
