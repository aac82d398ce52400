/**
 * What a report says, in numbers: which runs it is about, and every figure as a query over their
 * tables that brings back aggregates only. Knows nothing of charts and pages. Depends on {@code
 * job.output}, {@code job.error} and the views of {@code udf.sql}.
 */
package io.tracemill.job.report.data;
