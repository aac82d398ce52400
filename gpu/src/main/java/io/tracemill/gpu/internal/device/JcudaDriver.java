package io.tracemill.gpu.internal.device;

import static jcuda.driver.JCudaDriver.cuCtxSetCurrent;

import java.nio.ByteOrder;
import java.nio.charset.StandardCharsets;
import java.util.HashMap;
import java.util.HexFormat;
import java.util.Map;
import java.util.Optional;
import jcuda.Pointer;
import jcuda.driver.CUcontext;
import jcuda.driver.CUdevice;
import jcuda.driver.CUdevice_attribute;
import jcuda.driver.CUdeviceptr;
import jcuda.driver.CUevent;
import jcuda.driver.CUfunction;
import jcuda.driver.CUfunction_attribute;
import jcuda.driver.CUgraph;
import jcuda.driver.CUgraphExec;
import jcuda.driver.CUmodule;
import jcuda.driver.CUresult;
import jcuda.driver.CUstream;
import jcuda.driver.CUstreamCaptureMode;
import jcuda.driver.CUuuid;
import jcuda.driver.JCudaDriver;

/**
 * {@link CudaDriver} over JCuda. JCuda's own exceptions carry only text, so they stay off and every
 * call's result passes {@link #check}, which keeps the code.
 */
public final class JcudaDriver implements CudaDriver {
  private static final int HOST_MAPPED_PORTABLE =
      JCudaDriver.CU_MEMHOSTALLOC_DEVICEMAP | JCudaDriver.CU_MEMHOSTALLOC_PORTABLE;
  private static final int STREAM_NON_BLOCKING = 1;

  private final Map<Integer, CUcontext> contexts = new HashMap<>();
  private final Optional<DriverExtras> extras;
  private final Optional<DriverExtras> launcher;

  private JcudaDriver(Optional<DriverExtras> extras) {
    this.extras = extras;
    this.launcher = extras.filter(DriverExtras::canLaunchOverlapping);
  }

  /**
   * Loads the native library and initialises the driver.
   *
   * @throws DriverUnavailableException where there is no driver
   * @throws DriverException where the driver refuses, such as for want of a GPU
   */
  public static CudaDriver load() {
    new NativeLoader().load();
    check(JCudaDriver.cuInit(0), "cuInit");
    return new JcudaDriver(DriverExtras.load());
  }

  @Override
  public int deviceCount() {
    int[] count = new int[1];
    check(JCudaDriver.cuDeviceGetCount(count), "cuDeviceGetCount");
    return count[0];
  }

  @Override
  public DeviceInfo describe(int ordinal) {
    CUdevice device = device(ordinal);
    byte[] name = new byte[256];
    check(JCudaDriver.cuDeviceGetName(name, name.length, device), "cuDeviceGetName");
    int nameLength = 0;
    while (nameLength < name.length && name[nameLength] != 0) {
      nameLength++;
    }
    CUuuid uuid = new CUuuid();
    check(JCudaDriver.cuDeviceGetUuid(uuid, device), "cuDeviceGetUuid");
    long[] total = new long[1];
    check(JCudaDriver.cuDeviceTotalMem(total, device), "cuDeviceTotalMem");
    return new DeviceInfo(
        ordinal,
        new String(name, 0, nameLength, StandardCharsets.UTF_8),
        uuidText(uuid.bytes),
        attribute(device, CUdevice_attribute.CU_DEVICE_ATTRIBUTE_COMPUTE_CAPABILITY_MAJOR),
        attribute(device, CUdevice_attribute.CU_DEVICE_ATTRIBUTE_COMPUTE_CAPABILITY_MINOR),
        attribute(device, CUdevice_attribute.CU_DEVICE_ATTRIBUTE_MULTIPROCESSOR_COUNT),
        attribute(device, CUdevice_attribute.CU_DEVICE_ATTRIBUTE_MAX_SHARED_MEMORY_PER_BLOCK_OPTIN),
        attribute(device, CUdevice_attribute.CU_DEVICE_ATTRIBUTE_L2_CACHE_SIZE),
        total[0],
        extras.flatMap(DriverExtras::cudaVersion));
  }

  @Override
  public void retainContext(int ordinal) {
    CUcontext context = new CUcontext();
    check(
        JCudaDriver.cuDevicePrimaryCtxRetain(context, device(ordinal)), "cuDevicePrimaryCtxRetain");
    contexts.put(ordinal, context);
    check(cuCtxSetCurrent(context), "cuCtxSetCurrent");
  }

  @Override
  public void makeCurrent(int ordinal) {
    check(cuCtxSetCurrent(contexts.get(ordinal)), "cuCtxSetCurrent");
  }

  @Override
  public void releaseContext(int ordinal) {
    contexts.remove(ordinal);
    check(JCudaDriver.cuDevicePrimaryCtxRelease(device(ordinal)), "cuDevicePrimaryCtxRelease");
  }

