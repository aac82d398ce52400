/**
 * Mathematical answers as trees: cleaning of LaTeX, parsing, exact and numeric comparison. Pure
 * Java over Rings (polynomials); no Spark types. Only {@link io.tracemill.udf.grade} uses it.
 */
package io.tracemill.udf.grade.math;
