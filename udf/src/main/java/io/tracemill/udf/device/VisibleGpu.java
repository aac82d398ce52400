package io.tracemill.udf.device;

import java.util.ArrayList;
import java.util.List;
import java.util.Objects;
import java.util.Optional;

/**
 * A card that CUDA shows to this process.
 *
 * @param ordinal CUDA's number for it, from 0
 * @param label what it was found under: its number on the host, or its identity
 * @param uuid its identity; empty where no tool could tell
 */
public record VisibleGpu(int ordinal, String label, Optional<String> uuid) {
  public VisibleGpu {
    Objects.requireNonNull(label, "label");
    Objects.requireNonNull(uuid, "uuid");
  }

  /**
   * The cards that CUDA shows, in its order: those of {@code CUDA_VISIBLE_DEVICES} up to the first
   * entry that names none, or all of the host. CUDA numbers whole hosts by speed unless {@code
   * CUDA_DEVICE_ORDER} is {@code PCI_BUS_ID}; where that matters, {@link DeviceClaim#confirm} finds
   * out.
   *
   * @param host the cards of the host; empty where no tool could tell
   * @param variable {@code CUDA_VISIBLE_DEVICES}; empty where it is not set
   */
  public static List<VisibleGpu> of(List<HostGpu> host, Optional<String> variable) {
    List<VisibleGpu> visible = new ArrayList<>();
    if (variable.isEmpty()) {
      for (HostGpu gpu : host) {
        visible.add(
            new VisibleGpu(visible.size(), Integer.toString(gpu.index()), Optional.of(gpu.uuid())));
      }
      return visible;
    }
    for (String entry : variable.get().split(",", -1)) {
      Optional<VisibleGpu> gpu = entry(entry.strip(), visible.size(), host);
      if (gpu.isEmpty()) {
        break;
      }
      visible.add(gpu.get());
    }
    return visible;
  }

  private static Optional<VisibleGpu> entry(String entry, int ordinal, List<HostGpu> host) {
    if (entry.startsWith("MIG-")) {
      return Optional.of(new VisibleGpu(ordinal, entry, Optional.of(entry)));
    }
    if (host.isEmpty()) {
      boolean isUuid = entry.startsWith("GPU-");
      return isUuid || entry.matches("\\d+")
          ? Optional.of(
              new VisibleGpu(ordinal, entry, isUuid ? Optional.of(entry) : Optional.empty()))
          : Optional.empty();
    }
    return host.stream()
        .filter(gpu -> names(entry, Integer.toString(gpu.index()), gpu.uuid()))
        .findFirst()
        .map(
            gpu -> new VisibleGpu(ordinal, Integer.toString(gpu.index()), Optional.of(gpu.uuid())));
  }

  /** Whether a label of Spark means this card: its number, its identity or the begin of that. */
  boolean isNamed(String wanted) {
    return names(wanted, label, uuid.orElse(label));
  }

  private static boolean names(String text, String number, String uuid) {
    return text.equals(number)
        || text.equals(uuid)
        || (text.startsWith("GPU-") && text.length() > 4 && uuid.startsWith(text));
  }

  @Override
  public String toString() {
    return uuid.filter(id -> !id.equals(label)).map(id -> label + " (" + id + ")").orElse(label);
  }
}
