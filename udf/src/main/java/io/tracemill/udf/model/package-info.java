/**
 * Models that lie on a file system of Hadoop: what is there, which files are needed, and one copy
 * of them per host; query calibrations beside them. Depends on {@code udf.host}, {@code engine}
 * (options), {@code engine.compress}, {@code engine.error} and Hadoop's file systems.
 */
package io.tracemill.udf.model;
