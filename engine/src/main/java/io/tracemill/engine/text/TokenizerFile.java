package io.tracemill.engine.text;

import com.fasterxml.jackson.core.JsonFactory;
import com.fasterxml.jackson.core.JsonGenerator;
import com.fasterxml.jackson.core.JsonParser;
import com.fasterxml.jackson.core.JsonToken;
import com.fasterxml.jackson.databind.JsonNode;
import com.fasterxml.jackson.databind.ObjectMapper;
import com.fasterxml.jackson.databind.node.ObjectNode;
import java.io.ByteArrayOutputStream;
import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.List;
import java.util.function.UnaryOperator;

/** A {@code tokenizer.json}, read as a stream because its vocabulary can be 30 MB. */
final class TokenizerFile {
  private static final ObjectMapper MAPPER = new ObjectMapper();

  private final Path path;
  private final byte[] content;
  private final List<AddedToken> addedTokens;

  private TokenizerFile(Path path, byte[] content, List<AddedToken> addedTokens) {
    this.path = path;
    this.content = content;
    this.addedTokens = addedTokens;
  }

  static TokenizerFile read(Path path) {
    if (!Files.isRegularFile(path)) {
      throw TextErrors.missingFile(path, "its vocabulary");
    }
    try {
      byte[] content = Files.readAllBytes(path);
      return new TokenizerFile(path, content, addedTokens(path, content));
    } catch (IOException e) {
      throw TextErrors.unreadable(path, e);
    }
  }

  Path path() {
    return path;
  }

  byte[] content() {
    return content;
  }

  /** In the order of the file. */
  List<AddedToken> addedTokens() {
    return addedTokens;
  }

  private static List<AddedToken> addedTokens(Path path, byte[] content) throws IOException {
    List<AddedToken> tokens = new ArrayList<>();
    boolean hasModel = false;
    try (JsonParser parser = MAPPER.getFactory().createParser(content)) {
      if (parser.nextToken() != JsonToken.START_OBJECT) {
        throw TextErrors.invalidField(path, "(top level)", "an object");
      }
      while (parser.nextToken() == JsonToken.FIELD_NAME) {
        String field = parser.currentName();
        parser.nextToken();
        hasModel |= field.equals("model");
        if (field.equals("added_tokens")) {
          for (JsonNode token : MAPPER.<JsonNode>readTree(parser)) {
            tokens.add(addedToken(path, token));
          }
        } else {
          parser.skipChildren();
        }
      }
    }
    if (!hasModel) {
      throw TextErrors.invalidField(path, "model", "there");
    }
    return List.copyOf(tokens);
  }

  private static AddedToken addedToken(Path path, JsonNode token) {
    if (!token.path("id").isInt()
        || !token.path("content").isTextual()
        || token.path("content").asText().isEmpty()) {
      throw TextErrors.invalidField(path, "added_tokens", "a list of tokens with id and content");
    }
    return new AddedToken(
        token.get("id").asInt(), token.get("content").asText(), token.path("special").asBoolean());
  }

  /**
   * This file with every added token renamed, and without a post processor. The ids of the renamed
   * tokens may change; everything else encodes as before.
   */
  byte[] renamed(UnaryOperator<String> names) {
    ByteArrayOutputStream out = new ByteArrayOutputStream(content.length + 4096);
    JsonFactory factory = MAPPER.getFactory();
    try (JsonParser parser = factory.createParser(content);
        JsonGenerator generator = factory.createGenerator(out)) {
      parser.nextToken();
      generator.writeStartObject();
      while (parser.nextToken() == JsonToken.FIELD_NAME) {
        String field = parser.currentName();
        parser.nextToken();
        generator.writeFieldName(field);
        if (field.equals("added_tokens")) {
          JsonNode tokens = MAPPER.readTree(parser);
          for (JsonNode token : tokens) {
            ((ObjectNode) token).put("content", names.apply(token.get("content").asText()));
          }
          MAPPER.writeTree(generator, tokens);
        } else if (field.equals("post_processor")) {
          parser.skipChildren();
          generator.writeNull();
        } else {
          generator.copyCurrentStructure(parser);
        }
      }
      generator.writeEndObject();
    } catch (IOException e) {
      throw TextErrors.unreadable(path, e);
    }
    return out.toByteArray();
  }
}
