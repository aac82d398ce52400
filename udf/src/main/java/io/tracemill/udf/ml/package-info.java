/**
 * Generation as a stage of Spark ML. Its parts: {@code ml.length} predicts how long traces get,
 * {@code ml.score} evaluates them, {@code ml.similar} finds near-duplicate prompts. Spark stores
 * class names in saved pipelines: moving a class of these packages breaks them.
 *
 * <p>Depends on {@code udf}, {@code udf.prompt}, {@code udf.trace}, {@code udf.model}, the engine's
 * facade, and Spark's SQL and MLlib.
 */
package io.tracemill.udf.ml;
