/**
 * Predicts how many tokens a prompt will lead to, as a distribution, from a traces table; for the
 * time a run takes, for planning memory, and for dealing rows to partitions. Depends on {@code udf}
 * and on Spark's SQL and MLlib.
 */
package io.tracemill.udf.ml.length;
