/**
 * Evaluators of Spark ML over generated rows, so that {@code ParamGridBuilder}, {@code
 * CrossValidator} and {@code TrainValidationSplit} can tune what and how is generated. Each runs
 * one Spark action: rows that are generated lazily are generated once. Depends on {@code
 * udf.grade}.
 */
package io.tracemill.udf.ml.score;
