package io.tracemill.udf.model;

import com.fasterxml.jackson.databind.JsonNode;
import com.fasterxml.jackson.databind.ObjectMapper;
import com.fasterxml.jackson.databind.node.ArrayNode;
import com.fasterxml.jackson.databind.node.ObjectNode;
import java.io.IOException;
import java.nio.ByteBuffer;
import java.nio.channels.FileChannel;
import java.nio.file.Files;
import java.nio.file.Path;
import java.nio.file.StandardOpenOption;
import java.time.Instant;
import java.util.List;

/** The list of files in a complete copy, written last; a folder without it is no copy. */
final class ModelManifest {
  static final String NAME = ".tracemill-model.json";

  private static final ObjectMapper JSON = new ObjectMapper();

  private ModelManifest() {}

  static void write(Path folder, RemoteModel model, List<ModelFile> files) throws IOException {
    ObjectNode root = JSON.createObjectNode();
    root.put("uri", model.uri());
    root.put("snapshot", model.snapshot());
    root.put("copiedAt", Instant.now().toString());
    ArrayNode list = root.putArray("files");
    for (ModelFile file : files) {
      ObjectNode entry = list.addObject();
      entry.put("name", file.name());
      entry.put("sizeBytes", file.sizeBytes());
      file.checksum().ifPresent(sum -> entry.put(sum.algorithm(), sum.hex()));
    }
    byte[] bytes = JSON.writerWithDefaultPrettyPrinter().writeValueAsBytes(root);
    try (FileChannel out =
        FileChannel.open(
            folder.resolve(NAME), StandardOpenOption.CREATE, StandardOpenOption.WRITE)) {
      ByteBuffer buffer = ByteBuffer.wrap(bytes);
      while (buffer.hasRemaining()) {
        out.write(buffer);
      }
      out.force(true);
    }
  }

  /** Whether a folder holds a complete copy of these files, each of its full size. */
  static boolean isComplete(Path folder, RemoteModel model, List<ModelFile> files) {
    Path manifest = folder.resolve(NAME);
    try {
      if (!Files.isRegularFile(manifest)) {
        return false;
      }
      JsonNode root = JSON.readTree(Files.readAllBytes(manifest));
      if (!root.path("snapshot").asText().equals(model.snapshot())) {
        return false;
      }
      for (ModelFile file : files) {
        Path copy = folder.resolve(file.name());
        if (!Files.isRegularFile(copy) || Files.size(copy) != file.sizeBytes()) {
          return false;
        }
      }
      return true;
    } catch (IOException e) {
      return false;
    }
  }
}
