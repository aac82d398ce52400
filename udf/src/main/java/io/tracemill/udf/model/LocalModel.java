package io.tracemill.udf.model;

import io.tracemill.engine.EngineOptions.Weights;
import java.nio.file.Path;

/** Brings models to this host, whoever needs one. */
public final class LocalModel {
  private LocalModel() {}

  /**
   * The folder of a model on this host.
   *
   * @param location a local folder, a remote one, or the text form of a {@link ModelReference}
   * @param modelCache where the host's copies of remote models lie
   * @throws io.tracemill.engine.error.ReasoningException where it cannot be copied
   */
  public static Path fetch(String location, Weights weights, Path modelCache) {
    if (!ModelReference.isRemote(location)) {
      return Path.of(location);
    }
    try (RemoteModel remote = RemoteModel.open(location, weights, HadoopSettings.current())) {
      return new ModelCache(modelCache).fetch(remote);
    }
  }
}
