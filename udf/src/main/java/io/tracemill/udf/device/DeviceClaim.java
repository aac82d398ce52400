package io.tracemill.udf.device;

import io.tracemill.udf.host.HostLock;
import java.util.Optional;

/** A card that belongs to this process until the claim is closed. */
public final class DeviceClaim implements AutoCloseable {
  private final VisibleGpu gpu;
  private final DeviceLocks locks;
  private final String owner;
  private Optional<HostLock> lock;

  DeviceClaim(VisibleGpu gpu, DeviceLocks locks, String owner, Optional<HostLock> lock) {
    this.gpu = gpu;
    this.locks = locks;
    this.owner = owner;
    this.lock = lock;
  }

  /** The card. */
  public VisibleGpu gpu() {
    return gpu;
  }

  /**
   * Compares the card with the one that an engine opened; a card whose identity was unknown before
   * is locked now. Where the engine runs on no accelerator at all, the card is given back.
   *
   * @param opened identity of the engine's accelerator; empty for a CPU
   * @throws io.tracemill.engine.error.ReasoningException where it is another card, or one on which
   *     an engine runs already; the caller closes both
   */
  public synchronized void confirm(Optional<String> opened) {
    if (opened.isEmpty()) {
      close();
      return;
    }
    String uuid = opened.get();
    if (gpu.uuid().isPresent()) {
      // CUDA names the card behind a MIG instance, not the instance.
      boolean isInstance = gpu.uuid().get().startsWith("MIG-");
      if (!isInstance && !gpu.uuid().get().equalsIgnoreCase(uuid)) {
        throw DeviceErrors.otherDevice(uuid, gpu);
      }
    } else if (lock.isEmpty()) {
      lock = locks.tryAcquire(uuid, owner);
      if (lock.isEmpty()) {
        throw DeviceErrors.taken(gpu, locks.ownerOf(uuid));
      }
    }
  }

  /** Gives the card to others; closing twice is allowed. */
  @Override
  public synchronized void close() {
    lock.ifPresent(HostLock::close);
    lock = Optional.empty();
  }
}
