package io.tracemill.job.cli;

import io.tracemill.job.error.JobErrors;
import io.tracemill.udf.HostSettings;
import io.tracemill.udf.HostSettings.DeviceSharing;
import java.nio.file.Path;
import picocli.CommandLine.Option;

/** Options of the hosts that engines run on. */
final class HostOptions {
  @Option(
      names = "--model-cache",
      paramLabel = "DIR",
      description =
          "Local folder on every host for copies of a remote model. Default: tracemill-models-USER"
              + " in the host's temporary folder.")
  private String modelCache = HostSettings.usual().modelCache();

  @Option(
      names = "--device-sharing",
      paramLabel = "RULE",
      description =
          "refuse to run an engine on a GPU that has one, or allow it where --kv-memory divides the"
              + " card. Default: refuse.")
  private String deviceSharing = "refuse";

  String modelCache() {
    if (!Path.of(modelCache).isAbsolute()) {
      throw JobErrors.outOfRange("--model-cache", "'" + modelCache + "'", "an absolute path");
    }
    return modelCache;
  }

  HostSettings settings() {
    return new HostSettings(
        modelCache(), Choices.of("--device-sharing", deviceSharing, DeviceSharing.class));
  }
}
