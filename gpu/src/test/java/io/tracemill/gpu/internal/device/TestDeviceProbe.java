package io.tracemill.gpu.internal.device;

import static org.assertj.core.api.Assertions.assertThat;

import io.tracemill.engine.backend.Usability;
import jcuda.driver.CUresult;
import org.junit.jupiter.api.Test;

class TestDeviceProbe {
  private final FakeDriver driver = new FakeDriver();

  @Test
  void aMachineWithoutADriverIsUnusableWithTheReason() {
    Usability usability =
        DeviceProbe.probe(
            () -> {
              throw new DriverUnavailableException("no NVIDIA driver was found on this machine");
            },
            0);
    assertThat(usability)
        .isEqualTo(Usability.unusable("no NVIDIA driver was found on this machine"));
  }

  @Test
  void aDriverWithoutAGpuIsUnusable() {
    Usability usability =
        DeviceProbe.probe(
            () -> {
              throw FakeDriver.failure(CUresult.CUDA_ERROR_NO_DEVICE, "cuInit");
            },
            0);
    assertThat(usability.usable()).isFalse();
    assertThat(usability.detail())
        .isEqualTo("the NVIDIA driver gives no GPU: cuInit returned CUDA_ERROR_NO_DEVICE (100)");
    driver.devices = 0;
    assertThat(DeviceProbe.probe(() -> driver, 0).detail())
        .isEqualTo("the NVIDIA driver sees no GPU");
  }

  @Test
  void aDeviceThatDoesNotExistIsNamed() {
    assertThat(DeviceProbe.probe(() -> driver, 3).detail())
        .isEqualTo("device 3 was asked for, the machine has 1 (numbered from 0)");
  }

  @Test
  void anOldGpuIsRefusedByItsCapability() {
    driver.device =
        new DeviceInfo(
            0, "Old", "GPU-1", 7, 5, 40, 65_536, 4_000_000, 1L << 34, java.util.Optional.empty());
    assertThat(DeviceProbe.probe(() -> driver, 0).detail())
        .isEqualTo("Old has compute capability 7.5; 8.0 (Ampere) is the least");
  }

  @Test
  void aGoodGpuIsDescribed() {
    Usability usability = DeviceProbe.probe(() -> driver, 0);
    assertThat(usability.usable()).isTrue();
    assertThat(usability.detail()).isEqualTo("Fake GPU (sm_90, 132 multiprocessors, 80.0 GB)");
  }
}
