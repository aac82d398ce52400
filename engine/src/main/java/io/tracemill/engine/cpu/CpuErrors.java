package io.tracemill.engine.cpu;

import io.tracemill.engine.compress.QueryCalibration;
import io.tracemill.engine.error.ErrorCode;
import io.tracemill.engine.error.ReasoningException;
import io.tracemill.engine.model.ModelConfig;
import java.util.List;
import java.util.Locale;

/** Messages of the CPU backend. */
final class CpuErrors {
  private CpuErrors() {}

  static ReasoningException matrixTooLarge(String tensor, List<Integer> shape) {
    return new ReasoningException(
        ErrorCode.UNSUPPORTED_MODEL,
        "Tensor %s of shape %s has more elements than one Java array can hold, so the CPU backend"
                .formatted(tensor, shape)
            + " cannot run this model.");
  }

  static ReasoningException weightsDoNotFit(long neededBytes, long freeBytes, long maxBytes) {
    return new ReasoningException(
        ErrorCode.OUT_OF_MEMORY,
        "The CPU backend needs %s for weights and working space, but %s of the %s heap are free;"
                .formatted(readable(neededBytes), readable(freeBytes), readable(maxBytes))
            + " raise -Xmx, or lower the number of slots.");
  }

  static ReasoningException cacheDoesNotFit(long wantedBytes, long freeBytes, long maxBytes) {
    return new ReasoningException(
        ErrorCode.OUT_OF_MEMORY,
        "A KV cache of %s was asked for, but after loading %s of the %s heap are free;"
                .formatted(readable(wantedBytes), readable(freeBytes), readable(maxBytes))
            + " raise -Xmx, or ask for a smaller cache.");
  }

  static ReasoningException cacheTooSmall(long cacheBytes, long pageBytes) {
    return new ReasoningException(
        ErrorCode.KV_CACHE_TOO_SMALL,
        "A KV cache of %s holds no page of %s; give it more memory."
            .formatted(readable(cacheBytes), readable(pageBytes)));
  }

  static ReasoningException noMemoryForPages(int pages, long pageBytes, OutOfMemoryError cause) {
    Runtime runtime = Runtime.getRuntime();
    return new ReasoningException(
        ErrorCode.OUT_OF_MEMORY,
        "No heap is left for %d KV pages of %s (heap %s, free %s); raise -Xmx or lower the cache."
            .formatted(
                pages,
                readable(pageBytes),
                readable(runtime.maxMemory()),
                readable(runtime.maxMemory() - runtime.totalMemory() + runtime.freeMemory())),
        cause);
  }

  static ReasoningException noMemoryForRing(int lane, long ringBytes, OutOfMemoryError cause) {
    return new ReasoningException(
        ErrorCode.OUT_OF_MEMORY,
        "No heap is left for the query ring of lane %d (%s); raise -Xmx or lower the slots."
            .formatted(lane, readable(ringBytes)),
        cause);
  }

  static ReasoningException textDoesNotFit(int tokens, int rows) {
    return new ReasoningException(
        ErrorCode.OUT_OF_MEMORY,
        "A text of %d tokens does not fit the %d rows that the heap has room for; raise -Xmx or cut texts shorter."
            .formatted(tokens, rows));
  }

  static String calibrationOfAnotherModel(QueryCalibration calibration, ModelConfig config) {
    return "The query calibration was made for %d layers of %d heads of %d elements, the model has %d of %d of %d; collect one for this model."
        .formatted(
            calibration.numLayers(),
            calibration.numHeads(),
            2 * calibration.numPairs(),
            config.numLayers(),
            config.numQueryHeads(),
            config.headDim());
  }

  static ReasoningException token(int lane, int token, int vocabSize) {
    return new ReasoningException(
        ErrorCode.INVALID_TOKENIZER,
        "Token id %d of lane %d is outside the model's vocabulary of %d; tokenizer and model do not belong together."
            .formatted(token, lane, vocabSize));
  }

  static String readable(long bytes) {
    return bytes < 1_000_000
        ? String.format(Locale.ROOT, "%.1f kB", bytes / 1e3)
        : String.format(Locale.ROOT, "%.1f MB", bytes / 1e6);
  }
}
