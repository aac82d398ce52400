package io.tracemill.gpu.internal.kernel;

import io.tracemill.gpu.internal.device.CudaDriver.LaunchOrder;
import io.tracemill.gpu.internal.device.CudaErrors;
import java.util.Arrays;
import java.util.Locale;
import java.util.function.UnaryOperator;
import java.util.stream.Collectors;

/**
 * Choices between ways of the same result that differ in speed alone. The defaults are what
 * measurements on an H100 favoured (docs/results-cuda.md); a system property changes one, to
 * compare on another device or to switch off what a driver does badly.
 *
 * @param overlap {@code tracemill.gpu.overlap}: which kernels of a decode step may start while the
 *     one before them drains
 * @param overlapRows {@code tracemill.gpu.overlap-rows}: largest decode batch whose matrix products
 *     overlap
 * @param smallOverlapRows {@code tracemill.gpu.small-overlap-rows}: largest decode batch whose
 *     other kernels overlap
 * @param productMemory {@code tracemill.gpu.product-memory}: how much shared memory a matrix
 *     product of a decode step claims
 * @param heldSamplingRows {@code tracemill.gpu.held-sampling-rows}: largest batch whose sampler
 *     holds the logits in shared memory
 * @param narrowPrefillRows {@code tracemill.gpu.narrow-prefill-rows}: largest prefill batch, at
 *     most 128, that runs with tiles of 128 tokens instead of 256
 */
public record Tuning(
    Overlap overlap,
    int overlapRows,
    int smallOverlapRows,
    ProductMemory productMemory,
    int heldSamplingRows,
    int narrowPrefillRows) {
  private static final String PREFIX = "tracemill.gpu.";

  /** Which kernels of a decode step overlap. */
  public enum Overlap {
    NONE,
    PRODUCTS,
    ALL
  }

  /** Shared memory of a matrix product. */
  public enum ProductMemory {
    /** All of it. */
    ALL,
    /** What its stages need, but too much for two on one multiprocessor. */
    NEEDED
  }

  public Tuning {
    if (narrowPrefillRows > PrefillGemmKernel.MAX_NARROW_ROWS) {
      throw CudaErrors.invalid(
          "%snarrow-prefill-rows is %d; it can be at most %d."
              .formatted(PREFIX, narrowPrefillRows, PrefillGemmKernel.MAX_NARROW_ROWS));
    }
  }

  /** The choices of this process. */
  public static Tuning ofThisProcess() {
    return of(System::getProperty);
  }

  /**
   * The choices that properties make.
   *
   * @param property the value of a name, null where it is not set
   */
  static Tuning of(UnaryOperator<String> property) {
    return new Tuning(
        choice(property, "overlap", Overlap.class, Overlap.ALL),
        rows(property, "overlap-rows", 128),
        rows(property, "small-overlap-rows", 128),
        choice(property, "product-memory", ProductMemory.class, ProductMemory.NEEDED),
        rows(property, "held-sampling-rows", 33),
        rows(property, "narrow-prefill-rows", PrefillGemmKernel.MAX_NARROW_ROWS));
  }

  private static <E extends Enum<E>> E choice(
      UnaryOperator<String> property, String name, Class<E> type, E standard) {
    String value = property.apply(PREFIX + name);
    if (value == null) {
      return standard;
    }
    return Arrays.stream(type.getEnumConstants())
        .filter(constant -> nameOf(constant).equals(value))
        .findFirst()
        .orElseThrow(
            () ->
                CudaErrors.invalid(
                    "%s%s is \"%s\"; it can be %s."
                        .formatted(
                            PREFIX,
                            name,
                            value,
                            Arrays.stream(type.getEnumConstants())
                                .map(Tuning::nameOf)
                                .collect(Collectors.joining(", ")))));
  }

  private static String nameOf(Enum<?> constant) {
    return constant.name().toLowerCase(Locale.ROOT);
  }

  private static int rows(UnaryOperator<String> property, String name, int standard) {
    String value = property.apply(PREFIX + name);
    if (value == null) {
      return standard;
    }
    if (!value.matches("[0-9]{1,6}")) {
      throw CudaErrors.invalid(
          "%s%s is \"%s\"; it has to be a number of rows.".formatted(PREFIX, name, value));
    }
    return Integer.parseInt(value);
  }

  /** How the small kernels of a decode step of {@code rows} are launched. */
  LaunchOrder smallOrder(int rows) {
    return overlap == Overlap.ALL && rows <= smallOverlapRows
        ? LaunchOrder.OVERLAPPING
        : LaunchOrder.SERIAL;
  }

  /** How the matrix products of a decode step of {@code rows} are launched. */
  LaunchOrder productOrder(int rows) {
    return overlap != Overlap.NONE && rows <= overlapRows
        ? LaunchOrder.OVERLAPPING
        : LaunchOrder.SERIAL;
  }
}
