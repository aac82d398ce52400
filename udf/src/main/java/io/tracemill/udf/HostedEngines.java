package io.tracemill.udf;

import io.tracemill.engine.EngineDescription;
import io.tracemill.engine.EngineSnapshot;
import io.tracemill.engine.Feeder;
import io.tracemill.engine.api.KvPolicySettings;
import io.tracemill.udf.device.DeviceClaim;
import io.tracemill.udf.device.DeviceWish;
import io.tracemill.udf.device.Devices;
import io.tracemill.udf.device.VisibleGpu;
import io.tracemill.udf.host.HostLock;
import io.tracemill.udf.model.LocalModel;
import java.nio.file.Path;
import java.util.List;
import java.util.Objects;
import java.util.Optional;
import java.util.OptionalInt;
import java.util.function.Function;
import org.apache.spark.SparkEnv;
import org.apache.spark.TaskContext;

/**
 * Prepares a host for an engine before another opener opens it: brings a remote model here, and
 * finds the card that Spark assigned and keeps other engines off it.
 *
 * @param opener opens the engine on a local model and a given device
 * @param host what hosts provide
 * @param gpuLabels addresses that Spark assigned to the task; empty outside of one
 */
public record HostedEngines(EngineOpener opener, HostSettings host, List<String> gpuLabels)
    implements EngineOpener {
  private static final String CPU = "cpu";

  public HostedEngines {
    Objects.requireNonNull(opener, "opener");
    Objects.requireNonNull(host, "host");
    gpuLabels = List.copyOf(gpuLabels);
  }

  /** Outside of any task. */
  public HostedEngines(EngineOpener opener, HostSettings host) {
    this(opener, host, List.of());
  }

  @Override
  public EngineOpener inTask(TaskContext task) {
    return new HostedEngines(opener, host, DeviceWish.labelsOf(task));
  }

  @Override
  public SharedEngine open(EngineSettings settings) {
    return open(settings, opener::open);
  }

  @Override
  public SharedEngine open(EngineSettings settings, KvPolicySettings policy) {
    return open(settings, local -> opener.open(local, policy));
  }

  private SharedEngine open(
      EngineSettings settings, Function<EngineSettings, SharedEngine> opening) {
    EngineSettings local = settings.withModelDirectory(localModel(settings));
    if (settings.backend().equals(CPU)) {
      return opening.apply(local);
    }
    DeviceWish wish =
        new DeviceWish(
            gpuLabels,
            settings.deviceOrdinal() < 0
                ? OptionalInt.empty()
                : OptionalInt.of(settings.deviceOrdinal()));
    return host.deviceSharing() == HostSettings.DeviceSharing.ALLOW
        ? openShared(local, wish, opening)
        : openAlone(local, wish, opening);
  }

  private static SharedEngine openShared(
      EngineSettings local, DeviceWish wish, Function<EngineSettings, SharedEngine> opening) {
    Optional<VisibleGpu> gpu = Devices.ofThisHost().pick(wish);
    return opening.apply(gpu.map(found -> local.withDeviceOrdinal(found.ordinal())).orElse(local));
  }

  private static SharedEngine openAlone(
      EngineSettings local, DeviceWish wish, Function<EngineSettings, SharedEngine> opening) {
    Optional<DeviceClaim> claimed = Devices.ofThisHost().claim(wish, owner());
    if (claimed.isEmpty()) {
      return opening.apply(local);
    }
    DeviceClaim claim = claimed.get();
    SharedEngine engine = null;
    boolean confirmed = false;
    try {
      engine = opening.apply(local.withDeviceOrdinal(claim.gpu().ordinal()));
      claim.confirm(engine.deviceUuid());
      confirmed = true;
      return new Claimed(engine, claim);
    } finally {
      if (!confirmed) {
        closeBoth(engine, claim);
      }
    }
  }

  private static void closeBoth(SharedEngine engine, DeviceClaim claim) {
    try {
      if (engine != null) {
        engine.close();
      }
    } finally {
      claim.close();
    }
  }

  private String localModel(EngineSettings settings) {
    return LocalModel.fetch(
            settings.modelDirectory(), settings.weights(), Path.of(host.modelCache()))
        .toString();
  }

  private static String owner() {
    SparkEnv spark = SparkEnv.get();
    return spark == null
        ? HostLock.thisProcess()
        : "%s, executor %s of %s"
            .formatted(
                HostLock.thisProcess(),
                spark.executorId(),
                spark.conf().get("spark.app.id", "an application without id"));
  }

  /** An engine with the card that it runs on. */
  private record Claimed(SharedEngine engine, DeviceClaim claim) implements SharedEngine {
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
      return engine.details();
    }

    @Override
    public String description() {
      return engine.description();
    }

    @Override
    public String backend() {
      return engine.backend();
    }

    @Override
    public Optional<String> deviceUuid() {
      return engine.deviceUuid();
    }

    @Override
    public void close() {
      closeBoth(engine, claim);
    }
  }
}
