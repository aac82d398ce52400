package io.tracemill.engine.model;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.List;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;

final class TestGenerationDefaultsReader {
  @TempDir Path directory;

  @Test
  void readsSamplingAndAListOfStopTokens() throws IOException {
    write("config.json", "{\"eos_token_id\": 9}");
    write(
        "generation_config.json",
        """
        {"do_sample": true, "temperature": 0.6, "top_k": 40, "top_p": 0.95, "min_p": 0.05,
         "repetition_penalty": 1.05, "eos_token_id": [685, 683]}
        """);
    assertThat(GenerationDefaultsReader.read(directory))
        .isEqualTo(new GenerationDefaults(0.6f, 40, 0.95f, 0.05f, 1.05f, List.of(685, 683)));
  }

  @Test
  void withoutSamplingItIsGreedy() throws IOException {
    write("config.json", "{\"eos_token_id\": 9}");
    write("generation_config.json", "{\"temperature\": 0.6, \"top_p\": 0.9}");
    GenerationDefaults defaults = GenerationDefaultsReader.read(directory);
    assertThat(defaults.temperature()).isZero();
    assertThat(defaults.stopTokenIds()).containsExactly(9);
  }

  @Test
  void theFileMayBeAbsent() throws IOException {
    write("config.json", "{\"eos_token_id\": [7, 8]}");
    assertThat(GenerationDefaultsReader.read(directory))
        .isEqualTo(new GenerationDefaults(0, 0, 1, 0, 1, List.of(7, 8)));
    write("config.json", "{}");
    assertThat(GenerationDefaultsReader.read(directory).stopTokenIds()).isEmpty();
  }

  @Test
  void namesValuesOutOfTheirRange() throws IOException {
    write("config.json", "{}");
    write("generation_config.json", "{\"top_p\": 1.5}");
    assertThatThrownBy(() -> GenerationDefaultsReader.read(directory))
        .hasMessageContaining("generation_config.json has top_p = 1.5; it must be 0.0 to 1.0");
    write("generation_config.json", "{\"repetition_penalty\": 0}");
    assertThatThrownBy(() -> GenerationDefaultsReader.read(directory))
        .hasMessageContaining("repetition_penalty = 0; it must be above 0");
    write("generation_config.json", "{\"eos_token_id\": \"end\"}");
    assertThatThrownBy(() -> GenerationDefaultsReader.read(directory))
        .hasMessageContaining("eos_token_id = \"end\"; it must be a token id or a list");
    write("generation_config.json", "[1]");
    assertThatThrownBy(() -> GenerationDefaultsReader.read(directory))
        .hasMessageContaining("is not a JSON object");
  }

  private void write(String file, String text) throws IOException {
    Files.writeString(directory.resolve(file), text);
  }
}
