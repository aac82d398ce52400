/**
 * What a result looks like in a table: names, types, meanings and values of columns. Depends on
 * {@code engine.api} and on Spark's types.
 */
package io.tracemill.udf.trace;
