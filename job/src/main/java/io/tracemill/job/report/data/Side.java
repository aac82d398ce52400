package io.tracemill.job.report.data;

/** Which of a report's runs a figure belongs to; the ordinal is the column {@code side} in SQL. */
public enum Side {
  /** The run that the report is about. */
  RUN,
  /** The run that it is compared with. */
  BASELINE
}
