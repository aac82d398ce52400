package io.tracemill.gpu.internal.device;

import io.tracemill.engine.error.ErrorCode;
import io.tracemill.engine.error.ReasoningException;
import jcuda.driver.CUresult;

/**
 * What users read when the GPU fails. Memory that ran out leaves the context intact; every other
 * error of a running backend is treated as fatal, because the driver reports faults of earlier,
 * asynchronous work at whatever call comes next and a context that has faulted never recovers.
 */
public final class CudaErrors {
  private CudaErrors() {}

  /** Whether the context survives the error. */
  public static boolean leavesContextIntact(DriverException failure) {
    return failure.result() == CUresult.CUDA_ERROR_OUT_OF_MEMORY;
  }

  /**
   * Device memory ran out.
   *
   * @param purpose what was to be allocated
   * @param requestedBytes size of the allocation
   * @param freeBytes what the device had free
   * @param usage what is allocated already, for people, such as {@code weights 15.2 GB}
   */
  public static ReasoningException outOfMemory(
      String purpose, long requestedBytes, long freeBytes, String usage, Throwable cause) {
    return new ReasoningException(
        ErrorCode.OUT_OF_MEMORY,
        ("The GPU has no room for %s: %s requested, %s free, in use here: %s; use a smaller model,"
                + " fewer slots, or free the GPU.")
            .formatted(purpose, bytes(requestedBytes), bytes(freeBytes), usage),
        cause);
  }

  /** The decode attention has no scratch memory for a batch; a smaller one has room. */
  public static ReasoningException tooManyAttendedRows(int lanes, long chunks, int room) {
    return new ReasoningException(
        ErrorCode.OUT_OF_MEMORY,
        ("Decoding %d lanes in one batch attends to %d chunks of cached rows, and there is scratch"
                + " memory for %d; use fewer slots.")
            .formatted(lanes, chunks, room));
  }

  /** The KV pool would hold less than one sequence needs. */
  public static ReasoningException noRoomForPages(
      long pages, long neededPages, long pageBytes, String usage) {
    return new ReasoningException(
        ErrorCode.KV_CACHE_TOO_SMALL,
        ("The KV cache would have %d pages of %s, but one sequence of the longest allowed length"
                + " needs %d; in use: %s; raise the KV memory fraction, lower the context length or"
                + " the slots, or use a larger GPU.")
            .formatted(pages, bytes(pageBytes), neededPages, usage));
  }

  /**
   * A driver call failed while the backend was running.
   *
   * @param doing what the backend was doing, as a clause such as {@code decoding 16 lanes}
   */
  public static ReasoningException deviceFailed(String doing, DriverException cause) {
    return new ReasoningException(
        ErrorCode.DEVICE_FAILED,
        "The GPU failed while %s: %s; the CUDA context is lost and this process must be restarted."
            .formatted(doing, cause.getMessage()),
        cause);
  }

  /** A call on a backend that has failed before. */
  public static ReasoningException deviceFailedBefore(String doing, Throwable first) {
    return new ReasoningException(
        ErrorCode.ENGINE_DEAD,
        "The CUDA backend cannot go on with %s, because it failed before: %s"
            .formatted(doing, first.getMessage()),
        first);
  }

  /** The device stopped answering. */
  public static ReasoningException deviceSilent(String doing, long millis) {
    return new ReasoningException(
        ErrorCode.DEVICE_FAILED,
        "The GPU did not finish %s within %d s; it is taken for hung."
            .formatted(doing, millis / 1000));
  }

  /** CUDA was asked for and cannot be used. */
  public static ReasoningException unavailable(String reason) {
    return new ReasoningException(ErrorCode.BACKEND_UNAVAILABLE, reason);
  }

  /** The option or the model needs a kernel that does not exist. */
  public static ReasoningException unsupported(String what) {
    return new ReasoningException(ErrorCode.UNSUPPORTED_MODEL, what);
  }

  /** A setting that this backend cannot honour. */
  public static ReasoningException invalid(String what) {
    return new ReasoningException(ErrorCode.INVALID_ARGUMENT, what);
  }

  /** Neither the machine code nor the PTX of this build could be loaded. */
  public static ReasoningException noKernels(String device, String binaryError, String ptxError) {
    return new ReasoningException(
        ErrorCode.BACKEND_UNAVAILABLE,
        ("The driver refused the kernels for %s: machine code: %s; PTX: %s; install a newer NVIDIA"
                + " driver.")
            .formatted(device, binaryError, ptxError));
  }

  /** {@code 15.2 GB} for people; decimal units. */
  public static String bytes(long bytes) {
    if (bytes >= 1_000_000_000L) {
      return "%.2f GB".formatted(bytes / 1e9);
    }
    return bytes >= 1_000_000L ? "%.1f MB".formatted(bytes / 1e6) : bytes + " B";
  }
}
