package io.tracemill.udf;

import io.tracemill.engine.EngineDescription;
import io.tracemill.engine.EngineSnapshot;
import io.tracemill.engine.Feeder;
import io.tracemill.engine.ReasoningEngine;
import io.tracemill.engine.api.KvPolicySettings;
import io.tracemill.engine.backend.BackendInfo;
import io.tracemill.engine.kvcache.KvLayout;
import java.util.List;
import java.util.Locale;
import java.util.Optional;

/** Opens the real engine. */
public enum ReasoningEngines implements EngineOpener {
  /** The only one. */
  INSTANCE;

  @Override
  public SharedEngine open(EngineSettings settings) {
    return new Shared(ReasoningEngine.open(settings.toOptions()));
  }

  @Override
  public SharedEngine open(EngineSettings settings, KvPolicySettings policy) {
    return new Shared(ReasoningEngine.open(settings.toOptions(), List.of(policy)));
  }

  private record Shared(ReasoningEngine engine) implements SharedEngine {
    @Override
    public Feeder feeder() {
      return engine.feeder();
    }

    @Override
    public void requirePolicy(KvPolicySettings policy) {
      engine.requirePolicy(policy);
    }

    @Override
    public EngineSnapshot snapshot() {
      return engine.snapshot();
    }

    @Override
    public Optional<EngineDescription> details() {
      return Optional.of(engine.description());
    }

    @Override
    public String description() {
      EngineDescription description = engine.description();
      BackendInfo backend = description.backend();
      return String.format(
          Locale.ROOT,
          "Engine: %s on %s (%s), weights %s, %d slots, KV cache of %,d tokens (%,d MB)",
          description.modelId(),
          backend.name(),
          backend.device(),
          backend.weightElement(),
          backend.maxLanes(),
          (long) backend.numPages() * KvLayout.PAGE_SIZE_TOKENS,
          backend.numPages() * backend.kvLayout().pageBytes() / 1_000_000);
    }

    @Override
    public String backend() {
      return engine.description().backend().name();
    }

    @Override
    public Optional<String> deviceUuid() {
      return engine.description().backend().deviceUuid();
    }

    @Override
    public void close() {
      engine.close();
    }
  }
}
