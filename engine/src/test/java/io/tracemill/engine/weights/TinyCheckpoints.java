package io.tracemill.engine.weights;

import com.fasterxml.jackson.databind.json.JsonMapper;
import com.fasterxml.jackson.databind.node.ArrayNode;
import com.fasterxml.jackson.databind.node.ObjectNode;
import io.tracemill.engine.model.ModelConfig;
import io.tracemill.engine.model.ModelConfig.Architecture;
import io.tracemill.engine.model.RopeConfig;
import io.tracemill.engine.model.RopeScaling;
import java.io.IOException;
import java.io.UncheckedIOException;
import java.nio.ByteBuffer;
import java.nio.ByteOrder;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import java.util.Random;

/**
 * Small random checkpoints of every architecture, written as Hugging Face directories. Shared with
 * other modules' tests.
 */
public final class TinyCheckpoints {
  private static final JsonMapper MAPPER = JsonMapper.builder().build();

  private TinyCheckpoints() {}

  /** One tensor to be written: its shape and its values, row-major. */
  public record TensorValues(List<Integer> shape, float[] values) {}

  /**
   * A small network: 2 layers, 4 query heads, 2 KV heads, hidden 40, vocabulary 67; sizes that fill
   * neither panels nor vectors. Qwen3's head dimension differs from hidden / heads.
   */
  public static ModelConfig config(Architecture architecture, RopeScaling scaling) {
    boolean qwen3 = architecture == Architecture.QWEN3;
    return new ModelConfig(
        architecture,
        2,
        40,
        52,
        4,
        2,
        qwen3 ? 16 : 10,
        67,
        1e-5f,
        new RopeConfig(10_000, scaling),
        512,
        architecture == Architecture.QWEN2,
        architecture == Architecture.QWEN2,
        qwen3);
  }

  /** Random tensors of a network by their checkpoint names, norms around 1. */
  public static Map<String, TensorValues> tensors(ModelConfig config, long seed) {
    Random random = new Random(seed);
    Map<String, TensorValues> tensors = new LinkedHashMap<>();
    NamedTensors.of(
        config,
        (name, shape) -> {
          float[] values = new float[shape.stream().reduce(1, Math::multiplyExact)];
          boolean norm = name.endsWith("norm.weight");
          double width = shape.size() == 1 ? 0.3 : Math.sqrt(1.0 / shape.get(1));
          if (name.contains("embed_tokens")) {
            width = 1;
          }
          for (int i = 0; i < values.length; i++) {
            values[i] = (float) ((norm ? 1 : 0) + width * random.nextGaussian());
          }
          tensors.put(name, new TensorValues(shape, values));
          return new ArrayTensor(name, ElementType.FP32, shape, new byte[0]);
        });
    return tensors;
  }

  /**
   * Rounds tensors to an element type, so that a test knows the very values that a checkpoint of
   * that type stores.
   */
  public static Map<String, TensorValues> rounded(
      Map<String, TensorValues> tensors, ElementType type) {
    Map<String, TensorValues> rounded = new LinkedHashMap<>();
    tensors.forEach(
        (name, tensor) -> {
          float[] values = tensor.values().clone();
          for (int i = 0; i < values.length; i++) {
            values[i] =
                switch (type) {
                  case FP32 -> values[i];
                  case BF16 -> Bf16.toFloat(Bf16.fromFloat(values[i]));
                  case FP16 -> Fp16.toFloat(toHalf(values[i]));
                };
          }
          rounded.put(name, new TensorValues(tensor.shape(), values));
        });
    return rounded;
  }

  /** Truncates to half precision; enough for values between 2^-14 and 2^15. */
  private static short toHalf(float value) {
    int bits = Float.floatToRawIntBits(value);
    int exponent = ((bits >>> 23) & 0xFF) - 112;
    if (exponent <= 0) {
      return (short) ((bits >>> 16) & 0x8000);
    }
    return (short) (((bits >>> 16) & 0x8000) | (exponent << 10) | ((bits >>> 13) & 0x3FF));
  }

  /** Writes {@code config.json} and {@code model.safetensors}. */
  public static Path write(
      Path directory, ModelConfig config, Map<String, TensorValues> tensors, ElementType type) {
    writeConfig(directory, config);
    writeSafetensors(directory.resolve("model.safetensors"), tensors, type);
    return directory;
  }

  /** Writes the checkpoint in two shards with an index. */
  public static Path writeSharded(
      Path directory, ModelConfig config, Map<String, TensorValues> tensors, ElementType type) {
    writeConfig(directory, config);
    List<String> names = List.copyOf(tensors.keySet());
    ObjectNode index = MAPPER.createObjectNode();
    ObjectNode map = index.putObject("weight_map");
    for (int shard = 0; shard < 2; shard++) {
      String file = "model-%05d-of-00002.safetensors".formatted(shard + 1);
      int middle = names.size() / 2;
      Map<String, TensorValues> part = new LinkedHashMap<>();
      for (String name :
          shard == 0 ? names.subList(0, middle) : names.subList(middle, names.size())) {
        part.put(name, tensors.get(name));
        map.put(name, file);
      }
      writeSafetensors(directory.resolve(file), part, type);
    }
    write(directory.resolve("model.safetensors.index.json"), index);
    return directory;
  }

