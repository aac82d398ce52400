package io.tracemill.engine.weights;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import io.tracemill.engine.error.ErrorCode;
import io.tracemill.engine.error.ReasoningException;
import io.tracemill.engine.model.ModelConfig;
import io.tracemill.engine.model.ModelConfig.Architecture;
import io.tracemill.engine.model.ModelConfigReader;
import io.tracemill.engine.model.RopeScaling;
import io.tracemill.engine.weights.TinyCheckpoints.TensorValues;
import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.Arrays;
import java.util.List;
import java.util.Map;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;

final class TestCheckpointWeights {
  @TempDir Path directory;

  private final ModelConfig llama =
      TinyCheckpoints.config(Architecture.LLAMA, new RopeScaling.None());

  @Test
  void readsEveryArchitectureFromOneFileAndFromShards() throws IOException {
    for (Architecture architecture : Architecture.values()) {
      for (boolean sharded : new boolean[] {false, true}) {
        Path model = Files.createDirectory(directory.resolve(architecture + "-" + sharded));
        ModelConfig config =
            TinyCheckpoints.config(architecture, new RopeScaling.Llama3(8, 1, 4, 64));
        Map<String, TensorValues> tensors = TinyCheckpoints.tensors(config, 7);
        if (sharded) {
          TinyCheckpoints.writeSharded(model, config, tensors, ElementType.FP32);
        } else {
          TinyCheckpoints.write(model, config, tensors, ElementType.FP32);
        }
        ModelConfig read = ModelConfigReader.read(model);
        assertThat(read).isEqualTo(config);
        try (CheckpointWeights weights = CheckpointWeights.open(model, read)) {
          assertThat(weights.layers()).hasSize(2);
          assertThat(weights.outputProjection() == weights.embedding())
              .isEqualTo(architecture == Architecture.QWEN2);
          assertThat(weights.layers().get(1).queryBias().isPresent())
              .isEqualTo(architecture == Architecture.QWEN2);
          assertThat(weights.layers().get(1).queryNorm().isPresent())
              .isEqualTo(architecture == Architecture.QWEN3);
          WeightTensor down = weights.layers().get(1).down();
          assertThat(down.slice(4 * 33, 4).getFloat())
              .isEqualTo(tensors.get("model.layers.1.mlp.down_proj.weight").values()[33]);
        }
      }
    }
  }

  @Test
  void namesMissingTensors() {
    Map<String, TensorValues> tensors = TinyCheckpoints.tensors(llama, 1);
    tensors.remove("model.layers.1.mlp.up_proj.weight");
    fails(tensors, ErrorCode.INVALID_CHECKPOINT, "lack tensor model.layers.1.mlp.up_proj.weight");
    tensors = TinyCheckpoints.tensors(llama, 1);
    tensors.remove("lm_head.weight");
    fails(tensors, ErrorCode.INVALID_CHECKPOINT, "lack tensor lm_head.weight");
  }

  @Test
  void namesWrongShapes() {
    Map<String, TensorValues> tensors = TinyCheckpoints.tensors(llama, 1);
    tensors.put("model.norm.weight", new TensorValues(List.of(41), new float[41]));
    fails(
        tensors,
        ErrorCode.INVALID_CHECKPOINT,
        "model.norm.weight",
        "has shape [41] where config.json asks for [40]");
  }

  @Test
  void refusesTensorsThatTheNetworkDoesNotUse() {
    Map<String, TensorValues> tensors = TinyCheckpoints.tensors(llama, 1);
    tensors.put("model.layers.0.self_attn.q_proj.bias", new TensorValues(List.of(4), new float[4]));
    fails(
        tensors,
        ErrorCode.UNSUPPORTED_MODEL,
        "model.layers.0.self_attn.q_proj.bias, which this architecture does not use");
  }

