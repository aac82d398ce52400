/**
 * SQL functions and views over the tables that a run writes. Registered by one call or by a session
 * extension; the functions themselves are in {@code udf.grade}. Depends on {@code udf.grade},
 * {@code udf.table}, {@code engine.text} and Spark SQL; the only package that touches Spark's
 * private Catalyst classes, and only to describe functions and to build them for an extension.
 */
package io.tracemill.udf.sql;
