package io.tracemill.engine.model;

import com.fasterxml.jackson.core.JsonProcessingException;
import com.fasterxml.jackson.core.StreamReadFeature;
import com.fasterxml.jackson.databind.DeserializationFeature;
import com.fasterxml.jackson.databind.JsonNode;
import com.fasterxml.jackson.databind.json.JsonMapper;
import io.tracemill.engine.error.ReasoningException;
import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.NoSuchFileException;
import java.nio.file.Path;
import java.util.OptionalDouble;
import java.util.OptionalInt;

/**
 * Typed look-ups in one JSON object, where a wrong type is an error that names file and key. A key
 * that is absent and a key that is {@code null} are the same thing.
 */
final class JsonFile {
  private static final JsonMapper MAPPER =
      JsonMapper.builder()
          .enable(StreamReadFeature.STRICT_DUPLICATE_DETECTION)
          .enable(DeserializationFeature.FAIL_ON_TRAILING_TOKENS)
          .build();

  private final String name;
  private final String prefix;
  private final JsonNode object;

  private JsonFile(String name, String prefix, JsonNode object) {
    this.name = name;
    this.prefix = prefix;
    this.object = object;
  }

  static JsonFile read(Path file) {
    JsonNode node;
    try {
      node = MAPPER.readTree(Files.readAllBytes(file));
    } catch (NoSuchFileException e) {
      throw ModelConfigErrors.missingFile(file);
    } catch (JsonProcessingException e) {
      throw ModelConfigErrors.unreadable(file, e);
    } catch (IOException e) {
      throw ModelConfigErrors.unreadable(file, e);
    }
    if (!node.isObject()) {
      throw ModelConfigErrors.notAnObject(file);
    }
    return new JsonFile(file.toString(), "", node);
  }

  /** The file's name, for messages. */
  String name() {
    return name;
  }

  /** A key with the path that leads to it, for messages. */
  String path(String key) {
    return prefix + key;
  }

  JsonNode node(String key) {
    return object.path(key);
  }

  boolean has(String key) {
    return object.hasNonNull(key);
  }

  /** The object under a key that is known to be present. */
  JsonFile object(String key) {
    JsonNode node = object.get(key);
    if (!node.isObject()) {
      throw wrongType(key, "an object");
    }
    return new JsonFile(name, prefix + key + ".", node);
  }

  String text(String key, String absent) {
    if (!has(key)) {
      return absent;
    }
    if (!object.get(key).isTextual()) {
      throw wrongType(key, "a text");
    }
    return object.get(key).textValue();
  }

  boolean flag(String key, boolean absent) {
    if (!has(key)) {
      return absent;
    }
    if (!object.get(key).isBoolean()) {
      throw wrongType(key, "true or false");
    }
    return object.get(key).booleanValue();
  }

  int integer(String key) {
    return optionalInteger(key).orElseThrow(() -> ModelConfigErrors.missingKey(name, prefix + key));
  }

  int integer(String key, int absent) {
    return optionalInteger(key).orElse(absent);
  }

  OptionalInt optionalInteger(String key) {
    if (!has(key)) {
      return OptionalInt.empty();
    }
    JsonNode node = object.get(key);
    boolean whole = node.isNumber() && node.doubleValue() == Math.rint(node.doubleValue());
    if (!whole || Math.abs(node.doubleValue()) > Integer.MAX_VALUE) {
      throw wrongType(key, "a whole number");
    }
    return OptionalInt.of((int) node.doubleValue());
  }

  double number(String key) {
    return optionalNumber(key).orElseThrow(() -> ModelConfigErrors.missingKey(name, prefix + key));
  }

  double number(String key, double absent) {
    return optionalNumber(key).orElse(absent);
  }

  OptionalDouble optionalNumber(String key) {
    if (!has(key)) {
      return OptionalDouble.empty();
    }
    if (!object.get(key).isNumber()) {
      throw wrongType(key, "a number");
    }
    return OptionalDouble.of(object.get(key).doubleValue());
  }

  ReasoningException wrongType(String key, String wanted) {
    return ModelConfigErrors.wrongType(name, prefix + key, object.path(key).toString(), wanted);
  }

  ReasoningException unsupported(String key, String supported) {
    return ModelConfigErrors.unsupported(
        name, prefix + key, object.path(key).toString(), supported);
  }
}