  @Test
  void ignoresWhatFollowsFromTheConfiguration() {
    ModelConfig qwen = TinyCheckpoints.config(Architecture.QWEN2, new RopeScaling.None());
    Map<String, TensorValues> tensors = TinyCheckpoints.tensors(qwen, 1);
    tensors.put("lm_head.weight", new TensorValues(List.of(1), new float[1]));
    tensors.put(
        "model.layers.0.self_attn.rotary_emb.inv_freq", new TensorValues(List.of(5), new float[5]));
    TinyCheckpoints.write(directory, qwen, tensors, ElementType.FP16);
    CheckpointWeights.open(directory, qwen).close();
  }

  @Test
  void namesMissingShardsAndBadIndexes() throws IOException {
    TinyCheckpoints.writeSharded(
        directory, llama, TinyCheckpoints.tensors(llama, 1), ElementType.BF16);
    Path second = directory.resolve("model-00002-of-00002.safetensors");
    Path first = directory.resolve("model-00001-of-00002.safetensors");
    Path index = directory.resolve("model.safetensors.index.json");
    byte[] shard = Files.readAllBytes(second);
    Files.delete(second);
    fails("names the shard model-00002-of-00002.safetensors, which is not there");
    Files.write(second, Files.readAllBytes(first));
    fails("is in two shards", first.toString(), second.toString());
    Files.write(second, shard);
    String text = Files.readString(index);
    Files.writeString(
        index,
        text.replaceFirst(
            "\"model.embed",
            "\"model.other\": \"model-00001-of-00002.safetensors\", \"model.embed"));
    fails("lacks tensor model.other, which the index places there");
    Files.writeString(index, text.replaceFirst("model-00001", "../model-00001"));
    fails("which is no file name");
    Files.writeString(index, "{}");
    fails("it has no weight_map");
    Files.writeString(index, "{\"weight_map\"");
    fails("The shard index", "is malformed");
    Files.delete(index);
    fails("holds neither model.safetensors nor model.safetensors.index.json");
  }

  private void fails(Map<String, TensorValues> tensors, ErrorCode code, String... messages) {
    TinyCheckpoints.write(directory, llama, tensors, ElementType.BF16);
    assertThatThrownBy(() -> CheckpointWeights.open(directory, llama).close())
        .isInstanceOf(ReasoningException.class)
        .hasMessageContainingAll(messages)
        .extracting(e -> ((ReasoningException) e).code())
        .isEqualTo(code);
  }

  private void fails(String... messages) {
    assertThatThrownBy(() -> CheckpointWeights.open(directory, llama).close())
        .isInstanceOf(ReasoningException.class)
        .hasMessageContainingAll(messages)
        .extracting(e -> ((ReasoningException) e).code())
        .isEqualTo(ErrorCode.INVALID_CHECKPOINT);
  }

  @Test
  void dummyWeightsAreAFunctionOfSeedNameAndPlace() {
    ModelConfig config = TinyCheckpoints.config(Architecture.QWEN3, new RopeScaling.None());
    WeightTensor gate = DummyWeights.of(config, 3).layers().get(1).gate();
    assertThat(gate.shape()).containsExactly(52, 40);
    assertThat(gate.byteSize()).isEqualTo(2 * 52 * 40);
    byte[] whole = new byte[2 * 52 * 40];
    gate.slice(0, whole.length).get(whole);
    byte[] part = new byte[100];
    DummyWeights.of(config, 3).layers().get(1).gate().slice(334, 100).get(part);
    assertThat(part).isEqualTo(Arrays.copyOfRange(whole, 334, 434));
    byte[] other = new byte[100];
    DummyWeights.of(config, 3).layers().get(0).gate().slice(334, 100).get(other);
    assertThat(other).isNotEqualTo(part);
    DummyWeights.of(config, 4).layers().get(1).gate().slice(334, 100).get(other);
    assertThat(other).isNotEqualTo(part);
    double square = 0;
    for (int i = 0; i < 52 * 40; i++) {
      float value = Bf16.toFloat(gate.slice(2L * i, 2).getShort());
      square += value * value;
    }
    // Variance 1 / inFeatures, from 2080 draws.
    assertThat(square / (52 * 40) * 40).isBetween(0.9, 1.1);
    WeightTensor norm = DummyWeights.of(config, 3).finalNorm();
    assertThat(Bf16.toFloat(norm.slice(0, 2).getShort())).isEqualTo(1);
  }
}
