package io.tracemill.job.run;

import io.tracemill.job.input.InputSource;
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
    ModelFolder.open(arguments.engine().modelDirectory(), arguments.engine().weights());
    Configuration plain = new Configuration();
    if (isLocal(arguments.input().path())) {
      InputSource.format(arguments.input(), plain);
    }
    if (isLocal(arguments.output().folder())) {
      arguments.output().requireFree(plain);
    }
  }

  private static boolean isLocal(String path) {
    return path.startsWith("file:") || !path.matches("[A-Za-z][A-Za-z0-9+.-]+:.*");
  }
}
