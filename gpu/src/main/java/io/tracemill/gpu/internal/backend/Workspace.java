package io.tracemill.gpu.internal.backend;

import io.tracemill.engine.backend.BackendOptions;
import io.tracemill.engine.model.ModelConfig;
import io.tracemill.engine.model.RopeFrequencies;
import io.tracemill.gpu.internal.device.CudaDriver;
import io.tracemill.gpu.internal.kernel.Launcher;
import io.tracemill.gpu.internal.kernel.RopeAppendKernel.RopeTables;
import io.tracemill.gpu.internal.kernel.SampleKernel;
import io.tracemill.gpu.internal.kernel.SkinnyGemmKernel;
import io.tracemill.gpu.internal.memory.DeviceBuffer;
import io.tracemill.gpu.internal.memory.DeviceMemory;
import io.tracemill.gpu.internal.memory.PinnedBuffer;
import io.tracemill.gpu.internal.memory.Purpose;
import io.tracemill.gpu.internal.memory.ResourceStack;
import java.nio.ByteBuffer;

/**
 * Activations, tables and scratch memory of both passes; prefill and decode share them, because
 * they follow each other on one stream. Row counts: the larger of a prefill batch and the largest
 * bucket.
 */
final class Workspace implements AutoCloseable {
  private static final int TABLE_CHUNK_POSITIONS = 4096;

  private final ResourceStack resources = new ResourceStack();
  private final DeviceMemory memory;
  private final CudaDriver driver;
  private final Launcher launcher;

  /** Residual stream, {@code [rows, hidden]} float. */
  final long residual;

  /** Normalised rows, {@code [rows, hidden]} bf16. */
  final long normed;

  /** Query, key and value sums, {@code [rows, queryDim + 2 kvDim]} float. */
  final long queryKeyValue;

  /** Rotated queries, {@code [rows, queryDim]} bf16. */
  final long query;

  /** Attention output, {@code [rows, queryDim]} bf16. */
  final long attended;

  /** Gated MLP state, {@code [rows, intermediate]} bf16. */
  final long gated;

  /** Logits, {@code [256 at most, vocab]} float. */
  final long logits;

  /** Bits of the tokens that each lane has seen, {@code [lanes, ceil(vocab / 32)]}. */
  final long seen;

  /** Bytes of {@link #seen} per lane. */
  final long seenBytesPerLane;

  /** Table of the sampler. */
  final long massTable;

  /** Rotation tables. */
  final RopeTables ropeTables;

  /** Partial sums of the decode products; every byte 0xFF between launches. */
  final long gemmWorkspace;

  Workspace(
      CudaDriver driver,
      DeviceMemory memory,
      Launcher launcher,
      ModelConfig config,
      BackendOptions options,
      SkinnyGemmKernel gemm) {
    this.driver = driver;
    this.memory = memory;
    this.launcher = launcher;
    int sampledRows = BatchBuckets.bucketFor(options.maxLanes());
    long rows = Math.max(options.prefillChunkTokens(), sampledRows);
    long hidden = config.hiddenSize();
    try {
      residual = allocate("the residual stream", rows * hidden * Float.BYTES);
      normed = allocate("normalised rows", rows * Math.max(hidden, 1) * Short.BYTES);
      queryKeyValue =
          allocate(
              "query, key and value rows",
              rows * ((long) config.queryDim() + 2L * config.kvDim()) * Float.BYTES);
      query = allocate("queries", rows * config.queryDim() * Short.BYTES);
      attended = allocate("attention output", rows * config.queryDim() * Short.BYTES);
      gated = allocate("the MLP state", rows * config.intermediateSize() * Short.BYTES);
      logits = allocate("logits", (long) sampledRows * config.vocabSize() * Float.BYTES);
      seenBytesPerLane = ((long) config.vocabSize() + 31) / 32 * Integer.BYTES;
      seen = allocate("seen tokens", options.maxLanes() * seenBytesPerLane);
      massTable = uploadMassTable();
      ropeTables = uploadRopeTables(config);
      gemmWorkspace = allocate("partial sums", gemm.workspaceBytes());
      driver.fill(gemmWorkspace, (byte) 0xFF, gemm.workspaceBytes(), launcher.stream());
    } catch (RuntimeException e) {
      resources.close();
      throw e;
    }
  }

  private long allocate(String what, long bytes) {
    return resources.add(memory.allocate(Purpose.WORKSPACE, what, bytes)).address();
  }

  private long uploadMassTable() {
    int[] table = SampleKernel.massTable();
    long bytes = (long) table.length * Integer.BYTES;
    long address = allocate("the sampler's table", bytes);
    try (PinnedBuffer host = new PinnedBuffer(driver, Math.toIntExact(bytes))) {
      host.bytes().asIntBuffer().put(table);
      driver.copyToDevice(address, host.memory(), 0, bytes, launcher.stream());
      driver.synchronize(launcher.stream());
    }
    return address;
  }

  /** Angles as in the CPU backend: a float32 product, its cosine and sine computed in double. */
  private RopeTables uploadRopeTables(ModelConfig config) {
    RopeFrequencies frequencies = RopeFrequencies.of(config.rope(), config.headDim());
    int pairs = frequencies.numPairs();
    long bytes = (long) config.maxPositions() * pairs * Float.BYTES;
    DeviceBuffer cosine =
        resources.add(memory.allocate(Purpose.WORKSPACE, "rotation tables", bytes));
    DeviceBuffer sine = resources.add(memory.allocate(Purpose.WORKSPACE, "rotation tables", bytes));
    int chunkBytes = TABLE_CHUNK_POSITIONS * pairs * Float.BYTES;
    try (PinnedBuffer host = new PinnedBuffer(driver, 2 * chunkBytes)) {
      for (int first = 0; first < config.maxPositions(); first += TABLE_CHUNK_POSITIONS) {
        int count = Math.min(TABLE_CHUNK_POSITIONS, config.maxPositions() - first);
        ByteBuffer target = host.bytes();
        for (int i = 0; i < count; i++) {
          for (int pair = 0; pair < pairs; pair++) {
            float angle = (first + i) * frequencies.inverseFrequency(pair);
            int at = (i * pairs + pair) * Float.BYTES;
            target.putFloat(at, (float) Math.cos(angle) * frequencies.attentionFactor());
            target.putFloat(
                chunkBytes + at, (float) Math.sin(angle) * frequencies.attentionFactor());
          }
        }
        long length = (long) count * pairs * Float.BYTES;
        long offset = (long) first * pairs * Float.BYTES;
        driver.copyToDevice(cosine.address() + offset, host.memory(), 0, length, launcher.stream());
        driver.copyToDevice(
            sine.address() + offset, host.memory(), chunkBytes, length, launcher.stream());
        driver.synchronize(launcher.stream());
      }
    }
    return new RopeTables(cosine.address(), sine.address());
  }

  /** Frees everything. */
  @Override
  public void close() {
    resources.close();
  }
}