  /** Writes one safetensors file. */
  public static void writeSafetensors(
      Path file, Map<String, TensorValues> tensors, ElementType type) {
    ObjectNode header = MAPPER.createObjectNode();
    header.putObject("__metadata__").put("format", "pt");
    long offset = 0;
    for (Map.Entry<String, TensorValues> entry : tensors.entrySet()) {
      ObjectNode tensor = header.putObject(entry.getKey());
      tensor.put(
          "dtype", type == ElementType.FP32 ? "F32" : type == ElementType.FP16 ? "F16" : "BF16");
      ArrayNode shape = tensor.putArray("shape");
      entry.getValue().shape().forEach(shape::add);
      long bytes = (long) entry.getValue().values().length * type.bytes();
      tensor.putArray("data_offsets").add(offset).add(offset + bytes);
      offset += bytes;
    }
    try {
      byte[] json = MAPPER.writeValueAsBytes(header);
      ByteBuffer bytes =
          ByteBuffer.allocate(Math.toIntExact(8 + json.length + offset))
              .order(ByteOrder.LITTLE_ENDIAN);
      bytes.putLong(json.length).put(json);
      tensors.values().forEach(tensor -> put(bytes, tensor.values(), type));
      Files.write(file, bytes.array());
    } catch (IOException e) {
      throw new UncheckedIOException(e);
    }
  }

  private static void put(ByteBuffer bytes, float[] values, ElementType type) {
    for (float value : values) {
      switch (type) {
        case FP32 -> bytes.putFloat(value);
        case BF16 -> bytes.putShort(Bf16.fromFloat(value));
        case FP16 -> bytes.putShort(toHalf(value));
      }
    }
  }

  /** Writes {@code config.json} only. */
  public static void writeConfig(Path directory, ModelConfig config) {
    write(directory.resolve("config.json"), configJson(config));
  }

  private static ObjectNode configJson(ModelConfig config) {
    ObjectNode json = MAPPER.createObjectNode();
    String family =
        switch (config.architecture()) {
          case QWEN2 -> "Qwen2";
          case QWEN3 -> "Qwen3";
          case LLAMA -> "Llama";
        };
    json.putArray("architectures").add(family + "ForCausalLM");
    json.put("num_hidden_layers", config.numLayers());
    json.put("hidden_size", config.hiddenSize());
    json.put("intermediate_size", config.intermediateSize());
    json.put("num_attention_heads", config.numQueryHeads());
    json.put("num_key_value_heads", config.numKvHeads());
    json.put("head_dim", config.headDim());
    json.put("vocab_size", config.vocabSize());
    json.put("rms_norm_eps", 1e-5);
    json.put("rope_theta", config.rope().theta());
    json.put("max_position_embeddings", config.maxPositions());
    json.put("tie_word_embeddings", config.tiedEmbeddings());
    json.put("hidden_act", "silu");
    scaling(json, config.rope().scaling());
    return json;
  }

  private static void scaling(ObjectNode json, RopeScaling scaling) {
    if (scaling instanceof RopeScaling.Linear linear) {
      json.putObject("rope_scaling").put("rope_type", "linear").put("factor", linear.factor());
    } else if (scaling instanceof RopeScaling.Llama3 llama3) {
      json.putObject("rope_scaling")
          .put("rope_type", "llama3")
          .put("factor", llama3.factor())
          .put("low_freq_factor", llama3.lowFrequencyFactor())
          .put("high_freq_factor", llama3.highFrequencyFactor())
          .put("original_max_position_embeddings", llama3.originalMaxPositions());
    } else if (scaling instanceof RopeScaling.Yarn yarn) {
      json.putObject("rope_scaling")
          .put("rope_type", "yarn")
          .put("factor", yarn.factor())
          .put("beta_fast", yarn.betaFast())
          .put("beta_slow", yarn.betaSlow())
          .put("attention_factor", yarn.attentionFactor())
          .put("original_max_position_embeddings", yarn.originalMaxPositions())
          .put("truncate", yarn.truncate());
    }
  }

  private static void write(Path file, ObjectNode json) {
    try {
      Files.createDirectories(file.getParent());
      Files.write(file, MAPPER.writeValueAsBytes(json));
    } catch (IOException e) {
      throw new UncheckedIOException(e);
    }
  }

  /** Weights held in arrays, without files. */
  public static ModelWeights weights(
      ModelConfig config, Map<String, TensorValues> tensors, ElementType type) {
    NamedTensors named =
        NamedTensors.of(
            config,
            (name, shape) -> {
              float[] values = tensors.get(name).values();
              ByteBuffer bytes =
                  ByteBuffer.allocate(values.length * type.bytes()).order(ByteOrder.LITTLE_ENDIAN);
              put(bytes, values, type);
              return new ArrayTensor(name, type, shape, bytes.array());
            });
    return new ArrayWeights(named);
  }

  private record ArrayWeights(NamedTensors tensors) implements ModelWeights {
    @Override
    public WeightTensor embedding() {
      return tensors.embedding();
    }

    @Override
    public List<LayerWeights> layers() {
      return tensors.layers();
    }

    @Override
    public WeightTensor finalNorm() {
      return tensors.finalNorm();
    }

    @Override
    public WeightTensor outputProjection() {
      return tensors.outputProjection();
    }

    @Override
    public void close() {}
  }

  private record ArrayTensor(
      String name, ElementType elementType, List<Integer> shape, byte[] bytes)
      implements WeightTensor {
    @Override
    public long byteSize() {
      return bytes.length;
    }

    @Override
    public ByteBuffer slice(long byteOffset, int byteLength) {
      return ByteBuffer.wrap(bytes, Math.toIntExact(byteOffset), byteLength)
          .slice()
          .asReadOnlyBuffer()
          .order(ByteOrder.LITTLE_ENDIAN);
    }
  }
}
