package io.tracemill.gpu.internal.device;

import static org.assertj.core.api.Assertions.assertThat;

import io.tracemill.engine.error.ErrorCode;
import io.tracemill.engine.error.ReasoningException;
import jcuda.driver.CUresult;
import org.junit.jupiter.api.Test;

class TestCudaErrors {

  @Test
  void onlyMemoryThatRanOutLeavesTheContextIntact() {
    assertThat(
            CudaErrors.leavesContextIntact(
                FakeDriver.failure(CUresult.CUDA_ERROR_OUT_OF_MEMORY, "cuMemAlloc")))
        .isTrue();
    assertThat(
            CudaErrors.leavesContextIntact(
                FakeDriver.failure(CUresult.CUDA_ERROR_ILLEGAL_ADDRESS, "cuGraphLaunch")))
        .isFalse();
  }

  @Test
  void anIllegalAddressIsAFatalDeviceErrorThatSaysWhatWasGoingOn() {
    DriverException cause =
        FakeDriver.failure(CUresult.CUDA_ERROR_ILLEGAL_ADDRESS, "cuGraphLaunch");
    ReasoningException error = CudaErrors.deviceFailed("decoding 16 lanes", cause);
    assertThat(error.code()).isEqualTo(ErrorCode.DEVICE_FAILED);
    assertThat(error)
        .hasCause(cause)
        .hasMessage(
            "The GPU failed while decoding 16 lanes: cuGraphLaunch returned"
                + " CUDA_ERROR_ILLEGAL_ADDRESS (700); the CUDA context is lost and this process"
                + " must be restarted.");
  }

  @Test
  void laterCallsSayThatTheBackendFailedBefore() {
    ReasoningException first =
        CudaErrors.deviceFailed(
            "prefill", FakeDriver.failure(CUresult.CUDA_ERROR_LAUNCH_FAILED, "cuLaunchKernel"));
    ReasoningException later = CudaErrors.deviceFailedBefore("decoding 1 lane", first);
    assertThat(later.code()).isEqualTo(ErrorCode.ENGINE_DEAD);
    assertThat(later).hasMessageContaining("decoding 1 lane").hasMessageContaining("prefill");
  }

  @Test
  void bytesReadWell() {
    assertThat(CudaErrors.bytes(15_200_000_000L)).isEqualTo("15.20 GB");
    assertThat(CudaErrors.bytes(3_670_016)).isEqualTo("3.7 MB");
    assertThat(CudaErrors.bytes(17)).isEqualTo("17 B");
  }

  @Test
  void uuidsReadAsNvidiaSmiPrintsThem() {
    byte[] bytes = new byte[16];
    for (int i = 0; i < bytes.length; i++) {
      bytes[i] = (byte) (0x10 * i + i);
    }
    assertThat(JcudaDriver.uuidText(bytes)).isEqualTo("GPU-00112233-4455-6677-8899-aabbccddeeff");
  }
}
