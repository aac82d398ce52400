package io.tracemill.gpu.internal.backend;

import io.tracemill.engine.backend.BackendOptions;
import io.tracemill.engine.backend.BackendRequest;
import io.tracemill.engine.kvcache.KvLayout;
import io.tracemill.engine.model.ModelConfig;
import io.tracemill.engine.model.RopeFrequencies;
import io.tracemill.gpu.internal.device.CudaDriver;
import io.tracemill.gpu.internal.device.CudaErrors;
import io.tracemill.gpu.internal.device.DeviceInfo;
import io.tracemill.gpu.internal.device.DriverException;
import io.tracemill.gpu.internal.kernel.BatchRows;
import io.tracemill.gpu.internal.kernel.HeadShape;
import io.tracemill.gpu.internal.kernel.Launcher;
import io.tracemill.gpu.internal.kernel.SkinnyGemmKernel;
import io.tracemill.gpu.internal.kernel.Tuning;
import io.tracemill.gpu.internal.memory.DeviceMemory;
import io.tracemill.gpu.internal.memory.ResourceStack;
import io.tracemill.gpu.internal.module.KernelLibrary;
import io.tracemill.gpu.internal.module.KernelManifest;
import java.util.concurrent.TimeUnit;
import jcuda.driver.CUstream;
import org.slf4j.Logger;
import org.slf4j.LoggerFactory;

/** Everything that one backend holds on its device, made in the order that it is needed. */
final class CudaSession implements AutoCloseable {
  private static final Logger LOG = LoggerFactory.getLogger(CudaSession.class);

  private final ResourceStack resources = new ResourceStack();
  private final CudaDriver driver;
  private final BackendOptions options;
  private final DeviceInfo device;
  private final DeviceMemory memory;
  private final CUstream stream;
  private final TokenMailbox mailbox;
  private final LaneState lanes;
  private final Workspace workspace;
  private final KvPool pool;
  private final DeviceWeights weights;
  private final Transformer transformer;
  private final PrefillStage prefillStage;
  private final Compressor compressor;
  private final DecodeGraphs graphs;
  private long weightLoadMillis;

  private CudaSession(CudaDriver driver, int ordinal, BackendRequest request) {
    this.driver = driver;
    this.options = request.options();
    ModelConfig config = request.config();
    HeadShape heads = new HeadShape(config.numQueryHeads(), config.numKvHeads(), config.headDim());
    try {
      device = driver.describe(ordinal);
      driver.retainContext(ordinal);
      resources.add(() -> driver.releaseContext(ordinal));
      memory = new DeviceMemory(driver);
      stream = driver.createStream();
      resources.add(() -> driver.destroyStream(stream));
      KernelLibrary library =
          resources.add(
              KernelLibrary.load(
                  driver, KernelManifest.load(), device, KernelLibrary.Preference.ofThisProcess()));
      Launcher launcher =
          resources.add(new Launcher(driver, library, device, stream, Tuning.ofThisProcess()));
      weights = loadWeights(launcher, request);
      SkinnyGemmKernel skinny = new SkinnyGemmKernel(launcher);
      mailbox = resources.add(new TokenMailbox(driver, stream));
      lanes =
          resources.add(
              new LaneState(
                  driver,
                  memory,
                  launcher,
                  mailbox,
                  options.maxLanes(),
                  KvLayout.pagesFor(options.maxSequenceRows())));
      workspace = resources.add(new Workspace(driver, memory, launcher, config, options, skinny));
      prefillStage =
          resources.add(
              new PrefillStage(
                  driver,
                  memory,
                  launcher,
                  mailbox,
                  options.prefillChunkTokens(),
                  options.maxLanes()));
      KvLayout layout =
          new KvLayout(config.numLayers(), config.numKvHeads(), config.headDim(), Short.BYTES);
      pool = resources.add(new KvPool(driver, memory, stream, options, layout, heads));
      compressor =
          resources.add(
              new Compressor(
                  driver,
                  memory,
                  launcher,
                  mailbox,
                  pool,
                  heads,
                  lanes.batchRows(),
                  options.maxLanes(),
                  options.maxSequenceRows(),
                  RopeFrequencies.of(config.rope(), config.headDim()),
                  lanes.address(LaneState.Field.SEED)));
      transformer =
          new Transformer(
              launcher, config, heads, weights, workspace, pool, lanes, mailbox, skinny);
      graphs = resources.add(recordGraphs());
      // Work in flight ends before anything it uses is freed.
      resources.add(() -> driver.synchronize(stream));
    } catch (RuntimeException e) {
      closeAfter(e);
      throw e;
    }
  }

