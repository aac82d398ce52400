package io.tracemill.job.output;

/** A form in which a finished run is written beside its tables. */
public enum Export {
  /** The answer and error files of OpenAI's Batch interface. */
  OPENAI_BATCH
}
