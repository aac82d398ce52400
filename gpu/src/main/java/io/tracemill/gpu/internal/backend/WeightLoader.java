package io.tracemill.gpu.internal.backend;

import io.tracemill.engine.model.ModelConfig;
import io.tracemill.engine.weights.ElementType;
import io.tracemill.engine.weights.ModelWeights;
import io.tracemill.engine.weights.ModelWeights.LayerWeights;
import io.tracemill.engine.weights.WeightTensor;
import io.tracemill.gpu.internal.device.CudaDriver;
import io.tracemill.gpu.internal.kernel.Launcher;
import io.tracemill.gpu.internal.kernel.PackWeightsKernel;
import io.tracemill.gpu.internal.kernel.PackWeightsKernel.RowMap;
import io.tracemill.gpu.internal.kernel.PackedMatrix;
import io.tracemill.gpu.internal.kernel.RopeAppendKernel.LayerConstants;
import io.tracemill.gpu.internal.memory.DeviceBuffer;
import io.tracemill.gpu.internal.memory.DeviceMemory;
import io.tracemill.gpu.internal.memory.PinnedBuffer;
import io.tracemill.gpu.internal.memory.Purpose;
import io.tracemill.gpu.internal.memory.ResourceStack;
import java.nio.ByteBuffer;
import java.util.ArrayList;
import java.util.List;
import jcuda.driver.CUevent;

/**
 * Brings weights to the device: slices of rows through page-locked staging and a device buffer of
 * the same size, packed there into their final place. The raw form of no more than the slices in
 * flight exists at any time. Synchronises at the end.
 */
final class WeightLoader implements AutoCloseable {
  private static final int SLICES_IN_FLIGHT = 3;
  private static final int SLICE_BYTES = 64 << 20;
  private static final int VECTOR_ALIGNMENT = 64;

  private final CudaDriver driver;
  private final DeviceMemory memory;
  private final Launcher launcher;
  private final ResourceStack weightBuffers;
  private final ResourceStack own = new ResourceStack();
  private final PackWeightsKernel packer;
  private final TensorReader reader;
  private final List<Slice> slices = new ArrayList<>();
  private int nextSlice;

  /** One staging buffer on either side, and the event after which it may be filled again. */
  private record Slice(PinnedBuffer host, DeviceBuffer device, CUevent packed) {}

  /**
   * A loader.
   *
   * @param weightBuffers takes the buffers that the weights stay in
   */
  WeightLoader(
      CudaDriver driver, DeviceMemory memory, Launcher launcher, ResourceStack weightBuffers) {
    this.driver = driver;
    this.memory = memory;
    this.launcher = launcher;
    this.weightBuffers = weightBuffers;
    this.packer = new PackWeightsKernel(launcher);
    this.reader = own.add(new TensorReader());
    try {
      for (int i = 0; i < SLICES_IN_FLIGHT; i++) {
        PinnedBuffer host = own.add(new PinnedBuffer(driver, SLICE_BYTES));
        DeviceBuffer device =
            own.add(memory.allocate(Purpose.WORKSPACE, "weight staging", SLICE_BYTES));
        CUevent packed = driver.createEvent();
        own.add(() -> driver.destroyEvent(packed));
        slices.add(new Slice(host, device, packed));
      }
    } catch (RuntimeException e) {
      own.close();
      throw e;
    }
  }

  /** Loads all weights. */
  DeviceWeights load(ModelConfig config, ModelWeights weights) {
    long[] vectors = loadVectors(weights);
    long embedding = loadEmbedding(config, weights.embedding());
    List<DeviceWeights.Layer> layers = new ArrayList<>();
    int vector = 0;
    for (LayerWeights layer : weights.layers()) {
      int hidden = config.hiddenSize();
      PackedMatrix qkv =
          allocate("attention weights", config.queryDim() + 2 * config.kvDim(), hidden);
      pack(layer.query(), qkv, 0, RowMap.PLAIN);
      pack(layer.key(), qkv, config.queryDim(), RowMap.PLAIN);
      pack(layer.value(), qkv, config.queryDim() + config.kvDim(), RowMap.PLAIN);
      PackedMatrix output = allocate("attention weights", hidden, config.queryDim());
      pack(layer.attentionOutput(), output, 0, RowMap.PLAIN);
      PackedMatrix gateUp = allocate("MLP weights", 2 * config.intermediateSize(), hidden);
      pack(layer.gate(), gateUp, 0, RowMap.GATE);
      pack(layer.up(), gateUp, 0, RowMap.UP);
      PackedMatrix down = allocate("MLP weights", hidden, config.intermediateSize());
      pack(layer.down(), down, 0, RowMap.PLAIN);
      layers.add(
          new DeviceWeights.Layer(
              vectors[vector],
              qkv,
              new LayerConstants(vectors[vector + 1], vectors[vector + 2], vectors[vector + 3]),
              output,
              vectors[vector + 4],
              gateUp,
              down));
      vector += 5;
    }
    PackedMatrix outputProjection =
        allocate("the output projection", config.vocabSize(), config.hiddenSize());
    pack(weights.outputProjection(), outputProjection, 0, RowMap.PLAIN);
    driver.synchronize(launcher.stream());
    return new DeviceWeights(embedding, layers, vectors[vector], outputProjection);
  }

