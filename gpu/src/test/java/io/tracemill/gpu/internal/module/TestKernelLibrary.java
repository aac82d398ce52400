package io.tracemill.gpu.internal.module;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import io.tracemill.engine.error.ErrorCode;
import io.tracemill.engine.error.ReasoningException;
import io.tracemill.gpu.internal.device.DriverException;
import io.tracemill.gpu.internal.device.FakeDriver;
import io.tracemill.gpu.internal.module.KernelLibrary.Preference;
import jcuda.driver.CUresult;
import org.junit.jupiter.api.Test;

class TestKernelLibrary {
  private final FakeDriver driver = new FakeDriver();
  private final KernelManifest manifest = KernelManifest.load();

  private KernelLibrary load(Preference preference) {
    return KernelLibrary.load(driver, manifest, driver.device, preference);
  }

  @Test
  void ptxAloneIsLoadedWhereThatIsAskedFor() {
    try (KernelLibrary library = load(Preference.PTX_ONLY)) {
      assertThat(library.form()).isEqualTo(KernelLibrary.Form.PTX);
    }
  }

  @Test
  void ptxThatIsRefusedAloneIsToldInOneSentence() {
    driver.failModuleLoad(0, CUresult.CUDA_ERROR_INVALID_PTX);
    assertThatThrownBy(() -> load(Preference.PTX_ONLY))
        .isInstanceOf(ReasoningException.class)
        .hasMessageContaining("machine code: not tried; PTX: ");
    assertThat(driver.openModules()).isZero();
  }

  @Test
  void thePreferenceHasTwoNames() {
    assertThat(Preference.of("auto")).isEqualTo(Preference.MACHINE_CODE_FIRST);
    assertThat(Preference.of("ptx")).isEqualTo(Preference.PTX_ONLY);
    assertThatThrownBy(() -> Preference.of("cubin"))
        .isInstanceOf(ReasoningException.class)
        .hasMessage("tracemill.gpu.kernels is \"cubin\"; it can be auto or ptx.");
  }

  @Test
  void machineCodeIsTakenWhereTheDriverTakesIt() {
    try (KernelLibrary library = load(Preference.MACHINE_CODE_FIRST)) {
      assertThat(library.form()).isEqualTo(KernelLibrary.Form.MACHINE_CODE);
      assertThat(driver.openModules()).isEqualTo(manifest.modules().size());
    }
    assertThat(driver.openModules()).isZero();
  }

  @Test
  void aDriverThatRefusesMachineCodeGetsPtx() {
    driver.failModuleLoad(0, CUresult.CUDA_ERROR_NO_BINARY_FOR_GPU);
    try (KernelLibrary library = load(Preference.MACHINE_CODE_FIRST)) {
      assertThat(library.form()).isEqualTo(KernelLibrary.Form.PTX);
    }
    assertThat(driver.openModules()).isZero();
  }

  @Test
  void aDriverThatRefusesBothIsToldInOneSentence() {
    driver.failModuleLoad(0, CUresult.CUDA_ERROR_NO_BINARY_FOR_GPU);
    driver.failModuleLoad(1, CUresult.CUDA_ERROR_UNSUPPORTED_PTX_VERSION);
    assertThatThrownBy(() -> load(Preference.MACHINE_CODE_FIRST))
        .isInstanceOfSatisfying(
            ReasoningException.class,
            e -> assertThat(e.code()).isEqualTo(ErrorCode.BACKEND_UNAVAILABLE))
        .hasMessageContaining("CUDA_ERROR_NO_BINARY_FOR_GPU")
        .hasMessageContaining("CUDA_ERROR_UNSUPPORTED_PTX_VERSION")
        .hasMessageContaining("install a newer NVIDIA driver");
    assertThat(driver.openModules()).isZero();
  }

  @Test
  void otherErrorsAreNotTakenForRefusals() {
    driver.failModuleLoad(0, CUresult.CUDA_ERROR_OUT_OF_MEMORY);
    assertThatThrownBy(() -> load(Preference.MACHINE_CODE_FIRST))
        .isInstanceOf(DriverException.class)
        .hasMessageContaining("CUDA_ERROR_OUT_OF_MEMORY");
  }

  @Test
  void anUnknownKernelIsNamed() {
    try (KernelLibrary library = load(Preference.MACHINE_CODE_FIRST)) {
      assertThatThrownBy(() -> library.kernel("no_such_kernel", 0))
          .isInstanceOf(IllegalArgumentException.class)
          .hasMessage("no kernel is called no_such_kernel");
    }
  }
}
