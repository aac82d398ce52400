package io.tracemill.bench;

import io.tracemill.engine.model.ModelConfig;
import io.tracemill.engine.weights.ModelWeights;
import io.tracemill.engine.weights.ModelWeights.LayerWeights;
import io.tracemill.engine.weights.WeightTensor;
import java.io.IOException;
import java.io.UncheckedIOException;
import java.nio.ByteBuffer;
import java.nio.ByteOrder;
import java.nio.channels.FileChannel;
import java.nio.charset.StandardCharsets;
import java.nio.file.Files;
import java.nio.file.Path;
import java.nio.file.StandardOpenOption;
import java.util.ArrayList;
import java.util.List;
import java.util.Locale;
import java.util.concurrent.ExecutionException;
import java.util.concurrent.ExecutorService;
import java.util.concurrent.Executors;
import java.util.concurrent.Future;
import java.util.stream.Collectors;
import java.util.stream.Stream;

/**
 * Writes bf16 weights as a Hugging Face checkpoint: {@code config.json}, safetensors in shards, and
 * their index. For measurements at the size of real models.
 */
final class CheckpointWriter {
  private static final long SHARD_BYTES = 5_000_000_000L;
  private static final int PIECE_BYTES = 8 << 20;

  private final Path directory;
  private final ModelConfig config;

  CheckpointWriter(Path directory, ModelConfig config) {
    this.directory = directory;
    this.config = config;
  }

  /**
   * Writes the checkpoint.
   *
   * @return bytes of all tensors
   */
  long write(ModelWeights weights) throws IOException, InterruptedException {
    Files.createDirectories(directory);
    Files.writeString(directory.resolve("config.json"), configJson());
    List<List<WeightTensor>> shards = shards(tensors(weights));
    List<String> index = new ArrayList<>();
    long total = 0;
    ExecutorService threads =
        Executors.newFixedThreadPool(Runtime.getRuntime().availableProcessors());
    try {
      for (int i = 0; i < shards.size(); i++) {
        String file = "model-%05d-of-%05d.safetensors".formatted(i + 1, shards.size());
        writeShard(directory.resolve(file), shards.get(i), threads);
        for (WeightTensor tensor : shards.get(i)) {
          index.add("\"%s\": \"%s\"".formatted(tensor.name(), file));
          total += tensor.byteSize();
        }
      }
    } finally {
      threads.shutdownNow();
    }
    Files.writeString(
        directory.resolve("model.safetensors.index.json"),
        "{\"metadata\": {\"total_size\": %d}, \"weight_map\": {%s}}"
            .formatted(total, String.join(", ", index)));
    return total;
  }

  private List<WeightTensor> tensors(ModelWeights weights) {
    List<WeightTensor> all = new ArrayList<>();
    all.add(weights.embedding());
    for (LayerWeights layer : weights.layers()) {
      all.addAll(
          List.of(
              layer.inputNorm(),
              layer.query(),
              layer.key(),
              layer.value(),
              layer.attentionOutput(),
              layer.postAttentionNorm(),
              layer.gate(),
              layer.up(),
              layer.down()));
      Stream.of(
              layer.queryBias(),
              layer.keyBias(),
              layer.valueBias(),
              layer.queryNorm(),
              layer.keyNorm())
          .forEach(tensor -> tensor.ifPresent(all::add));
    }
    all.add(weights.finalNorm());
    if (!config.tiedEmbeddings()) {
      all.add(weights.outputProjection());
    }
    return all;
  }

  private static List<List<WeightTensor>> shards(List<WeightTensor> tensors) {
    List<List<WeightTensor>> shards = new ArrayList<>();
    long bytes = SHARD_BYTES;
    for (WeightTensor tensor : tensors) {
      if (bytes + tensor.byteSize() > SHARD_BYTES) {
        shards.add(new ArrayList<>());
        bytes = 0;
      }
      shards.get(shards.size() - 1).add(tensor);
      bytes += tensor.byteSize();
    }
    return shards;
  }

  private static void writeShard(Path file, List<WeightTensor> tensors, ExecutorService threads)
      throws IOException, InterruptedException {
    List<String> entries = new ArrayList<>();
    long at = 0;
    for (WeightTensor tensor : tensors) {
      String shape = tensor.shape().stream().map(String::valueOf).collect(Collectors.joining(", "));
      entries.add(
          "\"%s\": {\"dtype\": \"BF16\", \"shape\": [%s], \"data_offsets\": [%d, %d]}"
              .formatted(tensor.name(), shape, at, at + tensor.byteSize()));
      at += tensor.byteSize();
    }
    String json = "{" + String.join(", ", entries) + "}";
    byte[] header =
        (json + " ".repeat((8 - json.length() % 8) % 8)).getBytes(StandardCharsets.UTF_8);
    try (FileChannel channel =
        FileChannel.open(
            file,
            StandardOpenOption.CREATE,
            StandardOpenOption.TRUNCATE_EXISTING,
            StandardOpenOption.WRITE)) {
      ByteBuffer start = ByteBuffer.allocate(8 + header.length).order(ByteOrder.LITTLE_ENDIAN);
      start.putLong(header.length).put(header).flip();
      writeFully(channel, start, 0);
      List<Future<?>> pieces = new ArrayList<>();
      long first = 8L + header.length;
      for (WeightTensor tensor : tensors) {
        for (long offset = 0; offset < tensor.byteSize(); offset += PIECE_BYTES) {
          long from = offset;
          long target = first + offset;
          int length = (int) Math.min(PIECE_BYTES, tensor.byteSize() - offset);
          pieces.add(threads.submit(() -> writeFully(channel, tensor.slice(from, length), target)));
        }
        first += tensor.byteSize();
      }
      for (Future<?> piece : pieces) {
        piece.get();
      }
    } catch (ExecutionException e) {
      throw new IOException("writing " + file + " failed: " + e.getCause().getMessage(), e);
    }
  }

  private static void writeFully(FileChannel channel, ByteBuffer bytes, long position) {
    try {
      long at = position;
      while (bytes.hasRemaining()) {
        at += channel.write(bytes, at);
      }
    } catch (IOException e) {
      throw new UncheckedIOException(e);
    }
  }

  private String configJson() {
    String architecture =
        switch (config.architecture()) {
          case QWEN2 -> "Qwen2ForCausalLM";
          case QWEN3 -> "Qwen3ForCausalLM";
          case LLAMA -> "LlamaForCausalLM";
        };
    return String.format(
        Locale.ROOT,
        """
        {"architectures": ["%s"], "hidden_size": %d, "num_hidden_layers": %d,
         "num_attention_heads": %d, "num_key_value_heads": %d, "head_dim": %d,
         "intermediate_size": %d, "vocab_size": %d, "hidden_act": "silu", "rms_norm_eps": %s,
         "rope_theta": %s, "max_position_embeddings": %d, "tie_word_embeddings": %b,
         "torch_dtype": "bfloat16"}
        """,
        architecture,
        config.hiddenSize(),
        config.numLayers(),
        config.numQueryHeads(),
        config.numKvHeads(),
        config.headDim(),
        config.intermediateSize(),
        config.vocabSize(),
        config.rmsNormEps(),
        config.rope().theta(),
        config.maxPositions(),
        config.tiedEmbeddings());
  }
}
