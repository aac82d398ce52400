package io.tracemill.job.error;

import io.tracemill.job.error.JobException.Kind;

/** What the makers of errors share. */
final class Sentences {
  private Sentences() {}

  static JobException usage(String message) {
    return new JobException(Kind.USAGE, message, null);
  }

  static String firstLine(Throwable cause) {
    return sentence(Causes.sentence(cause));
  }

  static String bare(String sentence) {
    return sentence.endsWith(".") ? sentence.substring(0, sentence.length() - 1) : sentence;
  }

  static String sentence(String message) {
    String line = message.lines().findFirst().orElse("").strip().replaceFirst("[;,]$", "");
    return line.endsWith(".") || line.endsWith("?") ? line : line + ".";
  }
}
