package io.tracemill.gpu.internal.kernel;

import io.tracemill.gpu.internal.device.CudaDriver;
import io.tracemill.gpu.internal.device.CudaDriver.LaunchOrder;
import io.tracemill.gpu.internal.device.DeviceInfo;
import io.tracemill.gpu.internal.device.LaunchShape;
import io.tracemill.gpu.internal.memory.PinnedBuffer;
import io.tracemill.gpu.internal.module.KernelLibrary;
import java.nio.ByteBuffer;
import jcuda.driver.CUfunction;
import jcuda.driver.CUstream;

/**
 * Enqueues kernels on one stream. Parameters are written into page-locked memory whose addresses
 * the driver reads while it enqueues, so a launch makes no garbage and copies no heap array.
 *
 * <p>Usage: {@code launcher.address(a).integer(n).number(eps).launch(function, shape, order)}. Not
 * thread-safe.
 */
public final class Launcher implements AutoCloseable {
  private static final int MAX_PARAMETERS = 32;
  private static final int VALUES_OFFSET = MAX_PARAMETERS * Long.BYTES;

  private final CudaDriver driver;
  private final KernelLibrary library;
  private final DeviceInfo device;
  private final CUstream stream;
  private final Tuning tuning;
  private final PinnedBuffer parameters;
  private final ByteBuffer values;
  private int count;

  /**
   * A launcher on a stream; the stream and the library stay the caller's.
   *
   * @param device the device of the current context
   */
  public Launcher(
      CudaDriver driver, KernelLibrary library, DeviceInfo device, CUstream stream, Tuning tuning) {
    this.driver = driver;
    this.library = library;
    this.device = device;
    this.stream = stream;
    this.tuning = tuning;
    this.parameters = new PinnedBuffer(driver, 2 * VALUES_OFFSET);
    this.values = parameters.bytes();
    long firstValue = parameters.memory().hostAddress() + VALUES_OFFSET;
    for (int i = 0; i < MAX_PARAMETERS; i++) {
      values.putLong(i * Long.BYTES, firstValue + (long) i * Long.BYTES);
    }
  }

  /** The next parameter: a device address; 0 is the null pointer. */
  public Launcher address(long value) {
    values.putLong(next(), value);
    return this;
  }

  /** The next parameter: a 32-bit integer. */
  public Launcher integer(int value) {
    values.putInt(next(), value);
    return this;
  }

  /** The next parameter: a float. */
  public Launcher number(float value) {
    values.putFloat(next(), value);
    return this;
  }

  /** The next parameter: a double. */
  public Launcher preciseNumber(double value) {
    values.putDouble(next(), value);
    return this;
  }

  /** Enqueues the kernel with the parameters given since the last launch. */
  public void launch(CUfunction function, LaunchShape shape, LaunchOrder order) {
    count = 0;
    driver.launch(function, shape, order, parameters.memory(), 0, stream);
  }

  /** Enqueues the kernel, after the one before it has finished. */
  public void launch(CUfunction function, LaunchShape shape) {
    launch(function, shape, LaunchOrder.SERIAL);
  }

  /** Enqueues a small kernel of a decode step of {@code rows} rows. */
  void launchOfStep(CUfunction function, LaunchShape shape, int rows) {
    launch(function, shape, tuning.smallOrder(rows));
  }

  /** The choices that differ in speed alone. */
  Tuning tuning() {
    return tuning;
  }

  /** Looks up a kernel. */
  CUfunction kernel(String name, int sharedBytes) {
    return library.kernel(name, sharedBytes);
  }

  /** Whether kernels run as machine code of this device, not as PTX for older ones. */
  boolean hasMachineCode() {
    return library.form() == KernelLibrary.Form.MACHINE_CODE;
  }

  /** The device that kernels run on. */
  public DeviceInfo device() {
    return device;
  }

  /** The stream that kernels go to. */
  public CUstream stream() {
    return stream;
  }

  private int next() {
    if (count == MAX_PARAMETERS) {
      throw new IllegalStateException("a kernel has more than " + MAX_PARAMETERS + " parameters");
    }
    return VALUES_OFFSET + Long.BYTES * count++;
  }

  /** Frees the parameter memory. */
  @Override
  public void close() {
    parameters.close();
  }
}
