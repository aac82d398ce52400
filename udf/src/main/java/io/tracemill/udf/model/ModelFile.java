package io.tracemill.udf.model;

import java.util.Objects;
import java.util.Optional;

/**
 * One file of a model as its file system lists it.
 *
 * @param name the file's name in its folder
 * @param sizeBytes its length
 * @param modifiedMillis when it was last written, in milliseconds since 1970
 * @param checksum what its file system knows of its content; empty where that is nothing
 */
public record ModelFile(
    String name, long sizeBytes, long modifiedMillis, Optional<FileChecksum> checksum) {

  /**
   * A checksum as a file system gives it.
   *
   * @param algorithm the file system's name for it
   * @param hex its bytes
   */
  public record FileChecksum(String algorithm, String hex) {}

  public ModelFile {
    Objects.requireNonNull(name, "name");
    Objects.requireNonNull(checksum, "checksum");
  }

  /** Whether it holds weights, which only engines read. */
  public boolean isWeights() {
    return name.endsWith(".safetensors");
  }

  /** Differs wherever the content may differ. */
  String identity() {
    return String.join(
        "|",
        name,
        Long.toString(sizeBytes),
        checksum
            .map(sum -> sum.algorithm() + ":" + sum.hex())
            .orElse(Long.toString(modifiedMillis)));
  }
}
