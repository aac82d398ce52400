package io.tracemill.job.input;

/** A row that cannot be generated as it asks; the message is the sentence for its error column. */
final class BadRowException extends Exception {
  private static final long serialVersionUID = 1L;

  BadRowException(String message) {
    super(message);
  }
}
