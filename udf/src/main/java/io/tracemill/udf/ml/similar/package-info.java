/**
 * Prompts that are nearly the same, so that a table is looked at before it is generated from.
 * Depends on Spark's SQL and MLlib.
 */
package io.tracemill.udf.ml.similar;
