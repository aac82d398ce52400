package io.tracemill.engine.cpu;

import org.slf4j.Logger;
import org.slf4j.LoggerFactory;

/** Chooses the kernels of this JVM, and says loudly when they are the slow ones. */
final class KernelChoice {
  private static final Logger LOG = LoggerFactory.getLogger(KernelChoice.class);
  private static final String MODULE = "jdk.incubator.vector";

  private KernelChoice() {}

  /** The kernels of this JVM; made, and where they are slow announced, once. */
  static CpuKernels kernels() {
    return Chosen.KERNELS;
  }

  /** Whether the module of the Vector API was added to this JVM. */
  static boolean vectorModulePresent() {
    return ModuleLayer.boot().findModule(MODULE).isPresent();
  }

  private static final class Chosen {
    static final CpuKernels KERNELS = choose();

    private static CpuKernels choose() {
      if (vectorModulePresent()) {
        return new VectorKernels();
      }
      LOG.warn(
          "SLOW: the module {} is missing, so the CPU backend runs scalar code, many times slower;"
              + " start Java with --add-modules={} (in Spark: spark.driver.extraJavaOptions and"
              + " spark.executor.extraJavaOptions).",
          MODULE,
          MODULE);
      return new ScalarKernels();
    }
  }
}
