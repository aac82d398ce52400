package io.tracemill.gpu.internal.device;

import com.sun.jna.Function;
import com.sun.jna.Memory;
import com.sun.jna.NativeLibrary;
import com.sun.jna.Pointer;
import java.util.Optional;
import org.slf4j.Logger;
import org.slf4j.LoggerFactory;

/**
 * The two driver functions that JCuda lacks, called through JNA: the driver's CUDA version, and
 * launches with attributes, of which only programmatic dependent launch is used. Everything works
 * without them, a little slower.
 */
final class DriverExtras {
  private static final Logger LOG = LoggerFactory.getLogger(DriverExtras.class);

  // CUlaunchConfig of cuda.h: seven 32-bit numbers, then stream, attributes and their count.
  private static final int CONFIG_BYTES = 56;
  private static final int CONFIG_STREAM = 32;
  private static final int CONFIG_ATTRIBUTES = 40;
  private static final int CONFIG_NUM_ATTRIBUTES = 48;
  // CUlaunchAttribute: an id, then a union of 64 bytes at offset 8.
  private static final int ATTRIBUTE_BYTES = 72;
  private static final int ATTRIBUTE_VALUE = 8;
  private static final int PROGRAMMATIC_STREAM_SERIALIZATION = 6;

  private final Optional<Function> driverGetVersion;
  private final Optional<Function> launchKernelEx;
  private final Memory config = new Memory(CONFIG_BYTES);
  private final Memory attribute = new Memory(ATTRIBUTE_BYTES);

  private DriverExtras(NativeLibrary library) {
    driverGetVersion = find(library, "cuDriverGetVersion");
    launchKernelEx = find(library, "cuLaunchKernelEx");
    config.clear();
    attribute.clear();
    attribute.setInt(0, PROGRAMMATIC_STREAM_SERIALIZATION);
    attribute.setInt(ATTRIBUTE_VALUE, 1);
    config.setPointer(CONFIG_ATTRIBUTES, attribute);
    config.setInt(CONFIG_NUM_ATTRIBUTES, 1);
  }

  /** Binds the functions; empty, with a logged reason, where JNA cannot be used. */
  static Optional<DriverExtras> load() {
    try {
      return Optional.of(new DriverExtras(NativeLibrary.getInstance("libcuda.so.1")));
    } catch (LinkageError e) {
      LOG.info("Driver functions beyond JCuda are not available: {}", e.toString());
      return Optional.empty();
    }
  }

  /** The newest CUDA version that the driver supports, such as {@code 13.0}. */
  Optional<String> cudaVersion() {
    return driverGetVersion.flatMap(
        function -> {
          try (Memory version = new Memory(Integer.BYTES)) {
            int result = function.invokeInt(new Object[] {version});
            int number = version.getInt(0);
            return result == 0
                ? Optional.of("%d.%d".formatted(number / 1000, number % 1000 / 10))
                : Optional.empty();
          }
        });
  }

  /** Whether {@link #launchOverlapping} can be called. */
  boolean canLaunchOverlapping() {
    return launchKernelEx.isPresent();
  }

  /**
   * Launches a kernel that may start while the previous one drains.
   *
   * @param function the {@code CUfunction}
   * @param parameterTable host address of the table of parameter addresses
   * @param stream the {@code CUstream}
   * @return the {@code CUresult}
   */
  int launchOverlapping(long function, LaunchShape shape, long parameterTable, long stream) {
    config.setInt(0, shape.gridX());
    config.setInt(4, shape.gridY());
    config.setInt(8, shape.gridZ());
    config.setInt(12, shape.blockThreads());
    config.setInt(16, 1);
    config.setInt(20, 1);
    config.setInt(24, shape.sharedBytes());
    config.setLong(CONFIG_STREAM, stream);
    return launchKernelEx
        .orElseThrow()
        .invokeInt(
            new Object[] {
              config, new Pointer(function), new Pointer(parameterTable), Pointer.NULL
            });
  }

  private static Optional<Function> find(NativeLibrary library, String name) {
    try {
      return Optional.of(library.getFunction(name));
    } catch (UnsatisfiedLinkError e) {
      return Optional.empty();
    }
  }
}
