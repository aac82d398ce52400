package io.tracemill.gpu.internal.backend;

import io.tracemill.engine.backend.BackendOptions;
import io.tracemill.engine.kvcache.KvLayout;
import io.tracemill.gpu.internal.device.CudaDriver;
import io.tracemill.gpu.internal.kernel.AttentionWorkListKernel;
import io.tracemill.gpu.internal.kernel.HeadShape;
import io.tracemill.gpu.internal.kernel.PagedAttentionDecodeKernel;
import io.tracemill.gpu.internal.memory.DeviceMemory;
import io.tracemill.gpu.internal.memory.PinnedBuffer;
import io.tracemill.gpu.internal.memory.Purpose;
import io.tracemill.gpu.internal.memory.ResourceStack;
import jcuda.driver.CUstream;

/**
 * The pages of all layers, {@code [layer][page][K|V][kvHead][64][headDim]} bf16, the query ring
 * {@code [layer][lane][depth][queryHeads][headDim]} bf16, and the decode attention's scratch
 * memory, which is sized by the pages.
 */
final class KvPool implements AutoCloseable {
  private final ResourceStack resources = new ResourceStack();
  private final KvLayout layout;
  private final int numPages;
  private final int ringRows;
  private final int attentionItems;
  private final long base;
  private final long layerBytes;
  private final long ring;
  private final long ringLayerBytes;
  private final long layerTable;
  private final PagedAttentionDecodeKernel.Scratch scratch;

  KvPool(
      CudaDriver driver,
      DeviceMemory memory,
      CUstream stream,
      BackendOptions options,
      KvLayout layout,
      HeadShape heads) {
    this.layout = layout;
    this.ringRows = options.queryRingDepth();
    int lanes = options.maxLanes();
    try {
      ringLayerBytes = (long) lanes * ringRows * heads.queryDim() * Short.BYTES;
      ring =
          ringRows == 0
              ? 0
              : resources
                  .add(
                      memory.allocate(
                          Purpose.QUERY_RING,
                          "the query ring",
                          layout.numLayers() * ringLayerBytes))
                  .address();
      long itemBytes = PagedAttentionDecodeKernel.scratchBytesPerItem(heads);
      MemoryPlan plan =
          MemoryPlan.of(
              options, layout, itemBytes, driver.memoryInfo().freeBytes(), memory.usage());
      numPages = plan.numPages();
      attentionItems = plan.attentionItems();
      layerBytes = layout.pageBytes() / layout.numLayers() * numPages;
      base =
          resources
              .add(
                  memory.allocate(
                      Purpose.KV_PAGES, "the KV cache", layerBytes * layout.numLayers()))
              .address();
      driver.fill(base, (byte) 0, layerBytes * layout.numLayers(), stream);
      if (ring != 0) {
        driver.fill(ring, (byte) 0, layout.numLayers() * ringLayerBytes, stream);
      }
      scratch = allocateScratch(driver, memory, stream, options, heads);
      layerTable = uploadLayerTable(driver, memory, stream);
    } catch (RuntimeException e) {
      resources.close();
      throw e;
    }
  }

  private PagedAttentionDecodeKernel.Scratch allocateScratch(
      CudaDriver driver,
      DeviceMemory memory,
      CUstream stream,
      BackendOptions options,
      HeadShape heads) {
    long items = Math.max(attentionItems, AttentionWorkListKernel.LEAST_CAPACITY);
    long rows = BatchBuckets.bucketFor(options.maxLanes());
    long work = allocate(memory, items * AttentionWorkListKernel.DESCRIPTOR_BYTES);
    // The first descriptors are read before their number is known.
    driver.fill(work, (byte) 0, items * AttentionWorkListKernel.DESCRIPTOR_BYTES, stream);
    return new PagedAttentionDecodeKernel.Scratch(
        work,
        allocate(memory, AttentionWorkListKernel.COUNT_BYTES),
        allocate(memory, items * heads.queryDim() * Float.BYTES),
        allocate(memory, items * heads.numQueryHeads() * 2 * Float.BYTES),
        allocate(memory, rows * 2 * Integer.BYTES));
  }

  private long uploadLayerTable(CudaDriver driver, DeviceMemory memory, CUstream stream) {
    int bytes = layout.numLayers() * Long.BYTES;
    long address = allocate(memory, bytes);
    try (PinnedBuffer host = new PinnedBuffer(driver, bytes)) {
      for (int layer = 0; layer < layout.numLayers(); layer++) {
        host.bytes().putLong(layer * Long.BYTES, layerAddress(layer));
      }
      driver.copyToDevice(address, host.memory(), 0, bytes, stream);
      driver.synchronize(stream);
    }
    return address;
  }

  private long allocate(DeviceMemory memory, long bytes) {
    return resources.add(memory.allocate(Purpose.WORKSPACE, "attention scratch", bytes)).address();
  }

  /** Shape of a page. */
  KvLayout layout() {
    return layout;
  }

  /** Pages. */
  int numPages() {
    return numPages;
  }

  /** Depth of the query ring; 0 for none. */
  int ringRows() {
    return ringRows;
  }

  /** Most chunks of cached rows that one decode step can attend to. */
  int attentionItems() {
    return attentionItems;
  }

  /** Device address of a layer's pages. */
  long layerAddress(int layer) {
    return base + layer * layerBytes;
  }

  /** Device address of a layer's query ring; 0 for none. */
  long ringAddress(int layer) {
    return ring == 0 ? 0 : ring + layer * ringLayerBytes;
  }

  /** Device address of {@code [layers]} page addresses. */
  long layerTable() {
    return layerTable;
  }

  /** Scratch memory of the decode attention. */
  PagedAttentionDecodeKernel.Scratch scratch() {
    return scratch;
  }

  /** Frees everything. */
  @Override
  public void close() {
    resources.close();
  }
}
