// Databricks notebook source
// MAGIC %md
// MAGIC # Tune with Spark ML
// MAGIC `ReasoningTransformer` generates as a stage of a pipeline, the evaluators grade, and Spark's own tuning searches
// MAGIC settings of the KV policy and of sampling.

// COMMAND ----------

val home = spark.conf.get("tracemill.notebook.home", "/Workspace/tracemill")
val tables = spark.conf.get("tracemill.notebook.tables", "/dbfs/tmp/tracemill-demo")
io.tracemill.job.output.TableViews.register(spark, tables)

// COMMAND ----------

// Evaluators work on finished tables too: nothing is generated here.
import io.tracemill.udf.ml.score.{AccuracyEvaluator, KvRowsPerCorrectAnswerEvaluator}

val accuracy = new AccuracyEvaluator().setPredictionCol("extracted_answer").setLabelCol("input.answer")
for (policy <- Seq("rpc", "full")) {
  val rows = spark.table("traces").where(s"kv_policy.name = '$policy'")
  println(s"$policy: accuracy ${accuracy.evaluate(rows)}")
}

// COMMAND ----------

// Short problems with their answers. Cached: tuning splits them, and splits must not change.
val graded = spark.read.json(s"$home/demo/prompts.jsonl")
  .where("steps = 4").orderBy("id").limit(8).select("id", "prompt", "answer").cache()
println(s"${graded.count()} problems")

// COMMAND ----------

import io.tracemill.udf.ml.ReasoningTransformer

val generate = new ReasoningTransformer()
  .setModel(s"$home/demo/model").setKeyCol("id")
  .setTemperature(0).setTopP(1).setMaxNewTokens(800)
  .setKvPolicy("rpc").setKvInterval(128).setKvWindow(32).setKvRatio(2)
  .setSlots(16).setKvCacheBytes(64L << 20).setQueryRingTokens(32)

// COMMAND ----------

// MAGIC %md
// MAGIC The score below is KV rows read for each right answer: memory traffic that bought something. Each setting
// MAGIC generates its validation rows once. One engine serves all settings, since it is opened with what is equal in them.

// COMMAND ----------

import org.apache.spark.ml.{Pipeline, PipelineModel, PipelineStage}
import org.apache.spark.ml.tuning.{ParamGridBuilder, TrainValidationSplit}

val grid = new ParamGridBuilder().addGrid(generate.kvRatio, Array(2, 8)).build()
val tuned = new TrainValidationSplit()
  .setEstimator(new Pipeline().setStages(Array[PipelineStage](generate)))
  .setEvaluator(new KvRowsPerCorrectAnswerEvaluator())
  .setEstimatorParamMaps(grid)
  .setTrainRatio(0.5).setSeed(5)
  .fit(graded)
grid.zip(tuned.validationMetrics).foreach { case (setting, rows) =>
  println(s"c ${setting(generate.kvRatio)}: $rows KV rows for a right answer")
}

// COMMAND ----------

// The best setting is a pipeline like any other: it saves, and loads in another application.
val best = tuned.bestModel.asInstanceOf[PipelineModel]
best.write.overwrite().save(s"$tables/tuned")
val again = PipelineModel.load(s"$tables/tuned").stages(0).asInstanceOf[ReasoningTransformer]
println(again.explainParam(again.kvRatio))

// COMMAND ----------

// Gives the engine's memory back.
io.tracemill.udf.EngineHolder.closeIdle()
graded.unpersist()
