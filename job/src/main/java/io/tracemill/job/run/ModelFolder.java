package io.tracemill.job.run;

import io.tracemill.engine.EngineOptions.Weights;
import io.tracemill.engine.error.ReasoningException;
import io.tracemill.job.error.JobErrors;
import io.tracemill.udf.model.CheckpointFiles;
import io.tracemill.udf.model.HadoopSettings;
import io.tracemill.udf.model.ModelCache;
import io.tracemill.udf.model.ModelFile;
import io.tracemill.udf.model.ModelReference;
import io.tracemill.udf.model.RemoteModel;
import java.io.IOException;
import java.io.InputStream;
import java.net.URI;
import java.nio.charset.StandardCharsets;
import java.nio.file.Files;
import java.nio.file.Path;
import java.security.MessageDigest;
import java.security.NoSuchAlgorithmException;
import java.util.HexFormat;
import java.util.List;
import java.util.stream.Stream;

/**
 * A checkpoint as the driver sees it: is it one, and which one is it.
 *
 * @param path a local folder; of a remote model, one with all files but the weights
 * @param location what engines are opened with: the folder, or a {@link ModelReference}
 * @param name the folder's own name
 * @param contentHash SHA-256 over names and sizes of the files that an engine reads, the content of
 *     small ones and the head of the weights; equal for copies
 */
public record ModelFolder(Path path, String location, String name, String contentHash) {
  private static final int HASH_CHARACTERS = 12;

  /** Enough of a weight file to tell checkpoints apart: its table of tensors lies in front. */
  private static final int HEAD_BYTES = 1 << 20;

  /**
   * Looks at a folder.
   *
   * @param model the user's {@code --model}, or a {@link #location}
   * @param modelCache where the small files of a remote model are copied to
   * @throws io.tracemill.job.error.JobException where it is no checkpoint
   */
  public static ModelFolder open(String model, Weights weights, String modelCache) {
    try {
      return ModelReference.isRemote(model)
          ? remote(model, weights, Path.of(modelCache))
          : local(model, weights);
    } catch (ReasoningException e) {
      throw JobErrors.badOption(e.getMessage(), e);
    }
  }

  private static ModelFolder remote(String model, Weights weights, Path modelCache) {
    try (RemoteModel remote = RemoteModel.open(model, weights, HadoopSettings.current())) {
      MessageDigest digest = sha256();
      for (ModelFile file : remote.files()) {
        add(
            digest,
            file.name(),
            file.sizeBytes(),
            remote.head(file, file.isWeights() ? HEAD_BYTES : Integer.MAX_VALUE));
      }
      return new ModelFolder(
          new ModelCache(modelCache).fetchDescription(remote),
          remote.reference().toString(),
          remote.name(),
          HexFormat.of().formatHex(digest.digest()));
    }
  }

  private static ModelFolder local(String model, Weights weights) {
    Path path = model.startsWith("file:") ? Path.of(URI.create(model).getPath()) : Path.of(model);
    if (!Files.isDirectory(path)) {
      throw JobErrors.noModel(model);
    }
    List<String> present;
    try (Stream<Path> list = Files.list(path)) {
      present =
          list.filter(Files::isRegularFile).map(file -> file.getFileName().toString()).toList();
    } catch (IOException e) {
      throw JobErrors.badModelFile(model, e);
    }
    MessageDigest digest = sha256();
    for (String name :
        CheckpointFiles.needed(
            model, present, weights, file -> head(path.resolve(file), Integer.MAX_VALUE))) {
      Path file = path.resolve(name);
      boolean isWeights = name.endsWith(".safetensors");
      add(digest, name, size(file), head(file, isWeights ? HEAD_BYTES : Integer.MAX_VALUE));
    }
    Path folder = path.toAbsolutePath().normalize();
    Path name = folder.getFileName();
    return new ModelFolder(
        folder,
        folder.toString(),
        name == null ? "model" : name.toString(),
        HexFormat.of().formatHex(digest.digest()));
  }

  private static void add(MessageDigest digest, String name, long sizeBytes, byte[] content) {
    digest.update((name + "\0" + sizeBytes + "\0").getBytes(StandardCharsets.UTF_8));
    digest.update(content);
  }

  private static byte[] head(Path file, int bytes) {
    try (InputStream in = Files.newInputStream(file)) {
      return in.readNBytes(bytes);
    } catch (IOException e) {
      throw JobErrors.badModelFile(file.toString(), e);
    }
  }

  private static long size(Path file) {
    try {
      return Files.size(file);
    } catch (IOException e) {
      throw JobErrors.badModelFile(file.toString(), e);
    }
  }

  /** The folder's name and a hash of what it holds; equal for copies. */
  public String modelId() {
    return name + "@" + contentHash.substring(0, HASH_CHARACTERS);
  }

  static MessageDigest sha256() {
    try {
      return MessageDigest.getInstance("SHA-256");
    } catch (NoSuchAlgorithmException e) {
      throw new IllegalStateException("every JVM has SHA-256", e);
    }
  }
}