  /**
   * Opens a device for a model.
   *
   * @throws io.tracemill.engine.error.ReasoningException where the model does not fit or the device
   *     fails; nothing stays allocated then
   */
  static CudaSession open(CudaDriver driver, BackendRequest request) {
    requireSupported(request);
    int ordinal = request.options().deviceOrdinal().orElse(0);
    try {
      return new CudaSession(driver, ordinal, request);
    } catch (DriverException e) {
      throw CudaErrors.deviceFailed("opening the model", e);
    }
  }

  /** Names what the kernels cannot do, before anything is loaded. */
  static void requireSupported(BackendRequest request) {
    ModelConfig config = request.config();
    BackendOptions options = request.options();
    if (!HeadShape.isSupported(config.numQueryHeads(), config.numKvHeads(), config.headDim())) {
      throw CudaErrors.unsupported(
          ("The CUDA backend has attention kernels for heads of 64 or 128 elements and groups of at"
                  + " most 8 query heads; this model has %d query heads, %d KV heads, %d elements;"
                  + " use the CPU backend.")
              .formatted(config.numQueryHeads(), config.numKvHeads(), config.headDim()));
    }
    if (config.hiddenSize() % 8 != 0 || config.intermediateSize() % 8 != 0) {
      throw CudaErrors.unsupported(
          ("The CUDA backend needs a hidden size and an intermediate size that 8 divides; this model"
                  + " has %d and %d; use the CPU backend.")
              .formatted(config.hiddenSize(), config.intermediateSize()));
    }
    if (options.kvElement() == BackendOptions.KvElement.FLOAT32) {
      throw CudaErrors.invalid(
          "The CUDA backend keeps keys and values in bf16; float32 is for the CPU backend.");
    }
    if (options.maxLanes() > BatchRows.MAX_ROWS) {
      throw CudaErrors.invalid(
          "The CUDA backend decodes at most %d sequences at once, not %d; lower the slots."
              .formatted(BatchRows.MAX_ROWS, options.maxLanes()));
    }
  }

  private DeviceWeights loadWeights(Launcher launcher, BackendRequest request) {
    long start = System.nanoTime();
    ResourceStack buffers = resources.add(new ResourceStack());
    DeviceWeights loaded;
    try (WeightLoader loader = new WeightLoader(driver, memory, launcher, buffers)) {
      loaded = loader.load(request.config(), request.weights());
    }
    weightLoadMillis = TimeUnit.NANOSECONDS.toMillis(System.nanoTime() - start);
    LOG.info(
        "Weights: {} on the device in {} ms",
        CudaErrors.bytes(memory.bytesInUse()),
        weightLoadMillis);
    return loaded;
  }

  /** Runs every bucket once without lanes, so that all code is loaded, then records it. */
  private DecodeGraphs recordGraphs() {
    int[] buckets = BatchBuckets.upTo(options.maxLanes());
    lanes.flush();
    for (int bucket : buckets) {
      mailbox.prepareNext();
      transformer.enqueueDecode(bucket);
      mailbox.enqueued(0, "a first step without lanes");
    }
    driver.synchronize(stream);
    return new DecodeGraphs(driver, stream, buckets, transformer::enqueueDecode);
  }

  private void closeAfter(RuntimeException failure) {
    try {
      resources.close();
    } catch (RuntimeException e) {
      failure.addSuppressed(e);
    }
  }

  /** How long the weights took from their files, or their generator, to the device. */
  long weightLoadMillis() {
    return weightLoadMillis;
  }

  /** Makes the device's context current on this thread. */
  void makeCurrent() {
    driver.makeCurrent(device.ordinal());
  }

  /** Forgets which tokens a lane has seen, in stream order. */
  void clearSeen(int lane) {
    driver.fill(
        workspace.seen + lane * workspace.seenBytesPerLane,
        (byte) 0,
        workspace.seenBytesPerLane,
        stream);
  }

  CudaDriver driver() {
    return driver;
  }

  BackendOptions options() {
    return options;
  }

  DeviceInfo device() {
    return device;
  }

  DeviceMemory memory() {
    return memory;
  }

  CUstream stream() {
    return stream;
  }

  TokenMailbox mailbox() {
    return mailbox;
  }

  LaneState lanes() {
    return lanes;
  }

  KvPool pool() {
    return pool;
  }

  DeviceWeights weights() {
    return weights;
  }

  Transformer transformer() {
    return transformer;
  }

  PrefillStage prefillStage() {
    return prefillStage;
  }

  Compressor compressor() {
    return compressor;
  }

  DecodeGraphs graphs() {
    return graphs;
  }

  /** Waits for work in flight and frees everything. */
  @Override
  public void close() {
    resources.close();
  }
}
