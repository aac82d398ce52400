package io.tracemill.gpu.internal.device;

import java.nio.ByteBuffer;
import java.nio.ByteOrder;
import java.util.HashMap;
import java.util.HashSet;
import java.util.Map;
import java.util.Set;
import jcuda.Pointer;
import jcuda.driver.CUevent;
import jcuda.driver.CUfunction;
import jcuda.driver.CUgraphExec;
import jcuda.driver.CUmodule;
import jcuda.driver.CUresult;
import jcuda.driver.CUstream;

/** A device with memory and no kernels: allocations are counted, everything else must be chosen. */
public class FakeDriver implements CudaDriver {
  private final Map<Long, Long> allocations = new HashMap<>();
  private final Set<PinnedMemory> pinned = new HashSet<>();
  private final Map<Integer, Integer> moduleResults = new HashMap<>();
  private long nextAddress = 0x1000_0000L;
  private int modulesLoaded;
  private int modulesUnloaded;

  /** Total device memory in bytes. */
  public long totalBytes = 80_000_000_000L;

  /** What {@link #describe} returns. */
  public DeviceInfo device =
      new DeviceInfo(
          0,
          "Fake GPU",
          "GPU-0",
          9,
          0,
          132,
          232_448,
          50_000_000,
          totalBytes,
          java.util.Optional.empty());

  /** What {@link #deviceCount} returns. */
  public int devices = 1;

  /** Makes the n-th module load, from 0, fail with a result. */
  public void failModuleLoad(int index, int result) {
    moduleResults.put(index, result);
  }

  /** Bytes allocated now. */
  public long allocatedBytes() {
    return allocations.values().stream().mapToLong(Long::longValue).sum();
  }

  /** Page-locked buffers not freed. */
  public int openPinned() {
    return pinned.size();
  }

  /** Modules loaded and not unloaded. */
  public int openModules() {
    return modulesLoaded - modulesUnloaded;
  }

  @Override
  public int deviceCount() {
    return devices;
  }

  @Override
  public DeviceInfo describe(int ordinal) {
    return device;
  }

  @Override
  public void retainContext(int ordinal) {}

  @Override
  public void makeCurrent(int ordinal) {}

  @Override
  public void releaseContext(int ordinal) {}

  @Override
  public MemoryInfo memoryInfo() {
    return new MemoryInfo(totalBytes - allocatedBytes(), totalBytes);
  }

  @Override
  public long allocate(long bytes) {
    if (bytes > memoryInfo().freeBytes()) {
      throw failure(CUresult.CUDA_ERROR_OUT_OF_MEMORY, "cuMemAlloc");
    }
    long address = nextAddress;
    nextAddress += (bytes + 255) / 256 * 256;
    allocations.put(address, bytes);
    return address;
  }

  @Override
  public void free(long address) {
    if (allocations.remove(address) == null) {
      throw failure(CUresult.CUDA_ERROR_INVALID_VALUE, "cuMemFree");
    }
  }

  @Override
  public PinnedMemory allocatePinned(int bytes) {
    PinnedMemory memory =
        new PinnedMemory(
            new Pointer(),
            nextAddress,
            nextAddress,
            ByteBuffer.allocateDirect(bytes).order(ByteOrder.nativeOrder()));
    nextAddress += bytes;
    pinned.add(memory);
    return memory;
  }

  @Override
  public void freePinned(PinnedMemory memory) {
    pinned.remove(memory);
  }

  @Override
  public void copyToDevice(
      long destination, PinnedMemory source, long sourceOffset, long bytes, CUstream stream) {
    throw unexpected();
  }

  @Override
  public void copyToHost(
      PinnedMemory destination, long destinationOffset, long source, long bytes, CUstream stream) {
    throw unexpected();
  }

  @Override
  public void copyOnDevice(long destination, long source, long bytes, CUstream stream) {
    throw unexpected();
  }

  @Override
  public void fill(long address, byte value, long bytes, CUstream stream) {
    throw unexpected();
  }

  @Override
  public CUstream createStream() {
    return new CUstream();
  }

  @Override
  public void destroyStream(CUstream stream) {}

  @Override
  public void synchronize(CUstream stream) {}

  @Override
  public boolean isIdle(CUstream stream) {
    return true;
  }

  @Override
  public CUevent createEvent() {
    return new CUevent();
  }

  @Override
  public void destroyEvent(CUevent event) {}

  @Override
  public void record(CUevent event, CUstream stream) {}

  @Override
  public boolean isReached(CUevent event) {
    return true;
  }

  @Override
  public void await(CUevent event) {}

  @Override
  public float elapsedMillis(CUevent start, CUevent end) {
    return 0;
  }

  @Override
  public CUmodule loadModule(byte[] image) {
    Integer result = moduleResults.get(modulesLoaded);
    modulesLoaded++;
    if (result != null) {
      modulesUnloaded++;
      throw failure(result, "cuModuleLoadData");
    }
    return new CUmodule();
  }

  @Override
  public void unloadModule(CUmodule module) {
    modulesUnloaded++;
  }

  @Override
  public CUfunction function(CUmodule module, String name) {
    throw failure(CUresult.CUDA_ERROR_NOT_FOUND, "cuModuleGetFunction");
  }

  @Override
  public void allowSharedBytes(CUfunction function, int bytes) {
    throw unexpected();
  }

  @Override
  public void launch(
      CUfunction function,
      LaunchShape shape,
      LaunchOrder order,
      PinnedMemory parameters,
      int tableOffset,
      CUstream stream) {
    throw unexpected();
  }

  @Override
  public void beginCapture(CUstream stream) {
    throw unexpected();
  }

  @Override
  public CUgraphExec endCapture(CUstream stream) {
    throw unexpected();
  }

  @Override
  public void abandonCapture(CUstream stream) {
    throw unexpected();
  }

  @Override
  public void upload(CUgraphExec graph, CUstream stream) {
    throw unexpected();
  }

  @Override
  public void launch(CUgraphExec graph, CUstream stream) {
    throw unexpected();
  }

  @Override
  public void destroyGraph(CUgraphExec graph) {
    throw unexpected();
  }

  /** A driver error as the real driver would raise it. */
  public static DriverException failure(int result, String operation) {
    return new DriverException(result, CUresult.stringFor(result), operation);
  }

  private static AssertionError unexpected() {
    return new AssertionError("the fake driver was asked for something this test did not expect");
  }
}
