package io.tracemill.job.output;

import java.util.Locale;

/** Formats of the result tables. */
public enum OutputFormat {
  DELTA,
  PARQUET;

  /** The name that options and Spark use. */
  public String label() {
    return name().toLowerCase(Locale.ROOT);
  }
}
