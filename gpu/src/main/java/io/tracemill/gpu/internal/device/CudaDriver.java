package io.tracemill.gpu.internal.device;

import jcuda.driver.CUevent;
import jcuda.driver.CUfunction;
import jcuda.driver.CUgraphExec;
import jcuda.driver.CUmodule;
import jcuda.driver.CUstream;

/**
 * The part of the CUDA driver API that Tracemill uses; the one seam between the project and JCuda,
 * so that tests can put a fake here and a successor of JCuda has one class to write. Device
 * addresses are plain numbers; handles are JCuda's, opaque to callers.
 *
 * <p><b>Threads.</b> Calls act on the context that is current on the calling thread; see {@link
 * #makeCurrent}.
 *
 * @throws DriverException from every method, where the driver returns an error
 */
public interface CudaDriver {

  /** Number of devices; initialises the driver. */
  int deviceCount();

  /** Reads the properties of a device. */
  DeviceInfo describe(int ordinal);

  /** Retains the primary context of a device and makes it current on this thread. */
  void retainContext(int ordinal);

  /** Makes the retained context of a device current on this thread. */
  void makeCurrent(int ordinal);

  /** Releases the primary context. */
  void releaseContext(int ordinal);

  /** Free and total device memory in bytes. */
  MemoryInfo memoryInfo();

  /** Allocates device memory, 256-byte aligned. */
  long allocate(long bytes);

  /** Frees device memory; waits for work that may use it. */
  void free(long address);

  /** Allocates page-locked memory that is mapped into the device's address space. */
  PinnedMemory allocatePinned(int bytes);

  /** Frees page-locked memory. */
  void freePinned(PinnedMemory memory);

  /** Enqueues a copy from page-locked memory to the device. */
  void copyToDevice(
      long destination, PinnedMemory source, long sourceOffset, long bytes, CUstream stream);

  /** Enqueues a copy from the device to page-locked memory. */
  void copyToHost(
      PinnedMemory destination, long destinationOffset, long source, long bytes, CUstream stream);

  /** Enqueues a copy within the device. */
  void copyOnDevice(long destination, long source, long bytes, CUstream stream);

  /** Enqueues a fill with one byte value. */
  void fill(long address, byte value, long bytes, CUstream stream);

  /** Makes a stream that does not synchronise with the legacy default stream. */
  CUstream createStream();

  /** Destroys a stream. */
  void destroyStream(CUstream stream);

  /** Waits for all work of a stream. */
  void synchronize(CUstream stream);

  /** Whether all work of a stream is done; throws where some of it has failed. */
  boolean isIdle(CUstream stream);

  /** Makes an event that records times. */
  CUevent createEvent();

  /** Destroys an event. */
  void destroyEvent(CUevent event);

  /** Enqueues the recording of an event. */
  void record(CUevent event, CUstream stream);

  /** Whether an event has been reached. */
  boolean isReached(CUevent event);

  /** Waits for an event. */
  void await(CUevent event);

  /** Milliseconds between two reached events; about 0.5 us resolution. */
  float elapsedMillis(CUevent start, CUevent end);

  /** Loads a cubin, a fatbin or zero-terminated PTX. */
  CUmodule loadModule(byte[] image);

  /** Unloads a module. */
  void unloadModule(CUmodule module);

  /** Looks up a kernel by its name in the module. */
  CUfunction function(CUmodule module, String name);

  /** Raises the dynamic shared memory that launches of a kernel may ask for. */
  void allowSharedBytes(CUfunction function, int bytes);

  /**
   * Enqueues a kernel.
   *
   * @param parameters page-locked table of the addresses of the kernel's parameters
   * @param tableOffset where in it the table starts
   */
  void launch(
      CUfunction function,
      LaunchShape shape,
      LaunchOrder order,
      PinnedMemory parameters,
      int tableOffset,
      CUstream stream);

  /** Starts recording this thread's work on the stream instead of running it. */
  void beginCapture(CUstream stream);

  /** Ends recording and makes an executable graph. */
  CUgraphExec endCapture(CUstream stream);

  /** Ends recording and drops what was recorded; for failures during a capture. */
  void abandonCapture(CUstream stream);

  /** Moves a graph to the device ahead of its first launch. */
  void upload(CUgraphExec graph, CUstream stream);

  /** Enqueues a graph. */
  void launch(CUgraphExec graph, CUstream stream);

  /** Destroys a graph. */
  void destroyGraph(CUgraphExec graph);

  /**
   * Device memory.
   *
   * @param freeBytes free now
   * @param totalBytes all
   */
  record MemoryInfo(long freeBytes, long totalBytes) {}

  /** How a kernel waits for the one before it on its stream. */
  enum LaunchOrder {
    /** Starts after the previous kernel has finished. */
    SERIAL,
    /**
     * May start while the previous kernel drains (programmatic dependent launch); the kernel itself
     * waits before it reads what that kernel wrote. Serial where the driver or the device lacks it.
     */
    OVERLAPPING
  }
}
