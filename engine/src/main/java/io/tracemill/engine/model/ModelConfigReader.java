package io.tracemill.engine.model;

import io.tracemill.engine.model.ModelConfig.Architecture;
import java.nio.file.Path;
import java.util.List;
import java.util.Optional;

/**
 * Reads {@code config.json} of a Hugging Face checkpoint. Absent keys take the defaults that the
 * architecture's own configuration has; whatever changes the result and is not computed here is
 * refused by name.
 */
public final class ModelConfigReader {
  private static final String FILE = "config.json";
  private static final String SUPPORTED = "Qwen2ForCausalLM, Qwen3ForCausalLM and LlamaForCausalLM";

  /** Options that change what a network computes, with the only value that is computed here. */
  private static final List<NeutralOption> NEUTRAL_OPTIONS =
      List.of(
          new NeutralOption("mlp_bias", 0),
          new NeutralOption("partial_rotary_factor", 1),
          new NeutralOption("attn_logit_softcapping", 0),
          new NeutralOption("final_logit_softcapping", 0),
          new NeutralOption("embedding_multiplier", 1),
          new NeutralOption("residual_multiplier", 1),
          new NeutralOption("logits_scaling", 1),
          new NeutralOption("logit_scale", 1),
          new NeutralOption("scale_emb", 1),
          new NeutralOption("num_experts", 0),
          new NeutralOption("num_local_experts", 0),
          new NeutralOption("n_routed_experts", 0));

  /** Options whose mere presence means another computation. */
  private static final List<String> FOREIGN_OPTIONS =
      List.of(
          "quantization_config",
          "attention_multiplier",
          "clip_qkv",
          "attention_chunk_size",
          "no_rope_layers",
          "rotary_dim",
          "kv_lora_rank",
          "adapter_config");

  private record NeutralOption(String key, double value) {}

  private ModelConfigReader() {}

  /**
   * Reads the configuration of a checkpoint directory.
   *
   * @throws io.tracemill.engine.error.ReasoningException with code {@code INVALID_CHECKPOINT} for a
   *     missing or malformed file, {@code UNSUPPORTED_MODEL} for a network that is not computed
   */
  public static ModelConfig read(Path modelDirectory) {
    JsonFile json = JsonFile.read(modelDirectory.resolve(FILE));
    Architecture architecture = architecture(json);
    refuseForeignOptions(json, architecture);
    int hiddenSize = positive(json, "hidden_size");
    int numQueryHeads = positive(json, "num_attention_heads");
    int numKvHeads = numKvHeads(json, architecture, numQueryHeads);
    int headDim = headDim(json, architecture, hiddenSize, numQueryHeads);
    int maxPositions = json.integer("max_position_embeddings", defaultMaxPositions(architecture));
    try {
      return new ModelConfig(
          architecture,
          positive(json, "num_hidden_layers"),
          hiddenSize,
          positive(json, "intermediate_size"),
          numQueryHeads,
          numKvHeads,
          headDim,
          positive(json, "vocab_size"),
          (float) json.number("rms_norm_eps", 1e-6),
          RopeConfigReader.read(json, maxPositions),
          maxPositions,
          json.flag("tie_word_embeddings", false),
          architecture == Architecture.QWEN2,
          architecture == Architecture.QWEN3);
    } catch (IllegalArgumentException e) {
      throw ModelConfigErrors.inconsistent(json.name(), e.getMessage());
    }
  }

  private static Architecture architecture(JsonFile json) {
    if (json.has("architectures")) {
      if (!json.node("architectures").isArray() || json.node("architectures").size() != 1) {
        throw json.unsupported("architectures", SUPPORTED);
      }
      return byName(json.node("architectures").get(0).asText())
          .orElseThrow(() -> json.unsupported("architectures", SUPPORTED));
    }
    return switch (json.text("model_type", "")) {
      case "qwen2" -> Architecture.QWEN2;
      case "qwen3" -> Architecture.QWEN3;
      case "llama" -> Architecture.LLAMA;
      case "" -> throw ModelConfigErrors.missingKey(json.name(), "architectures");
      default -> throw json.unsupported("model_type", "qwen2, qwen3 and llama");
    };
  }

  private static Optional<Architecture> byName(String name) {
    return switch (name) {
      case "Qwen2ForCausalLM" -> Optional.of(Architecture.QWEN2);
      case "Qwen3ForCausalLM" -> Optional.of(Architecture.QWEN3);
      case "LlamaForCausalLM" -> Optional.of(Architecture.LLAMA);
      default -> Optional.empty();
    };
  }

  private static void refuseForeignOptions(JsonFile json, Architecture architecture) {
    for (String key : FOREIGN_OPTIONS) {
      if (json.has(key)) {
        throw json.unsupported(key, "a checkpoint without it");
      }
    }
    for (NeutralOption option : NEUTRAL_OPTIONS) {
      if (json.has(option.key()) && !isValue(json, option)) {
        throw json.unsupported(option.key(), neutral(json, option));
      }
    }
    if (!json.text("hidden_act", "silu").equals("silu")) {
      throw json.unsupported("hidden_act", "silu");
    }
    // Qwen2 always has biases on q, k and v and none on o; elsewhere the flag would add all four.
    if (architecture != Architecture.QWEN2 && json.flag("attention_bias", false)) {
      throw json.unsupported("attention_bias", "false");
    }
    if (json.flag("use_sliding_window", false)) {
      throw json.unsupported("use_sliding_window", "false");
    }
    json.node("layer_types")
        .forEach(
            type -> {
              if (!type.asText().equals("full_attention")) {
                throw json.unsupported("layer_types", "full_attention in every layer");
              }
            });
    // Where there is no switch for it, as in Llama derivatives, a window is in use when it is set.
    if (architecture == Architecture.LLAMA && json.has("sliding_window")) {
      throw json.unsupported("sliding_window", "null");
    }
  }

  private static boolean isValue(JsonFile json, NeutralOption option) {
    if (json.node(option.key()).isBoolean()) {
      return json.flag(option.key(), false) == (option.value() != 0);
    }
    return json.number(option.key()) == option.value();
  }

  private static String neutral(JsonFile json, NeutralOption option) {
    if (json.node(option.key()).isBoolean()) {
      return option.value() != 0 ? "true" : "false";
    }
    return String.valueOf((int) option.value());
  }

  private static int numKvHeads(JsonFile json, Architecture architecture, int numQueryHeads) {
    if (architecture == Architecture.LLAMA && !json.has("num_key_value_heads")) {
      return numQueryHeads;
    }
    return positive(json, "num_key_value_heads");
  }

  private static int headDim(
      JsonFile json, Architecture architecture, int hiddenSize, int numQueryHeads) {
    if (json.has("head_dim")) {
      return positive(json, "head_dim");
    }
    if (architecture == Architecture.QWEN3) {
      return 128;
    }
    if (hiddenSize % numQueryHeads != 0) {
      throw ModelConfigErrors.inconsistent(
          json.name(),
          "hidden_size %d is no multiple of num_attention_heads %d and there is no head_dim"
              .formatted(hiddenSize, numQueryHeads));
    }
    return hiddenSize / numQueryHeads;
  }

  private static int defaultMaxPositions(Architecture architecture) {
    return architecture == Architecture.LLAMA ? 2048 : 32768;
  }

  private static int positive(JsonFile json, String key) {
    int value = json.integer(key);
    if (value < 1) {
      throw json.wrongType(key, "1 or more");
    }
    return value;
  }
}
