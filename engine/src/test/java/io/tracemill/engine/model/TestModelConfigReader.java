package io.tracemill.engine.model;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import io.tracemill.engine.error.ErrorCode;
import io.tracemill.engine.error.ReasoningException;
import io.tracemill.engine.model.ModelConfig.Architecture;
import java.io.IOException;
import java.io.UncheckedIOException;
import java.nio.file.Files;
import java.nio.file.Path;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.CsvSource;

final class TestModelConfigReader {
  private static final String QWEN2 =
      """
      "architectures": ["Qwen2ForCausalLM"], "hidden_size": 3584, "num_hidden_layers": 28,
      "num_attention_heads": 28, "num_key_value_heads": 4, "intermediate_size": 18944,
      "vocab_size": 152064, "max_position_embeddings": 131072, "rms_norm_eps": 1e-06,
      "rope_theta": 10000, "hidden_act": "silu", "use_sliding_window": false,
      "sliding_window": 4096, "tie_word_embeddings": false
      """;
  private static final String LLAMA =
      """
      "architectures": ["LlamaForCausalLM"], "hidden_size": 4096, "num_hidden_layers": 32,
      "num_attention_heads": 32, "num_key_value_heads": 8, "intermediate_size": 14336,
      "vocab_size": 128256, "max_position_embeddings": 131072, "rms_norm_eps": 1e-05,
      "attention_bias": false, "mlp_bias": false
      """;
  private static final String QWEN3 =
      """
      "architectures": ["Qwen3ForCausalLM"], "hidden_size": 1024, "num_hidden_layers": 28,
      "num_attention_heads": 16, "num_key_value_heads": 8, "intermediate_size": 3072,
      "vocab_size": 151936, "max_position_embeddings": 40960, "rope_theta": 1000000,
      "attention_bias": false, "tie_word_embeddings": true, "sliding_window": null
      """;

  @TempDir Path directory;

  @Test
  void readsQwen2() {
    ModelConfig config = read(QWEN2);
    assertThat(config)
        .isEqualTo(
            new ModelConfig(
                Architecture.QWEN2,
                28,
                3584,
                18944,
                28,
                4,
                128,
                152064,
                1e-6f,
                new RopeConfig(10_000, new RopeScaling.None()),
                131072,
                false,
                true,
                false));
  }

  @Test
  void readsQwen3WithItsOwnHeadDimension() {
    ModelConfig config = read(QWEN3);
    assertThat(config.architecture()).isEqualTo(Architecture.QWEN3);
    assertThat(config.headDim()).as("the default of the family").isEqualTo(128);
    assertThat(config.queryKeyNorm()).isTrue();
    assertThat(config.attentionBias()).isFalse();
    assertThat(config.tiedEmbeddings()).isTrue();
    assertThat(config.rope().theta()).isEqualTo(1e6);
    assertThat(read(QWEN3 + ", \"head_dim\": 64").headDim()).isEqualTo(64);
  }

  @Test
  void readsLlamaWithDefaults() {
    ModelConfig config = read(LLAMA);
    assertThat(config.headDim()).isEqualTo(128);
    assertThat(config.rope().theta()).isEqualTo(10_000);
    assertThat(config.tiedEmbeddings()).isFalse();
    assertThat(config.attentionBias()).isFalse();
    assertThat(read(LLAMA.replace("\"num_key_value_heads\": 8,", "")).numKvHeads()).isEqualTo(32);
  }

  @Test
  void readsTheFamilyFromTheModelTypeWhereNoArchitectureIsGiven() {
    String json =
        LLAMA.replace("\"architectures\": [\"LlamaForCausalLM\"]", "\"model_type\": \"llama\"");
    assertThat(read(json).architecture()).isEqualTo(Architecture.LLAMA);
  }

  @Test
  void readsEveryRopeTypeInItsOldForm() {
    assertThat(scaling("\"type\": \"linear\", \"factor\": 2")).isEqualTo(new RopeScaling.Linear(2));
    assertThat(scaling("\"rope_type\": \"default\"")).isEqualTo(new RopeScaling.None());
    assertThat(
            scaling(
                "\"rope_type\": \"llama3\", \"factor\": 8.0, \"low_freq_factor\": 1.0,"
                    + " \"high_freq_factor\": 4.0, \"original_max_position_embeddings\": 8192"))
        .isEqualTo(new RopeScaling.Llama3(8, 1, 4, 8192));
    RopeScaling yarn =
        scaling("\"type\": \"yarn\", \"factor\": 4.0, \"original_max_position_embeddings\": 32768");
    // 0.1 ln 4 + 1
    assertThat(yarn).isEqualTo(new RopeScaling.Yarn(4, 32, 1, 1.138629436111989, 32768, true));
    assertThat(scaling("\"type\": \"yarn\", \"factor\": 4, \"attention_factor\": 0.5"))
        .isEqualTo(new RopeScaling.Yarn(4, 32, 1, 0.5, 131072, true));
    assertThat(
            scaling(
                "\"type\": \"yarn\", \"factor\": 40, \"mscale\": 1.0, \"mscale_all_dim\": 0.5,"
                    + " \"truncate\": false"))
        .isEqualTo(
            new RopeScaling.Yarn(
                40, 32, 1, (0.1 * Math.log(40) + 1) / (0.05 * Math.log(40) + 1), 131072, false));
    assertThat(read(LLAMA + ", \"rope_scaling\": null").rope().scaling())
        .isEqualTo(new RopeScaling.None());
  }

