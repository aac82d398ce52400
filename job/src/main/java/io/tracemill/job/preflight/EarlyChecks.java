package io.tracemill.job.preflight;

import io.tracemill.job.error.ClusterErrors;
import io.tracemill.job.input.InputArguments;
import io.tracemill.job.input.InputSource;
import io.tracemill.job.length.LengthModels;
import io.tracemill.job.output.OutputFormat;
import io.tracemill.job.output.OutputTables;
import io.tracemill.job.run.JobArguments;
import io.tracemill.job.run.ModelFolder;
import org.apache.hadoop.conf.Configuration;

/** What can be checked before Spark starts, so that a typing error costs a second. */
public final class EarlyChecks {
  private static final String DELTA_CLASS = "io.delta.sql.DeltaSparkSessionExtension";

  private EarlyChecks() {}

  /**
   * Checks the model's folder, and input and output where they are local.
   *
   * @throws io.tracemill.job.error.JobException at the first thing that is wrong
   */
  public static void check(JobArguments arguments) {
    model(arguments);
    input(arguments.input());
    lengthModel(arguments);
    if (isLocal(arguments.output().folder())) {
      arguments.requireOutput(new Configuration());
    }
    output(arguments.output());
  }

  /** The model's folder. */
  static void model(JobArguments arguments) {
    ModelFolder.open(
        arguments.engine().modelDirectory(),
        arguments.engine().weights(),
        arguments.host().modelCache());
  }

  /** A length model on this machine. */
  private static void lengthModel(JobArguments arguments) {
    if (isLocal(arguments.lengthModel().path())) {
      LengthModels.requirePresent(arguments.lengthModel(), new Configuration());
    }
  }

  /** An input on this machine. */
  public static void input(InputArguments input) {
    if (isLocal(input.path())) {
      InputSource.format(input, new Configuration());
    }
  }

  /** An output on this machine, and the classes that its format needs. */
  public static void output(OutputTables output) {
    if (isLocal(output.folder())) {
      output.requireUsable(new Configuration());
    }
    if (output.format() == OutputFormat.DELTA) {
      requireDelta(Thread.currentThread().getContextClassLoader());
    }
  }

  static void requireDelta(ClassLoader loader) {
    try {
      Class.forName(DELTA_CLASS, false, loader);
    } catch (ClassNotFoundException e) {
      throw ClusterErrors.noDelta();
    }
  }

  /** Whether a path names no other file system. */
  static boolean isLocal(String path) {
    return path.startsWith("file:") || !path.matches("[A-Za-z][A-Za-z0-9+.-]+:.*");
  }
}
