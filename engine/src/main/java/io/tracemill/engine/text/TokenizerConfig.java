package io.tracemill.engine.text;

import com.fasterxml.jackson.databind.JsonNode;
import com.fasterxml.jackson.databind.ObjectMapper;
import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import java.util.Optional;

/**
 * What matters of {@code tokenizer_config.json}: the names of the special tokens, the chat
 * templates and the BOS setting. Special tokens missing there are looked up in {@code
 * special_tokens_map.json}. Without files, all is empty.
 */
record TokenizerConfig(
    Path path,
    Map<String, String> specialTokens,
    Map<String, String> chatTemplates,
    Optional<Boolean> addsBos) {
  /** The name of the template that is used when nothing calls for another. */
  static final String DEFAULT_TEMPLATE = "default";

  private static final List<String> TOKEN_NAMES =
      List.of(
          "bos_token",
          "eos_token",
          "unk_token",
          "sep_token",
          "pad_token",
          "cls_token",
          "mask_token");
  private static final ObjectMapper MAPPER = new ObjectMapper();

  TokenizerConfig {
    specialTokens = Map.copyOf(specialTokens);
    chatTemplates = Map.copyOf(chatTemplates);
  }

  static TokenizerConfig read(Path modelDirectory) {
    Path path = modelDirectory.resolve("tokenizer_config.json");
    JsonNode config = object(path);
    Map<String, String> tokens = new LinkedHashMap<>();
    readTokens(object(modelDirectory.resolve("special_tokens_map.json")), tokens);
    readTokens(config, tokens);
    JsonNode bos = config.path("add_bos_token");
    return new TokenizerConfig(
        path,
        tokens,
        templates(path, config.path("chat_template")),
        bos.isBoolean() ? Optional.of(bos.asBoolean()) : Optional.empty());
  }

  Optional<String> token(String name) {
    return Optional.ofNullable(specialTokens.get(name));
  }

  private static JsonNode object(Path path) {
    if (!Files.isRegularFile(path)) {
      return MAPPER.createObjectNode();
    }
    try {
      JsonNode content = MAPPER.readTree(path.toFile());
      if (!content.isObject()) {
        throw TextErrors.invalidField(path, "(top level)", "an object");
      }
      return content;
    } catch (IOException e) {
      throw TextErrors.unreadable(path, e);
    }
  }

  private static void readTokens(JsonNode from, Map<String, String> tokens) {
    for (String name : TOKEN_NAMES) {
      JsonNode token = from.path(name);
      // Older files write a token as an object with its text and flags.
      JsonNode content = token.isObject() ? token.path("content") : token;
      if (content.isTextual()) {
        tokens.put(name, content.asText());
      }
    }
  }

  private static Map<String, String> templates(Path path, JsonNode node) {
    Map<String, String> templates = new LinkedHashMap<>();
    if (node.isTextual()) {
      templates.put(DEFAULT_TEMPLATE, node.asText());
    } else if (node.isArray()) {
      for (JsonNode each : node) {
        if (!each.path("name").isTextual() || !each.path("template").isTextual()) {
          throw TextErrors.invalidField(
              path, "chat_template", "a list of objects with name and template");
        }
        templates.put(each.get("name").asText(), each.get("template").asText());
      }
    } else if (!node.isMissingNode() && !node.isNull()) {
      throw TextErrors.invalidField(path, "chat_template", "a text or a list of named templates");
    }
    return templates;
  }
}
