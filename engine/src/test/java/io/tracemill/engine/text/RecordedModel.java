package io.tracemill.engine.text;

import com.fasterxml.jackson.databind.JsonNode;
import com.fasterxml.jackson.databind.ObjectMapper;
import java.io.IOException;
import java.io.InputStream;
import java.io.UncheckedIOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.nio.file.StandardCopyOption;
import java.util.ArrayList;
import java.util.List;

/**
 * The tokenizer and the chat template of a small model, with outputs recorded from an independent
 * implementation. Not those of the demo: what is recorded here stays when the demo changes.
 */
final class RecordedModel {
  static final int ENDOFTEXT = 683;
  static final int IM_START = 684;
  static final int IM_END = 685;
  static final int THINK = 686;
  static final int END_THINK = 687;

  private static final ObjectMapper MAPPER = new ObjectMapper();

  /** A prompt and an output recorded with an independent implementation. */
  record Recorded(
      String id,
      String prompt,
      String chat,
      int[] promptIds,
      String outputText,
      int[] outputIds,
      String boxed) {}

  private RecordedModel() {}

  static Path directory() {
    return Path.of(
        System.getProperty("basedir", "."), "src/test/resources/io/tracemill/engine/text/model");
  }

  /** Copies the tokenizer's files to a folder where a test may damage them. */
  static Path copyTo(Path target) {
    try {
      for (String name : List.of("tokenizer.json", "tokenizer_config.json")) {
        Files.copy(
            directory().resolve(name), target.resolve(name), StandardCopyOption.REPLACE_EXISTING);
      }
      return target;
    } catch (IOException e) {
      throw new UncheckedIOException(e);
    }
  }

  static List<Recorded> recorded() {
    try (InputStream in = RecordedModel.class.getResourceAsStream("recorded-outputs.json")) {
      List<Recorded> all = new ArrayList<>();
      for (JsonNode each : MAPPER.readTree(in)) {
        all.add(
            new Recorded(
                each.get("id").asText(),
                each.get("prompt").asText(),
                each.get("chat").asText(),
                MAPPER.convertValue(each.get("prompt_ids"), int[].class),
                each.get("output_text").asText(),
                MAPPER.convertValue(each.get("output_ids"), int[].class),
                each.get("boxed").asText()));
      }
      return all;
    } catch (IOException e) {
      throw new UncheckedIOException(e);
    }
  }
}
