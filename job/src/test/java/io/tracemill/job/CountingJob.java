package io.tracemill.job;

import io.tracemill.job.cli.TracemillCommand;
import io.tracemill.job.progress.Console;
import io.tracemill.job.session.SparkSessions;
import io.tracemill.udf.FakeEngine;
import java.util.Arrays;

/**
 * The whole job in a process of its own, with engines of {@link CountingOpener}. Arguments: the
 * file of requests, milliseconds of a step, the most steps of a row, the results after which an
 * engine dies (0 for never), then the command line.
 */
public final class CountingJob {
  private CountingJob() {}

  /** The main method; ends with the job's exit code. */
  public static void main(String[] args) {
    int exitCode =
        TracemillCommand.execute(
            Arrays.copyOfRange(args, 4, args.length),
            new CountingOpener(
                args[0],
                new FakeEngine.Opener(
                    Integer.parseInt(args[1]),
                    Integer.parseInt(args[2]),
                    Integer.parseInt(args[3]),
                    "")),
            Console.standard(),
            System.getProperties());
    SparkSessions.stop();
    System.exit(exitCode);
  }
}
