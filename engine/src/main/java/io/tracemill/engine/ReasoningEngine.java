package io.tracemill.engine;

import io.tracemill.engine.api.KvPolicySettings;
import io.tracemill.engine.backend.Backend;
import io.tracemill.engine.backend.BackendInfo;
import io.tracemill.engine.backend.BackendOptions;
import io.tracemill.engine.backend.BackendProvider;
import io.tracemill.engine.backend.BackendRequest;
import io.tracemill.engine.kvcache.KvLayout;
import io.tracemill.engine.model.GenerationDefaults;
import io.tracemill.engine.model.GenerationDefaultsReader;
import io.tracemill.engine.model.ModelConfig;
import io.tracemill.engine.model.ModelConfigReader;
import io.tracemill.engine.schedule.EngineCounters;
import io.tracemill.engine.schedule.EngineThread;
import io.tracemill.engine.schedule.LoopRule;
import io.tracemill.engine.schedule.SchedulerOptions;
import io.tracemill.engine.weights.CheckpointWeights;
import io.tracemill.engine.weights.DummyWeights;
import io.tracemill.engine.weights.ModelWeights;
import java.nio.file.Files;
import java.nio.file.Path;
import java.time.Duration;
import java.util.List;
import java.util.Optional;
import java.util.Set;
import java.util.SortedMap;
import org.slf4j.Logger;
import org.slf4j.LoggerFactory;

/**
 * One model, open for work on one device. Requests go in and results come out through feeders; any
 * number of them share the engine's lanes.
 *
 * <p><b>Threads.</b> All methods may be called from any thread.
 */
public final class ReasoningEngine implements AutoCloseable {
  private static final Logger LOG = LoggerFactory.getLogger(ReasoningEngine.class);
  private static final String THREAD_NAME = "tracemill-engine";
  private static final long DUMMY_SEED = 0;

  /** Requests per feeder that wait for a lane: enough that a batch refills at once. */
  private static final int WAITING_PER_SLOT = 2;

  private final EngineThread thread;
  private final ModelText text;
  private final ModelConfig config;
  private final RequestPolicies policies;
  private final Optional<ModelWeights> weightsInUse;
  private final EngineDescription description;
  private boolean closed;

  private ReasoningEngine(
      EngineThread thread,
      ModelText text,
      ModelConfig config,
      RequestPolicies policies,
      Optional<ModelWeights> weightsInUse,
      EngineDescription description) {
    this.thread = thread;
    this.text = text;
    this.config = config;
    this.policies = policies;
    this.weightsInUse = weightsInUse;
    this.description = description;
  }

  /**
   * Loads a model and starts its engine thread. With dummy weights outputs mean nothing, so neither
   * stop tokens nor the loop check end them.
   *
   * @throws io.tracemill.engine.error.ReasoningException where an option is out of its range, a
   *     file of the model is missing or wrong, no backend can run, or the model does not fit;
   *     nothing stays open then
   */
  public static ReasoningEngine open(EngineOptions options) {
    return open(options, List.of());
  }

  /**
   * As above, for requests whose policies are known: one that the backend cannot run is refused
   * before the model is loaded.
   *
   * @param policies KV policies that requests will name; others may follow
   */
  public static ReasoningEngine open(EngineOptions options, List<KvPolicySettings> policies) {
    EngineOptionChecks.check(options);
    Path directory = options.modelDirectory();
    if (!Files.isDirectory(directory)) {
      throw EngineErrors.notADirectory(directory);
    }
    ModelConfig config = ModelConfigReader.read(directory);
    GenerationDefaults defaults = GenerationDefaultsReader.read(directory);
    int maxContextTokens = EngineOptionChecks.maxContextTokens(options, config);
    BackendProvider provider =
        BackendSelection.select(options.backend(), BackendSelection.providers());
    RequestPolicies requestPolicies = new RequestPolicies(provider, config);
    policies.forEach(requestPolicies::of);
    List<Integer> stopTokenIds = stopTokenIds(options, defaults);
    SchedulerOptions schedulerOptions =
        schedulerOptions(options, maxContextTokens, Set.copyOf(stopTokenIds));
    SortedMap<String, String> fingerprints = ModelFingerprints.of(directory, options.weights());
    ModelText text = ModelText.load(directory, options.userSpecialTokens());
    try {
      ModelWeights weights = weights(options, config);
      EngineThread thread;
      try {
        BackendRequest request =
            new BackendRequest(config, weights, backendOptions(options, maxContextTokens));
        thread =
            EngineThread.start(
                THREAD_NAME,
                () -> open(provider, request),
                schedulerOptions,
                Duration.ofSeconds(options.callTimeoutSeconds()));
      } catch (RuntimeException e) {
        weights.close();
        throw e;
      }
      BackendInfo info = thread.backendInfo();
      if (!info.readsWeightsInPlace()) {
        weights.close();
      }
      EngineDescription description =
          new EngineDescription(
              directory.toAbsolutePath().normalize().getFileName().toString(),
              fingerprints,
              info,
              stopTokenIds,
              defaults,
              maxContextTokens);
      return new ReasoningEngine(
          thread,
          text,
          config,
          requestPolicies,
          info.readsWeightsInPlace() ? Optional.of(weights) : Optional.empty(),
          description);
    } catch (RuntimeException e) {
      text.release();
      throw e;
    }
  }

