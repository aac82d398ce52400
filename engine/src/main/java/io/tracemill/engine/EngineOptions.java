package io.tracemill.engine;

import io.tracemill.engine.backend.BackendOptions.KvElement;
import io.tracemill.engine.schedule.EngineThread;
import java.nio.file.Path;
import java.util.Objects;
import java.util.OptionalInt;
import java.util.OptionalLong;

/**
 * How an engine is opened. A plain value: made once on the driver, sent to executors.
 *
 * @param modelDirectory a Hugging Face checkpoint directory on a local file system
 * @param backend a provider's name, or {@code auto} for the best usable one; a named one that
 *     cannot run is an error
 * @param weights where the weights come from
 * @param slots sequences that decode at once, at least 1
 * @param kvCacheBytes size of the KV pool; empty for {@code kvMemoryFraction} of what is free
 * @param kvMemoryFraction share of free memory for the KV pool, in (0, 1]
 * @param kvElement element type of the KV cache
 * @param prefillChunkTokens most prompt tokens processed between two decode steps
 * @param maxContextTokens prompt and output together; empty for the model's own limit
 * @param queryRingDepth deepest selector window any request will use; 0 for full caches only
 * @param admission how much of its future growth a sequence must fit with before it is admitted
 * @param userSpecialTokens what to do with special tokens that are written in a prompt
 * @param threads CPU threads; empty for all cores
 * @param deviceOrdinal the accelerator to use; empty for the first
 * @param callTimeoutSeconds how long one call of the backend may take before the engine is taken
 *     for dead, from 1 to {@link #MAX_CALL_TIMEOUT_SECONDS}; loading the model does not count
 */
public record EngineOptions(
    Path modelDirectory,
    String backend,
    Weights weights,
    int slots,
    OptionalLong kvCacheBytes,
    double kvMemoryFraction,
    KvElement kvElement,
    int prefillChunkTokens,
    OptionalInt maxContextTokens,
    int queryRingDepth,
    Admission admission,
    UserSpecialTokens userSpecialTokens,
    OptionalInt threads,
    OptionalInt deviceOrdinal,
    int callTimeoutSeconds) {
  /** The limit of a backend call unless said otherwise. */
  public static final int USUAL_CALL_TIMEOUT_SECONDS =
      (int) EngineThread.USUAL_CALL_TIMEOUT.toSeconds();

  /** A day. */
  public static final int MAX_CALL_TIMEOUT_SECONDS = 86_400;

  /** Where weights come from. */
  public enum Weights {
    /** The checkpoint's safetensors files. */
    CHECKPOINT,
    /** Random values of the configured shapes, for benchmarks. */
    DUMMY
  }

  /** When a waiting sequence may start. */
  public enum Admission {
    /** Where the closed forms of all running sequences fit the pool at every future step. */
    LOOKAHEAD,
    /** Where the peaks of all running sequences fit together; simpler and more cautious. */
    RESERVE_PEAK,
    /**
     * As {@link #LOOKAHEAD}, with a sequence that says how many tokens are expected of it counted
     * up to these instead of its budget; where it grows beyond them, others wait for pages, and
     * where all wait the youngest begins anew. More run at once; no token changes.
     */
    EXPECTED
  }

  /** Special tokens in a user's text, such as a written-out end-of-turn marker. */
  public enum UserSpecialTokens {
    /** They are encoded as the plain text they are. */
    PLAIN_TEXT,
    /** They become the special tokens they name. */
    PARSED
  }

  public EngineOptions {
    Objects.requireNonNull(modelDirectory, "modelDirectory");
    Objects.requireNonNull(backend, "backend");
  }

  /** With the usual limit for backend calls. */
  public EngineOptions(
      Path modelDirectory,
      String backend,
      Weights weights,
      int slots,
      OptionalLong kvCacheBytes,
      double kvMemoryFraction,
      KvElement kvElement,
      int prefillChunkTokens,
      OptionalInt maxContextTokens,
      int queryRingDepth,
      Admission admission,
      UserSpecialTokens userSpecialTokens,
      OptionalInt threads,
      OptionalInt deviceOrdinal) {
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
        USUAL_CALL_TIMEOUT_SECONDS);
  }

  /** The same engine with another limit for backend calls. */
  public EngineOptions withCallTimeoutSeconds(int seconds) {
    return new EngineOptions(
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
