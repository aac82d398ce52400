/**
 * Grading of outputs in plain Java: extraction of answers, their comparison, scores of traces,
 * estimators over samples. Depends on {@code engine.text} and, through {@code grade.math}, on
 * Rings; no Spark types, so that jobs, tests and benchmarks use it without a session. Every
 * function is deterministic and throws on no text.
 */
package io.tracemill.udf.grade;