  /**
   * A new feeder, to be closed by its owner.
   *
   * @throws io.tracemill.engine.error.ReasoningException with code {@code ENGINE_DEAD} where the
   *     engine has failed
   * @throws IllegalStateException where it is closed
   */
  public Feeder feeder() {
    ModelText held = text.retain();
    try {
      return new EngineFeeder(thread.channel(), held, config.vocabSize(), policies);
    } catch (RuntimeException e) {
      held.release();
      throw e;
    }
  }

  /**
   * Checks that requests may name a KV policy.
   *
   * @throws io.tracemill.engine.error.ReasoningException with code {@code INVALID_ARGUMENT} where
   *     the settings are wrong or the backend cannot run the policy
   */
  public void requirePolicy(KvPolicySettings settings) {
    policies.of(settings);
  }

  /** Figures of the run so far; cheap. */
  public EngineSnapshot snapshot() {
    EngineCounters counters = thread.counters();
    BackendInfo info = description.backend();
    return new EngineSnapshot(
        info.maxLanes(),
        counters.running(),
        counters.waiting(),
        counters.usedPages(),
        info.numPages(),
        counters.steps(),
        counters.laneSteps(),
        counters.usedPageSteps(),
        counters.laneSeconds(),
        counters.openSeconds(),
        counters.restarts(),
        counters.promptTokens(),
        counters.sharedPromptTokens(),
        counters.generatedTokens(),
        counters.finishedRequests(),
        counters.failedRequests(),
        counters.compressions(),
        counters.attendedRows(),
        counters.fullAttendedRows());
  }

  /** What this engine is. */
  public EngineDescription description() {
    return description;
  }

  /**
   * Ends what runs as cancelled and frees the device. Results that feeders have not taken can still
   * be taken. Closing twice is allowed.
   */
  @Override
  public synchronized void close() {
    if (!closed) {
      closed = true;
      thread.close();
      if (thread.hasEnded()) {
        weightsInUse.ifPresent(ModelWeights::close);
      }
      text.release();
    }
  }

  private static Backend open(BackendProvider provider, BackendRequest request) {
    Backend backend = provider.open(request);
    BackendInfo info = backend.info();
    LOG.info(
        "Backend {} on {}: weights {}, {} KV pages of {} tokens, {} lanes; bytes {}",
        info.name(),
        info.device(),
        info.weightElement(),
        info.numPages(),
        KvLayout.PAGE_SIZE_TOKENS,
        info.maxLanes(),
        info.memoryBytes());
    return backend;
  }

  private static ModelWeights weights(EngineOptions options, ModelConfig config) {
    return switch (options.weights()) {
      case CHECKPOINT -> CheckpointWeights.open(options.modelDirectory(), config);
      case DUMMY -> DummyWeights.of(config, DUMMY_SEED);
    };
  }

  private static List<Integer> stopTokenIds(EngineOptions options, GenerationDefaults defaults) {
    if (options.weights() == EngineOptions.Weights.DUMMY) {
      return List.of();
    }
    if (defaults.stopTokenIds().isEmpty()) {
      LOG.warn(
          "The model in {} names no stop token; every output will run to its token budget",
          options.modelDirectory());
    }
    return defaults.stopTokenIds();
  }

  private static SchedulerOptions schedulerOptions(
      EngineOptions options, int maxContextTokens, Set<Integer> stopTokens) {
    return new SchedulerOptions(
        options.prefillChunkTokens(),
        maxContextTokens,
        options.queryRingDepth(),
        switch (options.admission()) {
          case LOOKAHEAD -> SchedulerOptions.AdmissionMode.LOOKAHEAD;
          case EXPECTED -> SchedulerOptions.AdmissionMode.EXPECTED;
          case RESERVE_PEAK -> SchedulerOptions.AdmissionMode.RESERVE_PEAK;
        },
        stopTokens,
        options.weights() == EngineOptions.Weights.DUMMY
            ? Optional.empty()
            : Optional.of(LoopRule.DEFAULT),
        WAITING_PER_SLOT * options.slots());
  }

  private static BackendOptions backendOptions(EngineOptions options, int maxContextTokens) {
    return new BackendOptions(
        options.slots(),
        options.queryRingDepth(),
        maxContextTokens,
        options.prefillChunkTokens(),
        options.kvCacheBytes(),
        options.kvMemoryFraction(),
        options.kvElement(),
        options.threads(),
        options.deviceOrdinal());
  }
}
