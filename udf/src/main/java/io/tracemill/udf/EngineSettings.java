package io.tracemill.udf;

import io.tracemill.engine.EngineOptions;
import io.tracemill.engine.backend.BackendOptions.KvElement;
import java.io.Serializable;
import java.nio.file.Path;
import java.util.Objects;
import java.util.OptionalInt;
import java.util.OptionalLong;

/**
 * The serialisable form of {@link EngineOptions}: made once on the driver, shipped in the closure
 * of the generating stage. Two equal values share an engine, so that a second run of the same
 * application does not load the model again.
 *
 * @param modelDirectory a Hugging Face checkpoint directory, readable under this path on every
 *     host, or the text form of a {@link io.tracemill.udf.model.ModelReference}
 * @param backend a provider's name or {@code auto}
 * @param weights where weights come from
 * @param slots sequences that decode at once, at least 1
 * @param kvCacheBytes size of the KV pool in bytes; 0 for {@code kvMemoryFraction} of what is free
 * @param kvMemoryFraction share of free memory for the KV pool, in (0, 1]
 * @param kvElement element type of the KV cache
 * @param prefillChunkTokens most prompt tokens processed between two decode steps, at least 1
 * @param maxContextTokens prompt and output together; 0 for the model's own limit
 * @param queryRingDepth deepest selector window of any request; 0 for full caches only
 * @param admission how much of its future growth a sequence must fit with
 * @param userSpecialTokens what special tokens written in a prompt become
 * @param threads CPU threads; 0 for all cores
 * @param deviceOrdinal the accelerator to use; -1 for the first
 * @param callTimeoutSeconds how long one call of the backend may take before its executor ends
 */
public record EngineSettings(
    String modelDirectory,
    String backend,
    EngineOptions.Weights weights,
    int slots,
    long kvCacheBytes,
    double kvMemoryFraction,
    KvElement kvElement,
    int prefillChunkTokens,
    int maxContextTokens,
    int queryRingDepth,
    EngineOptions.Admission admission,
    EngineOptions.UserSpecialTokens userSpecialTokens,
    int threads,
    int deviceOrdinal,
    int callTimeoutSeconds)
    implements Serializable {

  public EngineSettings {
    Objects.requireNonNull(modelDirectory, "modelDirectory");
    Objects.requireNonNull(backend, "backend");
    if (slots < 1 || prefillChunkTokens < 1) {
      throw new IllegalArgumentException(slots + " slots, chunks of " + prefillChunkTokens);
    }
    if (kvCacheBytes < 0 || maxContextTokens < 0 || queryRingDepth < 0 || threads < 0) {
      throw new IllegalArgumentException(
          "negative among %d KV bytes, %d context tokens, ring %d, %d threads"
              .formatted(kvCacheBytes, maxContextTokens, queryRingDepth, threads));
    }
    if (!(kvMemoryFraction > 0 && kvMemoryFraction <= 1)) {
      throw new IllegalArgumentException("kvMemoryFraction " + kvMemoryFraction);
    }
    if (callTimeoutSeconds < 1) {
      throw new IllegalArgumentException("a call may take " + callTimeoutSeconds + " s");
    }
  }

  /** With the usual limit for backend calls. */
  public EngineSettings(
      String modelDirectory,
      String backend,
      EngineOptions.Weights weights,
      int slots,
      long kvCacheBytes,
      double kvMemoryFraction,
      KvElement kvElement,
      int prefillChunkTokens,
      int maxContextTokens,
      int queryRingDepth,
      EngineOptions.Admission admission,
      EngineOptions.UserSpecialTokens userSpecialTokens,
      int threads,
      int deviceOrdinal) {
    this(
        modelDirectory,
        backend,
        weights,
        slots,
        kvCacheBytes,
        kvMemoryFraction,
        kvElement,
        prefillChunkTokens,
        maxContextTokens,
        queryRingDepth,
        admission,
        userSpecialTokens,
        threads,
        deviceOrdinal,
        EngineOptions.USUAL_CALL_TIMEOUT_SECONDS);
  }

  /** What an engine is opened with on this host. */
  public EngineOptions toOptions() {
    return new EngineOptions(
        Path.of(modelDirectory),
        backend,
        weights,
        slots,
        kvCacheBytes == 0 ? OptionalLong.empty() : OptionalLong.of(kvCacheBytes),
        kvMemoryFraction,
        kvElement,
        prefillChunkTokens,
        maxContextTokens == 0 ? OptionalInt.empty() : OptionalInt.of(maxContextTokens),
        queryRingDepth,
        admission,
        userSpecialTokens,
        threads == 0 ? OptionalInt.empty() : OptionalInt.of(threads),
        deviceOrdinal < 0 ? OptionalInt.empty() : OptionalInt.of(deviceOrdinal),
        callTimeoutSeconds);
  }

  /** The same engine with its model in another folder. */
  public EngineSettings withModelDirectory(String directory) {
    return new EngineSettings(
        directory,
        backend,
        weights,
        slots,
        kvCacheBytes,
        kvMemoryFraction,
        kvElement,
        prefillChunkTokens,
        maxContextTokens,
        queryRingDepth,
        admission,
        userSpecialTokens,
        threads,
        deviceOrdinal,
        callTimeoutSeconds);
  }

  /** The same engine on another accelerator. */
  public EngineSettings withDeviceOrdinal(int ordinal) {
    return new EngineSettings(
        modelDirectory,
        backend,
        weights,
        slots,
        kvCacheBytes,
        kvMemoryFraction,
        kvElement,
        prefillChunkTokens,
        maxContextTokens,
        queryRingDepth,
        admission,
        userSpecialTokens,
        threads,
        ordinal,
        callTimeoutSeconds);
  }

  /** The same engine with another limit for backend calls. */
  public EngineSettings withCallTimeoutSeconds(int seconds) {
    return new EngineSettings(
        modelDirectory,
        backend,
        weights,
        slots,
        kvCacheBytes,
        kvMemoryFraction,
        kvElement,
        prefillChunkTokens,
        maxContextTokens,
        queryRingDepth,
        admission,
        userSpecialTokens,
        threads,
        deviceOrdinal,
        seconds);
  }
}
