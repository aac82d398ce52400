package io.tracemill.engine.weights;

import com.fasterxml.jackson.core.StreamReadFeature;
import com.fasterxml.jackson.databind.DeserializationFeature;
import com.fasterxml.jackson.databind.JsonNode;
import com.fasterxml.jackson.databind.json.JsonMapper;
import java.io.IOException;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.Comparator;
import java.util.Iterator;
import java.util.List;
import java.util.Map;

/**
 * The checked header of a safetensors file. The tensors tile the data exactly: the format allows
 * neither overlaps nor holes, so a file that was cut off or patched shows here.
 *
 * @param dataOffset byte of the file where the data begins
 * @param entries tensors in the order of the header
 */
record SafetensorsHeader(long dataOffset, List<Entry> entries) {
  /** Longest header that the format's own library accepts. */
  private static final long MAX_HEADER_BYTES = 100_000_000;

  private static final int LENGTH_BYTES = 8;
  private static final JsonMapper MAPPER =
      JsonMapper.builder()
          .enable(StreamReadFeature.STRICT_DUPLICATE_DETECTION)
          .enable(DeserializationFeature.FAIL_ON_TRAILING_TOKENS)
          .build();

  /** One tensor; {@code begin} and {@code end} count from the data's first byte. */
  record Entry(String name, ElementType elementType, List<Integer> shape, long begin, long end) {}

  static SafetensorsHeader read(MappedFile file) {
    Path path = file.path();
    if (file.byteSize() < LENGTH_BYTES) {
      throw CheckpointErrors.tooShort(path, file.byteSize());
    }
    long length = file.slice(0, LENGTH_BYTES).getLong(0);
    if (length < 0 || length > file.byteSize() - LENGTH_BYTES) {
      throw CheckpointErrors.headerLength(path, length, file.byteSize());
    }
    if (length > MAX_HEADER_BYTES) {
      throw CheckpointErrors.headerTooLarge(path, length, MAX_HEADER_BYTES);
    }
    byte[] json = new byte[(int) length];
    file.slice(LENGTH_BYTES, json.length).get(json);
    long dataOffset = LENGTH_BYTES + length;
    List<Entry> entries = entries(path, parse(path, json));
    checkTiling(path, entries, file.byteSize() - dataOffset);
    return new SafetensorsHeader(dataOffset, entries);
  }

  private static JsonNode parse(Path path, byte[] json) {
    JsonNode header;
    try {
      header = MAPPER.readTree(json);
    } catch (IOException e) {
      String message = String.valueOf(e.getMessage());
      int end = message.indexOf('\n');
      throw CheckpointErrors.badHeader(path, end < 0 ? message : message.substring(0, end));
    }
    if (!header.isObject()) {
      throw CheckpointErrors.badHeader(path, "it is not a JSON object");
    }
    return header;
  }

  private static List<Entry> entries(Path path, JsonNode header) {
    List<Entry> entries = new ArrayList<>();
    for (Iterator<Map.Entry<String, JsonNode>> it = header.fields(); it.hasNext(); ) {
      Map.Entry<String, JsonNode> field = it.next();
      if (!field.getKey().equals("__metadata__")) {
        entries.add(entry(path, field.getKey(), field.getValue()));
      }
    }
    return List.copyOf(entries);
  }

  private static Entry entry(Path path, String name, JsonNode node) {
    JsonNode offsets = node.path("data_offsets");
    if (!node.path("dtype").isTextual()
        || !node.path("shape").isArray()
        || !offsets.isArray()
        || offsets.size() != 2
        || !offsets.get(0).isIntegralNumber()
        || !offsets.get(1).isIntegralNumber()
        || !offsets.get(0).canConvertToLong()
        || !offsets.get(1).canConvertToLong()) {
      throw CheckpointErrors.badEntry(path, name, "it needs dtype, shape and two data_offsets");
    }
    ElementType elementType = elementType(path, name, node.get("dtype").textValue());
    List<Integer> shape = new ArrayList<>();
    long bytes = elementType.bytes();
    for (JsonNode dimension : node.get("shape")) {
      if (!dimension.isIntegralNumber()
          || !dimension.canConvertToInt()
          || dimension.intValue() < 0) {
        throw CheckpointErrors.badEntry(path, name, "a dimension is " + dimension);
      }
      shape.add(dimension.intValue());
      try {
        bytes = Math.multiplyExact(bytes, dimension.intValue());
      } catch (ArithmeticException e) {
        throw CheckpointErrors.badEntry(path, name, "its shape overflows");
      }
    }
    long begin = offsets.get(0).longValue();
    long end = offsets.get(1).longValue();
    if (begin < 0 || end < begin) {
      throw CheckpointErrors.badEntry(path, name, "its data_offsets are " + offsets);
    }
    if (end - begin != bytes) {
      throw CheckpointErrors.byteCount(path, name, end - begin, bytes);
    }
    return new Entry(name, elementType, List.copyOf(shape), begin, end);
  }

  private static ElementType elementType(Path path, String name, String dtype) {
    return switch (dtype) {
      case "BF16" -> ElementType.BF16;
      case "F16" -> ElementType.FP16;
      case "F32" -> ElementType.FP32;
      default -> throw CheckpointErrors.elementType(path, name, dtype);
    };
  }

  private static void checkTiling(Path path, List<Entry> entries, long dataBytes) {
    List<Entry> ordered = new ArrayList<>(entries);
    ordered.sort(Comparator.comparingLong(Entry::begin).thenComparingLong(Entry::end));
    long end = 0;
    String previous = "";
    for (Entry entry : ordered) {
      if (entry.end() > dataBytes) {
        throw CheckpointErrors.pastEnd(path, entry.name(), entry.end(), dataBytes);
      }
      if (entry.begin() < end) {
        throw CheckpointErrors.overlap(path, previous, entry.name());
      }
      if (entry.begin() > end) {
        throw CheckpointErrors.hole(path, end, entry.begin());
      }
      end = entry.end();
      previous = entry.name();
    }
    if (end < dataBytes) {
      throw CheckpointErrors.hole(path, end, dataBytes);
    }
  }
}
