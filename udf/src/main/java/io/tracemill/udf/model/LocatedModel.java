package io.tracemill.udf.model;

import io.tracemill.engine.EngineOptions.Weights;
import io.tracemill.engine.model.GenerationDefaults;
import io.tracemill.engine.model.GenerationDefaultsReader;
import io.tracemill.engine.model.ModelConfigReader;
import java.net.URI;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.Objects;

/**
 * A checkpoint as the driver found it, so that all executors open the same one.
 *
 * @param location what engines are opened with: an absolute folder, or the text form of a {@link
 *     ModelReference}
 * @param folder a local folder; of a remote model, one with all files but the weights
 */
public record LocatedModel(String location, Path folder) {
  public LocatedModel {
    Objects.requireNonNull(location, "location");
    Objects.requireNonNull(folder, "folder");
  }

  /**
   * Finds a checkpoint; the small files of a remote one are copied to this host.
   *
   * @param model a local folder, or a folder on any file system that Spark knows
   * @param modelCache folder of copied models
   * @throws io.tracemill.engine.error.ReasoningException where it is not there
   */
  public static LocatedModel find(String model, Weights weights, String modelCache) {
    if (ModelReference.isRemote(model)) {
      try (RemoteModel remote = RemoteModel.open(model, weights, HadoopSettings.current())) {
        return new LocatedModel(
            remote.reference().toString(),
            new ModelCache(Path.of(modelCache)).fetchDescription(remote));
      }
    }
    Path path = model.startsWith("file:") ? Path.of(URI.create(model).getPath()) : Path.of(model);
    if (!Files.isDirectory(path)) {
      throw ModelErrors.noLocalFolder(model);
    }
    Path folder = path.toAbsolutePath().normalize();
    return new LocatedModel(folder.toString(), folder);
  }

  /**
   * What the checkpoint suggests for sampling. A model that the engine does not know is refused
   * here, long before its weights are read.
   *
   * @throws io.tracemill.engine.error.ReasoningException where a file is missing or malformed
   */
  public GenerationDefaults samplingDefaults() {
    ModelConfigReader.read(folder);
    return GenerationDefaultsReader.read(folder);
  }
}
