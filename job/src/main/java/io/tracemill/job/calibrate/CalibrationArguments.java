package io.tracemill.job.calibrate;

import io.tracemill.job.input.InputArguments;
import io.tracemill.job.input.InputSource;
import io.tracemill.job.run.ModelFolder;
import io.tracemill.udf.calibration.CollectorSettings;
import io.tracemill.udf.model.ModelReference;
import java.util.Objects;
import org.apache.hadoop.conf.Configuration;

/**
 * What a calibration was asked for; parsed once on the driver.
 *
 * @param input a table of prompts, or the folder of a run
 * @param model the checkpoint
 * @param collector how executors run it
 * @param tokens how many to average, at least 1
 * @param target the file
 */
public record CalibrationArguments(
    InputArguments input,
    ModelFolder model,
    CollectorSettings collector,
    int tokens,
    CalibrationTarget target) {
  /** The driver holds the tokens, and sums hold no more of the largest queries. */
  public static final int MOST_TOKENS = 10_000_000;

  public CalibrationArguments {
    Objects.requireNonNull(input, "input");
    Objects.requireNonNull(model, "model");
    Objects.requireNonNull(collector, "collector");
    Objects.requireNonNull(target, "target");
    if (tokens < 1 || tokens > MOST_TOKENS) {
      throw new IllegalArgumentException("a calibration over " + tokens + " tokens");
    }
  }

  /**
   * Checks what costs nothing to check: that the file can be written, and that a local input is
   * there.
   *
   * @throws io.tracemill.job.error.JobException where it is not so
   */
  public void check() {
    target.check();
    Configuration hadoop = new Configuration();
    if (!ModelReference.isRemote(input.path()) && !isRun(hadoop)) {
      InputSource.format(input, hadoop);
    }
  }

  /** Whether the input is the folder of a run, and is to be read as one. */
  boolean isRun(Configuration hadoop) {
    return input.givenFormat().isEmpty() && TraceTexts.isRun(input.path(), hadoop);
  }
}
