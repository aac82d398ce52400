package io.tracemill.udf.device;

import io.tracemill.udf.host.HostFolders;
import io.tracemill.udf.host.HostLock;
import java.nio.file.Path;
import java.time.Duration;
import java.util.ArrayList;
import java.util.List;
import java.util.Map;
import java.util.Objects;
import java.util.Optional;
import java.util.function.Supplier;
import org.slf4j.Logger;
import org.slf4j.LoggerFactory;

/**
 * Finds a card for an engine and keeps other engines of the host off it.
 *
 * @param host lists the cards of the host
 * @param environment variables of this process
 * @param lockFolder shared by all processes of the host
 * @param patience how long a card may still belong to a process that is about to end
 */
public record Devices(
    Supplier<List<HostGpu>> host,
    Map<String, String> environment,
    Path lockFolder,
    Duration patience) {
  private static final Logger LOG = LoggerFactory.getLogger(Devices.class);
  private static final Duration PATIENCE = Duration.ofSeconds(30);
  private static final long POLL_MILLIS = 100;

  public Devices {
    Objects.requireNonNull(host, "host");
    Objects.requireNonNull(lockFolder, "lockFolder");
    environment = Map.copyOf(environment);
  }

  /** The cards of this host. */
  public static Devices ofThisHost() {
    Map<String, String> environment = System.getenv();
    return new Devices(
        new NvidiaSmi(environment.getOrDefault("PATH", "")),
        environment,
        HostFolders.deviceLocks(),
        PATIENCE);
  }

  /**
   * Claims a card: the one Spark assigned, else the one the user chose, else the first free one.
   *
   * @param owner one line about this process, for others who want the card
   * @return empty where nothing was assigned or chosen and no card is known here
   * @throws io.tracemill.engine.error.ReasoningException where the wish cannot be met or another
   *     engine runs there
   */
  public Optional<DeviceClaim> claim(DeviceWish wish, String owner) {
    List<VisibleGpu> candidates = candidates(wish);
    if (candidates.isEmpty()) {
      return Optional.empty();
    }
    DeviceLocks locks = new DeviceLocks(lockFolder);
    long start = System.nanoTime();
    boolean announced = false;
    while (true) {
      for (VisibleGpu gpu : candidates) {
        if (gpu.uuid().isEmpty()) {
          return Optional.of(new DeviceClaim(gpu, locks, owner, Optional.empty()));
        }
        Optional<HostLock> lock = locks.tryAcquire(gpu.uuid().get(), owner);
        if (lock.isPresent()) {
          LOG.info("GPU {} is CUDA device {} of this process", gpu, gpu.ordinal());
          return Optional.of(new DeviceClaim(gpu, locks, owner, lock));
        }
      }
      if (System.nanoTime() - start >= patience.toNanos()) {
        throw refusal(candidates, locks);
      }
      if (!announced) {
        announced = true;
        LOG.info("Waiting for {}", owners(candidates, locks));
      }
      pause();
    }
  }

  /** The same card without a lock, where the user accepts that engines share it. */
  public Optional<VisibleGpu> pick(DeviceWish wish) {
    return candidates(wish).stream().findFirst();
  }

  private List<VisibleGpu> candidates(DeviceWish wish) {
    List<VisibleGpu> visible =
        VisibleGpu.of(host.get(), Optional.ofNullable(environment.get("CUDA_VISIBLE_DEVICES")));
    List<VisibleGpu> candidates = wish.candidates(visible);
    if (wish.labels().size() == 1 && !candidates.get(0).isNamed(wish.labels().get(0))) {
      LOG.warn(
          "Spark assigned GPU {}, and this process sees {} alone: that one is used",
          wish.labels().get(0),
          candidates.get(0));
    }
    return candidates;
  }

  private static RuntimeException refusal(List<VisibleGpu> candidates, DeviceLocks locks) {
    return candidates.size() == 1
        ? DeviceErrors.taken(
            candidates.get(0), locks.ownerOf(candidates.get(0).uuid().orElseThrow()))
        : DeviceErrors.allTaken(owners(candidates, locks));
  }

  private static List<String> owners(List<VisibleGpu> candidates, DeviceLocks locks) {
    List<String> owners = new ArrayList<>();
    for (VisibleGpu gpu : candidates) {
      owners.add(gpu + " of " + locks.ownerOf(gpu.uuid().orElseThrow()));
    }
    return owners;
  }

  private static void pause() {
    try {
      Thread.sleep(POLL_MILLIS);
    } catch (InterruptedException e) {
      Thread.currentThread().interrupt();
      throw DeviceErrors.interrupted();
    }
  }
}