  @Override
  public MemoryInfo memoryInfo() {
    long[] free = new long[1];
    long[] total = new long[1];
    check(JCudaDriver.cuMemGetInfo(free, total), "cuMemGetInfo");
    return new MemoryInfo(free[0], total[0]);
  }

  @Override
  public long allocate(long bytes) {
    CUdeviceptr pointer = new CUdeviceptr();
    check(JCudaDriver.cuMemAlloc(pointer, bytes), "cuMemAlloc of " + bytes + " bytes");
    return new Address(pointer).value();
  }

  @Override
  public void free(long address) {
    check(JCudaDriver.cuMemFree(at(address)), "cuMemFree");
  }

  @Override
  public PinnedMemory allocatePinned(int bytes) {
    Pointer host = new Pointer();
    check(
        JCudaDriver.cuMemHostAlloc(host, bytes, HOST_MAPPED_PORTABLE),
        "cuMemHostAlloc of " + bytes + " bytes");
    CUdeviceptr mapped = new CUdeviceptr();
    check(JCudaDriver.cuMemHostGetDevicePointer(mapped, host, 0), "cuMemHostGetDevicePointer");
    return new PinnedMemory(
        host,
        new HostAddress(host).value(),
        new Address(mapped).value(),
        host.getByteBuffer(0, bytes).order(ByteOrder.nativeOrder()));
  }

  @Override
  public void freePinned(PinnedMemory memory) {
    check(JCudaDriver.cuMemFreeHost(memory.pointer()), "cuMemFreeHost");
  }

  @Override
  public void copyToDevice(
      long destination, PinnedMemory source, long sourceOffset, long bytes, CUstream stream) {
    check(
        JCudaDriver.cuMemcpyHtoDAsync(
            at(destination), source.pointer().withByteOffset(sourceOffset), bytes, stream),
        "cuMemcpyHtoDAsync of " + bytes + " bytes");
  }

  @Override
  public void copyToHost(
      PinnedMemory destination, long destinationOffset, long source, long bytes, CUstream stream) {
    check(
        JCudaDriver.cuMemcpyDtoHAsync(
            destination.pointer().withByteOffset(destinationOffset), at(source), bytes, stream),
        "cuMemcpyDtoHAsync of " + bytes + " bytes");
  }

  @Override
  public void copyOnDevice(long destination, long source, long bytes, CUstream stream) {
    check(
        JCudaDriver.cuMemcpyDtoDAsync(at(destination), at(source), bytes, stream),
        "cuMemcpyDtoDAsync of " + bytes + " bytes");
  }

  @Override
  public void fill(long address, byte value, long bytes, CUstream stream) {
    check(
        JCudaDriver.cuMemsetD8Async(at(address), value, bytes, stream),
        "cuMemsetD8Async of " + bytes + " bytes");
  }

  @Override
  public CUstream createStream() {
    StreamHandle stream = new StreamHandle();
    check(JCudaDriver.cuStreamCreate(stream, STREAM_NON_BLOCKING), "cuStreamCreate");
    return stream;
  }

  @Override
  public void destroyStream(CUstream stream) {
    check(JCudaDriver.cuStreamDestroy(stream), "cuStreamDestroy");
  }

  @Override
  public void synchronize(CUstream stream) {
    check(JCudaDriver.cuStreamSynchronize(stream), "cuStreamSynchronize");
  }

  @Override
  public boolean isIdle(CUstream stream) {
    int result = JCudaDriver.cuStreamQuery(stream);
    if (result == CUresult.CUDA_ERROR_NOT_READY) {
      return false;
    }
    check(result, "cuStreamQuery");
    return true;
  }

  @Override
  public CUevent createEvent() {
    CUevent event = new CUevent();
    check(JCudaDriver.cuEventCreate(event, 0), "cuEventCreate");
    return event;
  }

  @Override
  public void destroyEvent(CUevent event) {
    check(JCudaDriver.cuEventDestroy(event), "cuEventDestroy");
  }

  @Override
  public void record(CUevent event, CUstream stream) {
    check(JCudaDriver.cuEventRecord(event, stream), "cuEventRecord");
  }

  @Override
  public boolean isReached(CUevent event) {
    int result = JCudaDriver.cuEventQuery(event);
    if (result == CUresult.CUDA_ERROR_NOT_READY) {
      return false;
    }
    check(result, "cuEventQuery");
    return true;
  }

  @Override
  public void await(CUevent event) {
    check(JCudaDriver.cuEventSynchronize(event), "cuEventSynchronize");
  }

  @Override
  public float elapsedMillis(CUevent start, CUevent end) {
    float[] millis = new float[1];
    check(JCudaDriver.cuEventElapsedTime(millis, start, end), "cuEventElapsedTime");
    return millis[0];
  }

  @Override
  public CUmodule loadModule(byte[] image) {
    CUmodule module = new CUmodule();
    check(
        JCudaDriver.cuModuleLoadData(module, image),
        "cuModuleLoadData of " + image.length + " bytes");
    return module;
  }

  @Override
  public void unloadModule(CUmodule module) {
    check(JCudaDriver.cuModuleUnload(module), "cuModuleUnload");
  }

