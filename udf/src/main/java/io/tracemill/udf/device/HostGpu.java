package io.tracemill.udf.device;

import java.util.ArrayList;
import java.util.List;
import java.util.Objects;
import java.util.regex.Matcher;
import java.util.regex.Pattern;

/**
 * A card of this host as {@code nvidia-smi -L} lists it.
 *
 * @param index its number in the order of the PCI bus
 * @param uuid its identity, such as {@code GPU-8a5c...}
 * @param name its model
 * @param instances identities of the MIG instances it is cut into; empty where it is whole
 */
public record HostGpu(int index, String uuid, String name, List<String> instances) {
  private static final Pattern CARD =
      Pattern.compile("GPU (\\d+): (.*) \\(UUID: (GPU-[0-9a-fA-F-]+)\\)\\s*");
  private static final Pattern INSTANCE = Pattern.compile("\\s+MIG .*\\(UUID: (MIG-[^)]+)\\)\\s*");

  public HostGpu {
    Objects.requireNonNull(uuid, "uuid");
    Objects.requireNonNull(name, "name");
    instances = List.copyOf(instances);
  }

  /** Reads the listing; lines that are neither card nor instance are passed over. */
  public static List<HostGpu> parse(String listing) {
    List<HostGpu> cards = new ArrayList<>();
    for (String line : listing.lines().toList()) {
      Matcher card = CARD.matcher(line);
      Matcher instance = INSTANCE.matcher(line);
      if (card.matches()) {
        cards.add(
            new HostGpu(Integer.parseInt(card.group(1)), card.group(3), card.group(2), List.of()));
      } else if (instance.matches() && !cards.isEmpty()) {
        HostGpu last = cards.remove(cards.size() - 1);
        List<String> instances = new ArrayList<>(last.instances);
        instances.add(instance.group(1));
        cards.add(new HostGpu(last.index, last.uuid, last.name, instances));
      }
    }
    return List.copyOf(cards);
  }
}
