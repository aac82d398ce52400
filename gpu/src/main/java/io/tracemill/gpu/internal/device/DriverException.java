package io.tracemill.gpu.internal.device;

/**
 * A driver call that returned an error code. Stays inside {@code gpu}: the backend translates it
 * with {@link CudaErrors} at its border.
 */
public final class DriverException extends RuntimeException {
  private static final long serialVersionUID = 1L;

  private final int result;
  private final String operation;

  /**
   * An error code and the call that returned it.
   *
   * @param result a {@code CUresult}, not 0
   * @param resultName the code's name in {@code cuda.h}
   * @param operation the driver function, with the sizes that matter
   */
  public DriverException(int result, String resultName, String operation) {
    super(operation + " returned " + resultName + " (" + result + ")");
    this.result = result;
    this.operation = operation;
  }

  /** The {@code CUresult}. */
  public int result() {
    return result;
  }

  /** The driver function that returned it. */
  public String operation() {
    return operation;
  }
}
