/**
 * The report's charts: JFreeChart draws them, Batik turns them into SVG whose colours are classes
 * of the page's style sheet. Depends on {@code job.report.data}.
 */
package io.tracemill.job.report.chart;
