/**
 * Predicts how many tokens a prompt will lead to, as a distribution, from a traces table; for the
 * time a run takes, for planning memory, and for dealing rows to partitions. Depends on {@code
 * udf}, on Spark's SQL and MLlib, and on MLlib's numerical library, Breeze.
 */
package io.tracemill.udf.ml.length;
