// Databricks notebook source
// MAGIC %md
// MAGIC # Run the demo
// MAGIC Some problems go through a small reasoning model twice: with a compressed KV cache (RPC) and with a full one.
// MAGIC The tables that this notebook writes are what the other notebooks read.
// MAGIC
// MAGIC The cluster needs Tracemill's jars (`.tracemill/lib` and `.tracemill/jars` after `bin/tracemill build`), Delta, and
// MAGIC a folder that all its machines see. No GPU is needed.

// COMMAND ----------

// A checkout of Tracemill, for the model and the prompts, and the folder for tables.
val home = spark.conf.get("tracemill.notebook.home", "/Workspace/tracemill")
val tables = spark.conf.get("tracemill.notebook.tables", "/dbfs/tmp/tracemill-demo")

// COMMAND ----------

// The easier problems of the demo, so that this takes a minute on two CPU cores.
spark.read.json(s"$home/demo/prompts.jsonl")
  .where("steps BETWEEN 4 AND 5").orderBy("id").limit(8)
  .coalesce(1).write.mode("overwrite").json(s"$tables/prompts")

// COMMAND ----------

// MAGIC %md
// MAGIC A run is the same command line as `bin/tracemill run` and `spark-submit`. The second run starts with the engine of
// MAGIC the first: the model is loaded once.

// COMMAND ----------

import io.tracemill.job.ReasoningJob

for (policy <- Seq("rpc", "full")) {
  ReasoningJob.runInSession(
    "run",
    "--input", s"$tables/prompts", "--input-format", "json",
    "--model", s"$home/demo/model",
    "--output", s"$tables/$policy",
    "--kv-policy", policy, "--rpc-interval", "256", "--rpc-window", "64", "--rpc-ratio", "4",
    "--temperature", "0", "--top-p", "1", "--max-new-tokens", "2000",
    "--slots", "16", "--kv-memory", "64m")
}

// COMMAND ----------

// Makes traces, runs and the tm_ views of all runs below the folder, and registers the SQL functions.
import io.tracemill.job.output.TableViews
TableViews.register(spark, tables)

// COMMAND ----------

// MAGIC %sql
// MAGIC SELECT kv_policy, rows, correct, accuracy, mean_generated_tokens, saved_ratio
// MAGIC FROM tm_compression_accuracy
// MAGIC ORDER BY kv_policy

// COMMAND ----------

// The report: one HTML file with all figures, for a browser.
ReasoningJob.runInSession(
  "report", "--output", tables, "--group-by", "input.family", "--to", s"$tables/report.html")
