/**
 * The report as a page: one file of HTML without scripts and without anything fetched. All text is
 * escaped by {@link io.tracemill.job.report.page.Html}. Depends on {@code job.report.data} and
 * {@code job.report.chart}.
 */
package io.tracemill.job.report.page;
