# Databricks notebook source
# MAGIC %md
# MAGIC # Grade answers in SQL
# MAGIC The functions work on any table of outputs and right answers; the engine is not needed.

# COMMAND ----------

# MAGIC %scala
# MAGIC // The tables of the first notebook, or any folder that runs wrote to.
# MAGIC val tables = spark.conf.get("tracemill.notebook.tables", "/dbfs/tmp/tracemill-demo")
# MAGIC io.tracemill.job.output.TableViews.register(spark, tables)

# COMMAND ----------

# Answers are compared as mathematics, and the rule that decided is told.
spark.sql("""
    SELECT a, b, tm_compare_answers(a, b).equal AS equal, tm_compare_answers(a, b).rule AS rule
    FROM VALUES ('1/2', '0.5'), ('\\\\frac{3}{4}', '75%'), ('(x+1)^2', 'x^2+2x+1'), ('{1, 2}', '{2, 1}'), ('12', '13')
      AS pairs(a, b)
""").show()

# COMMAND ----------

# MAGIC %sql
# MAGIC -- Accuracy by kind of problem. Rows that were cut off have no answer and count as wrong.
# MAGIC SELECT kv_policy.name AS policy, input.family, score.correct, score.n, score.accuracy, score.low, score.high
# MAGIC FROM (
# MAGIC   SELECT kv_policy, input, tm_accuracy(correct) OVER (PARTITION BY kv_policy.name, input.family) AS score,
# MAGIC     row_number() OVER (PARTITION BY kv_policy.name, input.family ORDER BY row_key) AS place
# MAGIC   FROM tm_graded
# MAGIC )
# MAGIC WHERE place = 1
# MAGIC ORDER BY policy, family

# COMMAND ----------

# The views grade with the same function: both ways must agree.
own = spark.sql("""
    SELECT kv_policy.name AS policy, count_if(tm_is_correct(tm_extract_answer(trace), input.answer)) AS correct
    FROM traces GROUP BY 1 ORDER BY 1
""").collect()
view = spark.sql("SELECT kv_policy AS policy, correct FROM tm_compression_accuracy ORDER BY 1").collect()
assert own == view, f"{own} is not {view}"

# COMMAND ----------

# Both runs as two samples of a problem: the chance that one of two is right, and what most say.
spark.sql("""
    SELECT row_key, tm_pass_at_k(correct, 2) AS pass_at_2,
      tm_majority_vote(extracted_answer).answer AS vote, tm_majority_vote(extracted_answer).share AS share
    FROM tm_graded
    GROUP BY row_key
    ORDER BY row_key
""").show()

# COMMAND ----------

# What is kept for later is a table like any other.
spark.sql("SELECT run_id, row_key, sample_index, correct FROM tm_graded").createOrReplaceTempView("verdicts")
print(spark.table("verdicts").count(), "verdicts")