  /**
   * Norms and biases as floats, in one buffer: per layer input norm, bias, query norm, key norm,
   * post-attention norm, then the final norm; 0 for what a layer has not.
   */
  private long[] loadVectors(ModelWeights weights) {
    List<List<WeightTensor>> vectors = new ArrayList<>();
    for (LayerWeights layer : weights.layers()) {
      vectors.add(List.of(layer.inputNorm()));
      List<WeightTensor> bias = new ArrayList<>();
      layer.queryBias().ifPresent(bias::add);
      layer.keyBias().ifPresent(bias::add);
      layer.valueBias().ifPresent(bias::add);
      vectors.add(bias);
      vectors.add(layer.queryNorm().stream().toList());
      vectors.add(layer.keyNorm().stream().toList());
      vectors.add(List.of(layer.postAttentionNorm()));
    }
    vectors.add(List.of(weights.finalNorm()));

    long[] offsets = new long[vectors.size()];
    long bytes = 0;
    for (int i = 0; i < offsets.length; i++) {
      offsets[i] = bytes;
      long elements =
          vectors.get(i).stream().mapToLong(t -> t.byteSize() / t.elementType().bytes()).sum();
      bytes +=
          (elements + VECTOR_ALIGNMENT - 1) / VECTOR_ALIGNMENT * VECTOR_ALIGNMENT * Float.BYTES;
    }
    DeviceBuffer device =
        weightBuffers.add(memory.allocate(Purpose.WEIGHTS, "norms and biases", bytes));
    try (PinnedBuffer host = new PinnedBuffer(driver, Math.toIntExact(bytes))) {
      for (int i = 0; i < offsets.length; i++) {
        ByteBuffer target = host.bytes().position(Math.toIntExact(offsets[i]));
        for (WeightTensor tensor : vectors.get(i)) {
          TensorReader.appendFloats(tensor, target);
        }
        offsets[i] = vectors.get(i).isEmpty() ? 0 : device.address(offsets[i]);
      }
      driver.copyToDevice(device.address(), host.memory(), 0, bytes, launcher.stream());
      driver.synchronize(launcher.stream());
    }
    return offsets;
  }

  private long loadEmbedding(ModelConfig config, WeightTensor tensor) {
    long elements = (long) config.vocabSize() * config.hiddenSize();
    DeviceBuffer device =
        weightBuffers.add(
            memory.allocate(Purpose.WEIGHTS, "the embedding", elements * Short.BYTES));
    int mostElements = SLICE_BYTES / Short.BYTES;
    for (long first = 0; first < elements; first += mostElements) {
      int count = (int) Math.min(mostElements, elements - first);
      Slice slice = freeSlice();
      reader.copyAsBf16(tensor, first, count, slice.host().bytes(), 0);
      driver.copyToDevice(
          device.address() + first * Short.BYTES,
          slice.host().memory(),
          0,
          (long) count * Short.BYTES,
          launcher.stream());
      driver.record(slice.packed(), launcher.stream());
    }
    return device.address();
  }

  private PackedMatrix allocate(String what, int outFeatures, int inFeatures) {
    long bytes = PackedMatrix.byteSize(outFeatures, inFeatures);
    DeviceBuffer buffer = weightBuffers.add(memory.allocate(Purpose.WEIGHTS, what, bytes));
    // Rows past the last and columns past the last slab's must be zero.
    driver.fill(buffer.address(), (byte) 0, bytes, launcher.stream());
    return new PackedMatrix(buffer.address(), outFeatures, inFeatures);
  }

  private void pack(WeightTensor tensor, PackedMatrix target, int firstRow, RowMap rowMap) {
    ElementType type = tensor.elementType();
    int rows = tensor.shape().get(0);
    long rowBytes = (long) tensor.shape().get(1) * type.bytes();
    int rowsPerSlice = (int) Math.max(1, SLICE_BYTES / rowBytes);
    for (int row = 0; row < rows; row += rowsPerSlice) {
      int count = Math.min(rowsPerSlice, rows - row);
      int bytes = Math.toIntExact(count * rowBytes);
      Slice slice = freeSlice();
      reader.copy(tensor, row * rowBytes, bytes, slice.host().bytes(), 0);
      driver.copyToDevice(
          slice.device().address(), slice.host().memory(), 0, bytes, launcher.stream());
      packer.enqueue(slice.device().address(), type, target, firstRow + row, count, rowMap);
      driver.record(slice.packed(), launcher.stream());
    }
  }

  private Slice freeSlice() {
    Slice slice = slices.get(nextSlice);
    nextSlice = (nextSlice + 1) % SLICES_IN_FLIGHT;
    driver.await(slice.packed());
    return slice;
  }

  /** Frees the staging memory. */
  @Override
  public void close() {
    own.close();
  }
}