  @Test
  void readsTheNewerRopeParameters() {
    RopeConfig rope =
        read(LLAMA
                + ", \"rope_parameters\": {\"rope_theta\": 500000.0, \"rope_type\": \"linear\","
                + " \"factor\": 3}")
            .rope();
    assertThat(rope).isEqualTo(new RopeConfig(500_000, new RopeScaling.Linear(3)));
    assertThat(
            read(LLAMA + ", \"rope_parameters\": {\"rope_theta\": 7, \"rope_type\": \"default\"}")
                .rope())
        .isEqualTo(new RopeConfig(7, new RopeScaling.None()));
  }

  @ParameterizedTest
  @CsvSource(
      delimiter = '|',
      value = {
        "hidden_act|\"gelu\"|supported is silu",
        "mlp_bias|true|supported is false",
        "attention_bias|true|supported is false",
        "quantization_config|{\"bits\": 4}|a checkpoint without it",
        "num_local_experts|8|supported is 0",
        "partial_rotary_factor|0.5|supported is 1",
        "sliding_window|4096|supported is null",
        "layer_types|[\"full_attention\",\"sliding_attention\"]|full_attention in every layer",
        "final_logit_softcapping|30.0|supported is 0",
        "logits_scaling|8|supported is 1",
      })
  void refusesWhatItDoesNotComputeByName(String key, String value, String supported) {
    String json = LLAMA.replaceAll(",?\\s*\"" + key + "\": [a-z]+", "");
    assertThatThrownBy(() -> read(json + ", \"" + key + "\": " + value))
        .isInstanceOf(ReasoningException.class)
        .hasMessageContaining(directory.resolve("config.json").toString())
        .hasMessageContaining(key + " = ")
        .hasMessageContaining(supported)
        .extracting(e -> ((ReasoningException) e).code())
        .isEqualTo(ErrorCode.UNSUPPORTED_MODEL);
  }

  @Test
  void refusesASlidingWindowThatIsSwitchedOn() {
    String json = QWEN2.replace("\"use_sliding_window\": false", "\"use_sliding_window\": true");
    assertThatThrownBy(() -> read(json))
        .hasMessageContaining("use_sliding_window = true")
        .hasMessageContaining("supported is false");
  }

  @Test
  void refusesUnknownArchitecturesAndRopeTypes() {
    assertThatThrownBy(() -> read(QWEN3.replace("Qwen3For", "Qwen3MoeFor")))
        .hasMessageContaining("Qwen3MoeForCausalLM")
        .hasMessageContaining("supported is Qwen2ForCausalLM");
    assertThatThrownBy(() -> scaling("\"rope_type\": \"longrope\", \"factor\": 4"))
        .hasMessageContaining("rope_scaling.rope_type = \"longrope\"");
    assertThatThrownBy(() -> scaling("\"type\": \"linear\", \"factor\": 4, \"mrope_section\": 4"))
        .hasMessageContaining("rope_scaling.mrope_section");
  }

  @Test
  void namesWhatIsMissingOrWrong() {
    assertThatThrownBy(() -> ModelConfigReader.read(directory))
        .isInstanceOf(ReasoningException.class)
        .hasMessageContaining("config.json does not exist");
    assertThatThrownBy(() -> read(LLAMA.replace("\"hidden_size\": 4096,", "")))
        .hasMessageContaining("lacks hidden_size");
    assertThatThrownBy(() -> read(LLAMA.replace("4096", "\"big\"")))
        .hasMessageContaining("hidden_size = \"big\"; it must be a whole number");
    assertThatThrownBy(() -> read(LLAMA.replace("4096", "0")))
        .hasMessageContaining("hidden_size = 0; it must be 1 or more");
    assertThatThrownBy(
            () -> read(LLAMA.replace("\"num_key_value_heads\": 8", "\"num_key_value_heads\": 5")))
        .hasMessageContaining("describes no network")
        .hasMessageContaining("heads 32/5");
    assertThatThrownBy(() -> read("\"a\": 1, \"a\": 2")).hasMessageContaining("cannot be read");
    assertThatThrownBy(() -> scaling("\"type\": \"linear\""))
        .hasMessageContaining("lacks rope_scaling.factor");
  }

  private RopeScaling scaling(String keys) {
    return read(LLAMA + ", \"rope_scaling\": {" + keys + "}").rope().scaling();
  }

  private ModelConfig read(String keys) {
    try {
      Files.writeString(directory.resolve("config.json"), "{" + keys + "}");
    } catch (IOException e) {
      throw new UncheckedIOException(e);
    }
    return ModelConfigReader.read(directory);
  }
}
