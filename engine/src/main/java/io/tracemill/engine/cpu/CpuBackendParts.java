package io.tracemill.engine.cpu;

import io.tracemill.engine.backend.BackendInfo;
import io.tracemill.engine.backend.BackendOptions;
import io.tracemill.engine.backend.BackendOptions.KvElement;
import io.tracemill.engine.backend.BackendRequest;
import io.tracemill.engine.cpu.Transformer.Sizes;
import io.tracemill.engine.kvcache.KvLayout;
import io.tracemill.engine.model.ModelConfig;
import io.tracemill.engine.model.RopeFrequencies;
import java.util.Optional;
import java.util.SortedMap;
import java.util.TreeMap;

/** What a CPU backend consists of, sized and allocated. The backend owns the pool. */
record CpuBackendParts(
    ModelConfig config,
    BackendOptions options,
    BackendInfo info,
    WorkerPool pool,
    KvPages pages,
    Transformer transformer,
    Compressor compressor,
    CpuSampler[] samplers,
    int batchRows) {
  /** Rows of a prefill pass: enough to make weights count little, few enough to stay small. */
  private static final int PREFILL_ROWS = 256;

  static CpuBackendParts allocate(BackendRequest request, CpuKernels kernels, String device) {
    WorkerPool pool = new WorkerPool(threads(request.options()));
    try {
      return allocate(request, kernels, device, pool);
    } catch (RuntimeException | Error e) {
      pool.close();
      throw e;
    }
  }

  private static CpuBackendParts allocate(
      BackendRequest request, CpuKernels kernels, String device, WorkerPool pool) {
    ModelConfig config = request.config();
    BackendOptions options = request.options();
    int batchRows =
        Math.max(options.maxLanes(), Math.min(options.prefillChunkTokens(), PREFILL_ROWS));
    Sizes sizes = Sizes.of(config, batchRows, options.maxLanes(), options.maxSequenceRows());
    long workerBytes =
        pool.size() * (CpuSampler.byteSize(config.vocabSize()) + scratch(config, sizes).byteSize());
    long workBytes = sizes.activationBytes() + sizes.logitBytes() + workerBytes;
    HeapBudget heap = HeapBudget.measure();
    heap.requireWeights(CpuWeights.expectedBytes(config, request.weights()) + workBytes);
    try {
      CpuWeights weights = CpuWeights.pack(config, request.weights(), pool);
      long ringBytes =
          4L
              * options.maxLanes()
              * config.numLayers()
              * options.queryRingDepth()
              * config.queryDim();
      KvLayout layout = layout(config, options);
      long pageBytes =
          4L * config.numLayers() * KvPages.pageElements(config.numKvHeads(), config.headDim());
      if (layout.bytesPerElement() == 2) {
        pageBytes /= 2;
      }
      int numPages = HeapBudget.measure().numPages(options, pageBytes, workBytes + ringBytes);
      KvPages pages = pages(config, layout, numPages);
      WorkerScratch[] scratch = new WorkerScratch[pool.size()];
      CpuSampler[] samplers = new CpuSampler[pool.size()];
      for (int i = 0; i < scratch.length; i++) {
        scratch[i] = scratch(config, sizes);
        samplers[i] = new CpuSampler(config.vocabSize());
      }
      RotaryTable rotary = new RotaryTable(RopeFrequencies.of(config.rope(), config.headDim()));
      Transformer transformer =
          new Transformer(config, weights, kernels, pool, scratch, pages, rotary, sizes);
      SortedMap<String, Long> memory = new TreeMap<>();
      memory.put("weights", weights.byteSize());
      memory.put("kv pages", numPages * pageBytes);
      memory.put("query rings", ringBytes);
      memory.put("activations", sizes.activationBytes());
      memory.put("logits", sizes.logitBytes());
      memory.put("workers", workerBytes);
      BackendInfo info =
          new BackendInfo(
              CpuBackendProvider.NAME,
              device,
              Optional.empty(),
              weights.output() instanceof Bf16Matrix ? "bf16" : "float32",
              layout,
              numPages,
              options.maxLanes(),
              1,
              false,
              memory);
      Compressor compressor = new Compressor(config, kernels, pages, pool);
      return new CpuBackendParts(
          config, options, info, pool, pages, transformer, compressor, samplers, batchRows);
    } catch (OutOfMemoryError e) {
      throw heap.weightsDoNotFit(CpuWeights.expectedBytes(config, request.weights()) + workBytes);
    }
  }

  private static int threads(BackendOptions options) {
    int threads = options.threads().orElse(Runtime.getRuntime().availableProcessors());
    if (threads < 1) {
      throw new IllegalArgumentException("threads " + threads + " is below 1");
    }
    return threads;
  }

  private static WorkerScratch scratch(ModelConfig config, Sizes sizes) {
    return new WorkerScratch(
        config.queryGroupSize(), sizes.scoreStride(), KvPages.valueWidth(config.headDim()));
  }

  private static KvLayout layout(ModelConfig config, BackendOptions options) {
    int bytes = options.kvElement() == KvElement.BF16 ? 2 : 4;
    return new KvLayout(config.numLayers(), config.numKvHeads(), config.headDim(), bytes);
  }

  private static KvPages pages(ModelConfig config, KvLayout layout, int numPages) {
    int layers = config.numLayers();
    return layout.bytesPerElement() == 2
        ? new Bf16KvPages(numPages, layers, config.numKvHeads(), config.headDim())
        : new Float32KvPages(numPages, layers, config.numKvHeads(), config.headDim());
  }
}
