/**
 * How tables lie in folders where the format itself has no commits: which Parquet files belong to a
 * table and which do not (yet). Used by views and by the job. Depends on Spark SQL and Hadoop's
 * file systems.
 */
package io.tracemill.udf.table;
