package io.tracemill.job;

import io.tracemill.job.cli.TracemillCommand;
import io.tracemill.job.progress.Console;
import io.tracemill.job.session.SparkSessions;
import io.tracemill.udf.ReasoningEngines;

/** The main class, for {@code spark-submit --class} and for {@code bin/tracemill} alike. */
public final class ReasoningJob {
  private ReasoningJob() {}

  /**
   * Runs a command line inside a session that lives on, as a notebook's does.
   *
   * @param args as on the command line, subcommand first
   * @throws IllegalStateException where it fails; what went wrong is printed
   */
  public static void runInSession(String... args) {
    int exitCode =
        TracemillCommand.execute(
            args, ReasoningEngines.INSTANCE, Console.standard(), System.getProperties());
    if (exitCode != 0) {
      throw new IllegalStateException("tracemill " + args[0] + " failed; see its output above");
    }
  }

  /** Runs the command line and ends the JVM with its exit code where that is not 0. */
  public static void main(String[] args) {
    int exitCode =
        TracemillCommand.execute(
            args, ReasoningEngines.INSTANCE, Console.standard(), System.getProperties());
    SparkSessions.stop();
    if (exitCode != 0) {
      System.exit(exitCode);
    }
  }
}
