package io.tracemill.gpu.internal.device;

import io.tracemill.engine.backend.Usability;
import java.util.function.Supplier;

/** Answers whether a GPU can be used here, without ever throwing for a machine that has none. */
public final class DeviceProbe {
  private DeviceProbe() {}

  /**
   * Whether a device can run the backend.
   *
   * @param driver loads the driver; may throw {@link DriverUnavailableException}
   * @param ordinal the device
   */
  public static Usability probe(Supplier<CudaDriver> driver, int ordinal) {
    try {
      CudaDriver loaded = driver.get();
      int count = loaded.deviceCount();
      if (count == 0) {
        return Usability.unusable("the NVIDIA driver sees no GPU");
      }
      if (ordinal >= count) {
        return Usability.unusable(
            "device %d was asked for, the machine has %d (numbered from 0)"
                .formatted(ordinal, count));
      }
      DeviceInfo device = loaded.describe(ordinal);
      if (device.computeMajor() < DeviceInfo.LEAST_COMPUTE_MAJOR) {
        return Usability.unusable(
            "%s has compute capability %d.%d; 8.0 (Ampere) is the least"
                .formatted(device.name(), device.computeMajor(), device.computeMinor()));
      }
      return Usability.usableOn(device.summary());
    } catch (DriverUnavailableException e) {
      return Usability.unusable(e.getMessage());
    } catch (DriverException e) {
      return Usability.unusable("the NVIDIA driver gives no GPU: " + e.getMessage());
    }
  }
}
