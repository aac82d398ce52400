package io.tracemill.job.run;

import io.tracemill.job.input.InputSource;
import io.tracemill.job.wave.ResumeRules;
import org.apache.hadoop.conf.Configuration;

/** What can be checked before Spark starts, so that a typing error costs a second. */
public final class Preflight {
  private Preflight() {}

  /**
   * Checks the model's folder, and input and output where they are local.
   *
   * @throws io.tracemill.job.error.JobException at the first thing that is wrong
   */
  public static void check(JobArguments arguments) {
    ModelFolder.open(
        arguments.engine().modelDirectory(),
        arguments.engine().weights(),
        arguments.host().modelCache());
    Configuration plain = new Configuration();
    if (isLocal(arguments.input().path())) {
      InputSource.format(arguments.input(), plain);
    }
    if (isLocal(arguments.output().folder())) {
      requireOutput(arguments, plain);
    }
  }

  /** Refuses an output that cannot be written, or may not be used because it holds rows. */
  static void requireOutput(JobArguments arguments, Configuration hadoop) {
    if (arguments.resume().output() == ResumeRules.Used.REFUSE) {
      arguments.output().requireFree(hadoop);
    } else {
      arguments.output().requireUsable(hadoop);
    }
  }

  private static boolean isLocal(String path) {
    return path.startsWith("file:") || !path.matches("[A-Za-z][A-Za-z0-9+.-]+:.*");
  }
}
