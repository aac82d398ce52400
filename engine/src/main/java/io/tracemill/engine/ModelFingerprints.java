package io.tracemill.engine;

import java.io.IOException;
import java.io.InputStream;
import java.nio.ByteBuffer;
import java.nio.ByteOrder;
import java.nio.charset.StandardCharsets;
import java.nio.file.Files;
import java.nio.file.Path;
import java.security.MessageDigest;
import java.security.NoSuchAlgorithmException;
import java.util.HexFormat;
import java.util.List;
import java.util.SortedMap;
import java.util.TreeMap;
import java.util.stream.Stream;

/**
 * SHA-256 fingerprints of the parts of a model directory. Weights of many gigabytes are not read:
 * the headers of their files, which name every tensor with its type, shape and place, and the sizes
 * stand for them.
 */
final class ModelFingerprints {
  private static final String SAFETENSORS = ".safetensors";
  private static final int LENGTH_BYTES = 8;

  private ModelFingerprints() {}

  /**
   * The fingerprints of the parts that are there: {@code config}, {@code tokenizer}, {@code
   * template} (both files that may hold one), and {@code weights}.
   */
  static SortedMap<String, String> of(Path modelDirectory, EngineOptions.Weights weights) {
    SortedMap<String, String> fingerprints = new TreeMap<>();
    put(fingerprints, "config", modelDirectory, List.of("config.json"));
    put(fingerprints, "tokenizer", modelDirectory, List.of("tokenizer.json"));
    put(
        fingerprints,
        "template",
        modelDirectory,
        List.of("chat_template.jinja", "tokenizer_config.json"));
    switch (weights) {
      case CHECKPOINT -> fingerprints.put("weights", weights(modelDirectory));
      case DUMMY -> fingerprints.put("weights", "dummy");
    }
    return fingerprints;
  }

  private static void put(
      SortedMap<String, String> fingerprints, String part, Path directory, List<String> names) {
    MessageDigest digest = sha256();
    boolean found = false;
    for (String name : names) {
      Path file = directory.resolve(name);
      if (Files.isRegularFile(file)) {
        found = true;
        try {
          update(digest, name, Files.readAllBytes(file));
        } catch (IOException e) {
          throw EngineErrors.unreadable(file, e);
        }
      }
    }
    if (found) {
      fingerprints.put(part, hex(digest));
    }
  }

  private static String weights(Path directory) {
    MessageDigest digest = sha256();
    for (Path file : weightFiles(directory)) {
      try (InputStream in = Files.newInputStream(file)) {
        byte[] length = in.readNBytes(LENGTH_BYTES);
        update(digest, file.getFileName().toString(), length);
        long headerBytes =
            length.length < LENGTH_BYTES
                ? 0
                : ByteBuffer.wrap(length).order(ByteOrder.LITTLE_ENDIAN).getLong();
        if (headerBytes > 0 && headerBytes < Files.size(file)) {
          digest.update(in.readNBytes(Math.toIntExact(headerBytes)));
        }
        digest.update(Long.toString(Files.size(file)).getBytes(StandardCharsets.US_ASCII));
      } catch (IOException e) {
        throw EngineErrors.unreadable(file, e);
      }
    }
    return hex(digest);
  }

  private static List<Path> weightFiles(Path directory) {
    try (Stream<Path> files = Files.list(directory)) {
      return files.filter(file -> file.toString().endsWith(SAFETENSORS)).sorted().toList();
    } catch (IOException e) {
      throw EngineErrors.unreadable(directory, e);
    }
  }

  /** Name and length go in as well, so that bytes cannot move from one file to the next. */
  private static void update(MessageDigest digest, String name, byte[] content) {
    digest.update((name + ":" + content.length + ":").getBytes(StandardCharsets.UTF_8));
    digest.update(content);
  }

  private static String hex(MessageDigest digest) {
    return HexFormat.of().formatHex(digest.digest());
  }

  private static MessageDigest sha256() {
    try {
      return MessageDigest.getInstance("SHA-256");
    } catch (NoSuchAlgorithmException e) {
      throw new IllegalStateException("every Java runtime has SHA-256", e);
    }
  }
}
