package io.tracemill.udf.grade.math;

/** An answer that is not mathematics as far as the parser knows; carries no stack trace. */
final class UnreadableAnswer extends RuntimeException {
  private static final long serialVersionUID = 1L;

  UnreadableAnswer(String reason) {
    super(reason, null, false, false);
  }
}
