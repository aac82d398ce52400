package io.tracemill.job.run;

import io.tracemill.engine.EngineOptions;
import io.tracemill.job.error.JobErrors;
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
 * A checkpoint's folder on the driver: is it one, and which one is it.
 *
 * @param path the folder
 * @param files its files in the order of their names
 */
public record ModelFolder(Path path, List<Path> files) {
  private static final int HASH_CHARACTERS = 12;

  /** Enough of a weight file to tell checkpoints apart: its table of tensors lies in front. */
  private static final int HEAD_BYTES = 1 << 20;

  /**
   * Looks at a folder.
   *
   * @param model the user's {@code --model}
   * @throws io.tracemill.job.error.JobException where it is no checkpoint
   */
  public static ModelFolder open(String model, EngineOptions.Weights weights) {
    Path path = localPath(model);
    if (!Files.isDirectory(path)) {
      throw JobErrors.noModel(model);
    }
    List<Path> files;
    try (Stream<Path> list = Files.list(path)) {
      files = list.filter(Files::isRegularFile).sorted().toList();
    } catch (IOException e) {
      throw JobErrors.badModelFile(model, e);
    }
    for (String needed : List.of("config.json", "tokenizer.json")) {
      if (!Files.isRegularFile(path.resolve(needed))) {
        throw JobErrors.noModelFile(model, needed);
      }
    }
    if (weights == EngineOptions.Weights.CHECKPOINT
        && files.stream().noneMatch(file -> file.toString().endsWith(".safetensors"))) {
      throw JobErrors.noModelFile(model, "*.safetensors file");
    }
    return new ModelFolder(path.toAbsolutePath().normalize(), files);
  }

  private static Path localPath(String model) {
    if (model.startsWith("file:")) {
      return Path.of(URI.create(model).getPath());
    }
    if (model.matches("[A-Za-z][A-Za-z0-9+.-]+:.*")) {
      throw JobErrors.remoteModel(model);
    }
    return Path.of(model);
  }

  /** The folder's name and a hash of what it holds; equal for copies. */
  public String modelId() {
    Path name = path.getFileName();
    return (name == null ? "model" : name) + "@" + contentHash().substring(0, HASH_CHARACTERS);
  }

  /**
   * SHA-256 over names and sizes of all JSON, template and weight files, the JSON and templates
   * whole and the head of the weights.
   */
  public String contentHash() {
    MessageDigest digest = sha256();
    for (Path file : files) {
      String name = file.getFileName().toString();
      boolean weights = name.endsWith(".safetensors");
      if (!weights && !name.endsWith(".json") && !name.endsWith(".jinja")) {
        continue;
      }
      try (InputStream in = Files.newInputStream(file)) {
        digest.update((name + "\0" + Files.size(file) + "\0").getBytes(StandardCharsets.UTF_8));
        digest.update(weights ? in.readNBytes(HEAD_BYTES) : in.readAllBytes());
      } catch (IOException e) {
        throw JobErrors.badModelFile(file.toString(), e);
      }
    }
    return HexFormat.of().formatHex(digest.digest());
  }

  static MessageDigest sha256() {
    try {
      return MessageDigest.getInstance("SHA-256");
    } catch (NoSuchAlgorithmException e) {
      throw new IllegalStateException("every JVM has SHA-256", e);
    }
  }
}
