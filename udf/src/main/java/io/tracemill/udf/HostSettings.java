package io.tracemill.udf;

import io.tracemill.udf.host.HostFolders;
import java.io.Serializable;
import java.util.Objects;

/**
 * What the hosts of a cluster provide for engines.
 *
 * @param modelCache folder of copied models, the same on every host
 * @param deviceSharing what to do where an engine runs on the wanted card already
 */
public record HostSettings(String modelCache, DeviceSharing deviceSharing) implements Serializable {

  /** Two engines on one card. */
  public enum DeviceSharing {
    /** Are refused: each plans its memory as if the card were its own. */
    REFUSE,
    /** Are the user's wish, who divided the memory. */
    ALLOW
  }

  public HostSettings {
    Objects.requireNonNull(modelCache, "modelCache");
    Objects.requireNonNull(deviceSharing, "deviceSharing");
  }

  /** A cache in the host's temporary folder, and a card for each engine. */
  public static HostSettings usual() {
    return new HostSettings(HostFolders.models().toString(), DeviceSharing.REFUSE);
  }
}
