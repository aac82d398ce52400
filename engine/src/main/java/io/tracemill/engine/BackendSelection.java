package io.tracemill.engine;

import io.tracemill.engine.backend.BackendProvider;
import io.tracemill.engine.backend.Usability;
import io.tracemill.engine.error.ReasoningException;
import java.util.ArrayList;
import java.util.Comparator;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import java.util.ServiceLoader;
import java.util.stream.Collectors;
import org.slf4j.Logger;
import org.slf4j.LoggerFactory;

/** Chooses a backend provider: the one a user names, or the best one that can run here. */
final class BackendSelection {
  /** Leaves the choice open. */
  static final String AUTO = "auto";

  private static final Logger LOG = LoggerFactory.getLogger(BackendSelection.class);

  private BackendSelection() {}

  /**
   * All providers on the class path. Jars that are added to a running JVM, as Spark does, are seen
   * by the thread's class loader and not by this class's own; both are asked.
   */
  static List<BackendProvider> providers() {
    Map<String, BackendProvider> byClass = new LinkedHashMap<>();
    List<ServiceLoader<BackendProvider>> loaders =
        List.of(
            ServiceLoader.load(BackendProvider.class),
            ServiceLoader.load(BackendProvider.class, BackendSelection.class.getClassLoader()));
    for (ServiceLoader<BackendProvider> loader : loaders) {
      for (BackendProvider provider : loader) {
        byClass.putIfAbsent(provider.getClass().getName(), provider);
      }
    }
    return List.copyOf(byClass.values());
  }

  /**
   * The provider to use; one warning for each that was passed over because it cannot run here.
   *
   * @param wanted a provider's name, or {@code auto}
   * @throws ReasoningException with code {@code BACKEND_UNAVAILABLE} where the named one is unknown
   *     or cannot run, or none can
   */
  static BackendProvider select(String wanted, List<BackendProvider> providers) {
    return wanted.equals(AUTO) ? best(providers) : named(wanted, providers);
  }

  private static BackendProvider named(String name, List<BackendProvider> providers) {
    for (BackendProvider provider : providers) {
      if (provider.name().equals(name)) {
        Usability usability = provider.usability();
        if (!usability.usable()) {
          throw EngineErrors.unusableBackend(name, usability.detail());
        }
        return provider;
      }
    }
    throw EngineErrors.unknownBackend(
        name, providers.stream().map(BackendProvider::name).collect(Collectors.joining(", ")));
  }

  private static BackendProvider best(List<BackendProvider> providers) {
    List<BackendProvider> ordered = new ArrayList<>(providers);
    ordered.sort(Comparator.comparingInt(BackendProvider::preference).reversed());
    List<String> reasons = new ArrayList<>();
    for (BackendProvider provider : ordered) {
      Usability usability = provider.usability();
      if (usability.usable()) {
        return provider;
      }
      LOG.warn("Backend {} cannot run here: {}", provider.name(), usability.detail());
      reasons.add(provider.name() + ": " + usability.detail());
    }
    throw EngineErrors.noBackend(String.join("; ", reasons));
  }
}
