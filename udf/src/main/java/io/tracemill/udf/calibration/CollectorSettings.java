package io.tracemill.udf.calibration;

import java.io.Serializable;
import java.util.Objects;

/**
 * How executors collect queries; made once on the driver.
 *
 * @param model a local folder that is the same on every host, or the text form of a {@link
 *     io.tracemill.udf.model.ModelReference}
 * @param modelCache folder of copied models on every host
 * @param maxTokens longer texts are cut off there, at least 1
 * @param threads CPU threads; 0 for all cores
 */
public record CollectorSettings(String model, String modelCache, int maxTokens, int threads)
    implements Serializable {
  public CollectorSettings {
    Objects.requireNonNull(model, "model");
    Objects.requireNonNull(modelCache, "modelCache");
    if (maxTokens < 1 || threads < 0) {
      throw new IllegalArgumentException(
          "texts of %d tokens, %d threads".formatted(maxTokens, threads));
    }
  }
}
