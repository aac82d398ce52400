package io.tracemill.gpu.internal.module;

import io.tracemill.gpu.internal.device.CudaDriver;
import io.tracemill.gpu.internal.device.CudaErrors;
import io.tracemill.gpu.internal.device.DeviceInfo;
import io.tracemill.gpu.internal.device.DriverException;
import io.tracemill.gpu.internal.memory.ResourceStack;
import java.util.ArrayList;
import java.util.List;
import java.util.Set;
import java.util.function.Function;
import jcuda.driver.CUfunction;
import jcuda.driver.CUmodule;
import jcuda.driver.CUresult;
import org.slf4j.Logger;
import org.slf4j.LoggerFactory;

/**
 * All kernels, loaded. Either every module is machine code or every module is PTX, so that one log
 * line says what runs.
 */
public final class KernelLibrary implements AutoCloseable {
  private static final Logger LOG = LoggerFactory.getLogger(KernelLibrary.class);

  /** In which form the driver took the kernels. */
  public enum Form {
    MACHINE_CODE,
    PTX
  }

  /** Which forms may be loaded. */
  public enum Preference {
    /** Machine code, and PTX where the driver takes none of it. */
    MACHINE_CODE_FIRST,
    /** PTX alone, as on devices that this build has no machine code for; slower to load and run. */
    PTX_ONLY;

    private static final String PROPERTY = "tracemill.gpu.kernels";

    /**
     * What the system property {@code tracemill.gpu.kernels} says: {@code auto}, which is the
     * default, or {@code ptx}.
     */
    public static Preference ofThisProcess() {
      return of(System.getProperty(PROPERTY, "auto"));
    }

    static Preference of(String value) {
      return switch (value) {
        case "auto" -> MACHINE_CODE_FIRST;
        case "ptx" -> PTX_ONLY;
        default ->
            throw CudaErrors.invalid(
                "%s is \"%s\"; it can be auto or ptx.".formatted(PROPERTY, value));
      };
    }
  }

  private final CudaDriver driver;
  private final List<LoadedModule> modules;
  private final Form form;
  private final ResourceStack resources;

  /** A module and the kernels that its PTX names; those of newer devices alone are not there. */
  private record LoadedModule(String name, CUmodule handle, Set<String> kernels) {
    /** Whether it has a kernel, as far as that can be told without asking the driver. */
    boolean mayHave(String kernel) {
      return kernels.contains(kernel) || kernel.startsWith(name);
    }
  }

  private KernelLibrary(
      CudaDriver driver, List<LoadedModule> modules, Form form, ResourceStack resources) {
    this.driver = driver;
    this.modules = modules;
    this.form = form;
    this.resources = resources;
  }

  /**
   * Loads every module of the manifest; synchronises. The caller closes the library.
   *
   * @throws io.tracemill.engine.error.ReasoningException with code {@code BACKEND_UNAVAILABLE}
   *     where the driver takes neither machine code nor PTX
   */
  public static KernelLibrary load(
      CudaDriver driver, KernelManifest manifest, DeviceInfo device, Preference preference) {
    String binaryError = "not tried";
    if (preference == Preference.MACHINE_CODE_FIRST) {
      try {
        KernelLibrary library =
            load(driver, manifest, Form.MACHINE_CODE, KernelManifest::machineCode);
        LOG.info(
            "Kernels: machine code for sm_{}{} ({})",
            device.computeMajor(),
            device.computeMinor(),
            manifest.compiler());
        return library;
      } catch (DriverException e) {
        if (!isRefusal(e)) {
          throw e;
        }
        binaryError = e.getMessage();
      }
    }
    try {
      KernelLibrary library = load(driver, manifest, Form.PTX, KernelManifest::ptx);
      LOG.info(
          "Kernels: PTX {} compiled by the driver; machine code: {}",
          manifest.ptxVersion(),
          binaryError);
      return library;
    } catch (DriverException e) {
      throw CudaErrors.noKernels(device.name(), binaryError, e.getMessage());
    }
  }

  private static KernelLibrary load(
      CudaDriver driver, KernelManifest manifest, Form form, Function<String, byte[]> image) {
    ResourceStack resources = new ResourceStack();
    try {
      List<LoadedModule> modules = new ArrayList<>();
      for (String name : manifest.modules()) {
        CUmodule module = driver.loadModule(image.apply(name));
        resources.add(() -> driver.unloadModule(module));
        modules.add(new LoadedModule(name, module, KernelManifest.kernelsOfPtx(name)));
      }
      return new KernelLibrary(driver, modules, form, resources);
    } catch (DriverException e) {
      resources.close();
      throw e;
    }
  }

  /** Whether another form of the same code might be taken. */
  private static boolean isRefusal(DriverException e) {
    return switch (e.result()) {
      case CUresult.CUDA_ERROR_INVALID_IMAGE,
          CUresult.CUDA_ERROR_NO_BINARY_FOR_GPU,
          CUresult.CUDA_ERROR_INVALID_SOURCE,
          CUresult.CUDA_ERROR_UNSUPPORTED_PTX_VERSION,
          CUresult.CUDA_ERROR_INVALID_PTX ->
          true;
      default -> false;
    };
  }

  /** The form that was loaded. */
  public Form form() {
    return form;
  }

  /**
   * A kernel, allowed to use {@code sharedBytes} of dynamic shared memory.
   *
   * @param name its name in the source
   * @throws IllegalArgumentException where no module has it
   */
  public CUfunction kernel(String name, int sharedBytes) {
    for (LoadedModule module : modules) {
      if (!module.mayHave(name)) {
        continue;
      }
      try {
        CUfunction function = driver.function(module.handle(), name);
        if (sharedBytes > 0) {
          driver.allowSharedBytes(function, sharedBytes);
        }
        return function;
      } catch (DriverException e) {
        if (e.result() != CUresult.CUDA_ERROR_NOT_FOUND) {
          throw e;
        }
      }
    }
    throw new IllegalArgumentException("no kernel is called " + name);
  }

  /** Unloads the modules. Closing twice is allowed. */
  @Override
  public void close() {
    resources.close();
  }
}