  @Override
  public CUfunction function(CUmodule module, String name) {
    FunctionHandle function = new FunctionHandle();
    check(
        JCudaDriver.cuModuleGetFunction(function, module, name), "cuModuleGetFunction of " + name);
    return function;
  }

  @Override
  public void allowSharedBytes(CUfunction function, int bytes) {
    check(
        JCudaDriver.cuFuncSetAttribute(
            function, CUfunction_attribute.CU_FUNC_ATTRIBUTE_MAX_DYNAMIC_SHARED_SIZE_BYTES, bytes),
        "cuFuncSetAttribute of " + bytes + " shared bytes");
  }

  @Override
  public void launch(
      CUfunction function,
      LaunchShape shape,
      LaunchOrder order,
      PinnedMemory parameters,
      int tableOffset,
      CUstream stream) {
    if (order == LaunchOrder.OVERLAPPING
        && launcher.isPresent()
        && function instanceof FunctionHandle functionHandle
        && stream instanceof StreamHandle streamHandle) {
      check(
          launcher
              .get()
              .launchOverlapping(
                  functionHandle.value(),
                  shape,
                  parameters.hostAddress() + tableOffset,
                  streamHandle.value()),
          "cuLaunchKernelEx");
      return;
    }
    check(
        JCudaDriver.cuLaunchKernel(
            function,
            shape.gridX(),
            shape.gridY(),
            shape.gridZ(),
            shape.blockThreads(),
            1,
            1,
            shape.sharedBytes(),
            stream,
            parameters.pointer().withByteOffset(tableOffset),
            null),
        "cuLaunchKernel");
  }

  @Override
  public void beginCapture(CUstream stream) {
    check(
        JCudaDriver.cuStreamBeginCapture(
            stream, CUstreamCaptureMode.CU_STREAM_CAPTURE_MODE_THREAD_LOCAL),
        "cuStreamBeginCapture");
  }

  @Override
  public CUgraphExec endCapture(CUstream stream) {
    CUgraph graph = new CUgraph();
    check(JCudaDriver.cuStreamEndCapture(stream, graph), "cuStreamEndCapture");
    try {
      CUgraphExec executable = new CUgraphExec();
      check(JCudaDriver.cuGraphInstantiate(executable, graph, 0), "cuGraphInstantiate");
      return executable;
    } finally {
      JCudaDriver.cuGraphDestroy(graph);
    }
  }

  @Override
  public void abandonCapture(CUstream stream) {
    CUgraph graph = new CUgraph();
    if (JCudaDriver.cuStreamEndCapture(stream, graph) == CUresult.CUDA_SUCCESS) {
      JCudaDriver.cuGraphDestroy(graph);
    }
  }

  @Override
  public void upload(CUgraphExec graph, CUstream stream) {
    check(JCudaDriver.cuGraphUpload(graph, stream), "cuGraphUpload");
  }

  @Override
  public void launch(CUgraphExec graph, CUstream stream) {
    check(JCudaDriver.cuGraphLaunch(graph, stream), "cuGraphLaunch");
  }

  @Override
  public void destroyGraph(CUgraphExec graph) {
    check(JCudaDriver.cuGraphExecDestroy(graph), "cuGraphExecDestroy");
  }

  private static CUdevice device(int ordinal) {
    CUdevice device = new CUdevice();
    check(JCudaDriver.cuDeviceGet(device, ordinal), "cuDeviceGet " + ordinal);
    return device;
  }

  private static int attribute(CUdevice device, int attribute) {
    int[] value = new int[1];
    check(JCudaDriver.cuDeviceGetAttribute(value, attribute, device), "cuDeviceGetAttribute");
    return value[0];
  }

  private static void check(int result, String operation) {
    if (result != CUresult.CUDA_SUCCESS) {
      throw new DriverException(result, CUresult.stringFor(result), operation);
    }
  }

  private static CUdeviceptr at(long address) {
    return new CUdeviceptr().withByteOffset(address);
  }

  static String uuidText(byte[] bytes) {
    String hex = HexFormat.of().formatHex(bytes);
    return "GPU-%s-%s-%s-%s-%s"
        .formatted(
            hex.substring(0, 8),
            hex.substring(8, 12),
            hex.substring(12, 16),
            hex.substring(16, 20),
            hex.substring(20));
  }

  /** Reads the number inside JCuda's device pointers, which only subclasses may. */
  private static final class Address extends CUdeviceptr {
    Address(CUdeviceptr pointer) {
      super(pointer);
    }

    long value() {
      return getNativePointer() + getByteOffset();
    }
  }

  private static final class HostAddress extends Pointer {
    HostAddress(Pointer pointer) {
      super(pointer);
    }

    long value() {
      return getNativePointer() + getByteOffset();
    }
  }

  /** Handles whose numbers JNA needs; JCuda fills them like its own. */
  private static final class FunctionHandle extends CUfunction {
    long value() {
      return getNativePointer();
    }
  }

  private static final class StreamHandle extends CUstream {
    long value() {
      return getNativePointer();
    }
  }
}
