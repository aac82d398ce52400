/**
 * The report of a run: figures from its tables ({@code data}), drawn ({@code chart}) and written as
 * one page ({@code page}). Depends on these and on {@code job.error}.
 */
package io.tracemill.job.report;
