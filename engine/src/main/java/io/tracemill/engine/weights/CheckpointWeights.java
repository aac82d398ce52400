package io.tracemill.engine.weights;

import io.tracemill.engine.model.ModelConfig;
import java.nio.file.Path;
import java.util.HashSet;
import java.util.List;
import java.util.Optional;
import java.util.Set;
import java.util.TreeSet;
import java.util.regex.Pattern;

/** The weights of a Hugging Face checkpoint directory, mapped from its safetensors files. */
public final class CheckpointWeights implements ModelWeights {
  /** Constants that old Llama checkpoints carry along; they follow from the configuration. */
  private static final Pattern DERIVED = Pattern.compile(".*\\.rotary_emb\\.inv_freq");

  private static final String OUTPUT = "lm_head.weight";

  private final Checkpoint checkpoint;
  private final NamedTensors tensors;

  private CheckpointWeights(Checkpoint checkpoint, NamedTensors tensors) {
    this.checkpoint = checkpoint;
    this.tensors = tensors;
  }

  /**
   * Maps the checkpoint and checks names, shapes and element types against the configuration.
   *
   * @throws io.tracemill.engine.error.ReasoningException with code {@code INVALID_CHECKPOINT} where
   *     a file, a tensor or a shape is wrong, {@code UNSUPPORTED_MODEL} where there is a tensor
   *     that this network does not use
   */
  public static CheckpointWeights open(Path modelDirectory, ModelConfig config) {
    Checkpoint checkpoint = Checkpoint.open(modelDirectory);
    try {
      Set<String> used = new HashSet<>();
      NamedTensors tensors =
          NamedTensors.of(config, (name, shape) -> take(checkpoint, used, name, shape));
      Set<String> unused = new TreeSet<>();
      checkpoint.names().forEach(unused::add);
      unused.removeAll(used);
      unused.removeIf(name -> DERIVED.matcher(name).matches());
      if (config.tiedEmbeddings()) {
        unused.remove(OUTPUT);
      }
      if (!unused.isEmpty()) {
        throw CheckpointErrors.unusedTensor(modelDirectory, unused.iterator().next());
      }
      return new CheckpointWeights(checkpoint, tensors);
    } catch (RuntimeException e) {
      checkpoint.close();
      throw e;
    }
  }

  private static WeightTensor take(
      Checkpoint checkpoint, Set<String> used, String name, List<Integer> shape) {
    Optional<WeightTensor> tensor = checkpoint.find(name);
    if (tensor.isEmpty()) {
      throw CheckpointErrors.missingTensor(checkpoint.directory(), name);
    }
    if (!tensor.get().shape().equals(shape)) {
      throw CheckpointErrors.wrongShape(checkpoint.directory(), name, tensor.get().shape(), shape);
    }
    used.add(name);
    return tensor.get();
  }

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
  public void close() {
    checkpoint.close();
  }
}
