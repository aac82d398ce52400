package io.tracemill.udf;

import com.codahale.metrics.Gauge;
import com.codahale.metrics.MetricRegistry;
import io.tracemill.engine.EngineSnapshot;
import java.lang.ref.WeakReference;
import java.util.Optional;
import java.util.concurrent.TimeUnit;
import java.util.function.LongSupplier;
import java.util.function.Supplier;
import java.util.function.ToLongFunction;
import org.apache.spark.SparkEnv;
import org.apache.spark.metrics.source.Source;
import org.slf4j.Logger;
import org.slf4j.LoggerFactory;

/**
 * What the engine of this JVM is doing, as gauges of Spark's metrics system; 0 while there is no
 * engine. Sinks (JMX, Graphite, Prometheus, ...) are set up as for Spark's own metrics.
 *
 * <p>They are registered once with each SparkContext: by {@link TracemillPlugin} at the start of
 * the executor, or else when the first engine is opened, under the name {@code tracemill}.
 */
final class EngineGauges {
  private static final Logger LOG = LoggerFactory.getLogger(EngineGauges.class);
  private static final String SOURCE_NAME = "tracemill";
  private static final long SHORTEST_SPAN_NANOS = TimeUnit.SECONDS.toNanos(1);

  /** Where they are registered; a later context of this JVM has another one. */
  private static WeakReference<SparkEnv> registeredIn = new WeakReference<>(null);

  private EngineGauges() {}

  /** Registers them with the plugin's registry. */
  static synchronized void registerWith(MetricRegistry registry) {
    addTo(registry, EngineHolder::snapshot, System::nanoTime);
    registeredIn = new WeakReference<>(SparkEnv.get());
  }

  /**
   * Registers them with Spark's metrics system, where nobody has. It is no public interface of
   * Spark's: without it there are no gauges, and nothing else changes.
   */
  static synchronized void registerWithSpark() {
    SparkEnv spark = SparkEnv.get();
    if (spark == null || registeredIn.get() == spark) {
      return;
    }
    try {
      MetricRegistry registry = new MetricRegistry();
      addTo(registry, EngineHolder::snapshot, System::nanoTime);
      spark.metricsSystem().registerSource(new EngineSource(registry));
      registeredIn = new WeakReference<>(spark);
    } catch (RuntimeException | LinkageError e) {
      LOG.info("This Spark takes no gauges of the engine: {}", e.toString());
    }
  }

  /** Adds the gauges to a registry. */
  static void addTo(
      MetricRegistry registry, Supplier<Optional<EngineSnapshot>> engine, LongSupplier nanoClock) {
    gauge(registry, "slots", engine, EngineSnapshot::slots);
    gauge(registry, "slotsUsed", engine, EngineSnapshot::running);
    gauge(registry, "waiting", engine, EngineSnapshot::waiting);
    gauge(registry, "kvPages", engine, EngineSnapshot::totalPages);
    gauge(registry, "kvPagesUsed", engine, EngineSnapshot::usedPages);
    gauge(registry, "steps", engine, EngineSnapshot::steps);
    gauge(registry, "promptTokens", engine, EngineSnapshot::promptTokens);
    gauge(registry, "sharedPromptTokens", engine, EngineSnapshot::sharedPromptTokens);
    gauge(registry, "generatedTokens", engine, EngineSnapshot::generatedTokens);
    gauge(registry, "kvRowsAttended", engine, EngineSnapshot::attendedRows);
    gauge(registry, "kvRowsOfFullCache", engine, EngineSnapshot::fullAttendedRows);
    gauge(registry, "compressions", engine, EngineSnapshot::compressions);
    gauge(registry, "rowsFinished", engine, EngineSnapshot::finishedRequests);
    gauge(registry, "rowsFailed", engine, EngineSnapshot::failedRequests);
    gauge(registry, "restartsForMemory", engine, EngineSnapshot::restarts);
    registry.register(
        "tokensPerSecond",
        new Speed(() -> engine.get().map(EngineSnapshot::generatedTokens).orElse(0L), nanoClock));
  }

  private static void gauge(
      MetricRegistry registry,
      String name,
      Supplier<Optional<EngineSnapshot>> engine,
      ToLongFunction<EngineSnapshot> value) {
    Gauge<Long> gauge = () -> engine.get().map(value::applyAsLong).orElse(0L);
    registry.register(name, gauge);
  }

  private record EngineSource(MetricRegistry metricRegistry) implements Source {
    @Override
    public String sourceName() {
      return SOURCE_NAME;
    }
  }

  /** Tokens per second between two looks at it, which several sinks may take in turn. */
  private static final class Speed implements Gauge<Double> {
    private final LongSupplier tokens;
    private final LongSupplier nanoClock;
    private long lastTokens;
    private long lastNanos;
    private double speed;

    Speed(LongSupplier tokens, LongSupplier nanoClock) {
      this.tokens = tokens;
      this.nanoClock = nanoClock;
      this.lastNanos = nanoClock.getAsLong();
    }

    @Override
    public synchronized Double getValue() {
      long now = nanoClock.getAsLong();
      if (now - lastNanos >= SHORTEST_SPAN_NANOS) {
        long total = tokens.getAsLong();
        // A newer engine counts from 0 again.
        speed = Math.max(0, total - lastTokens) / ((now - lastNanos) / 1e9);
        lastTokens = total;
        lastNanos = now;
      }
      return speed;
    }
  }
}
