package io.tracemill.engine.compress;

import java.util.Objects;

/**
 * Which model a calibration was collected from.
 *
 * @param name for people
 * @param contentHash names what its files hold, equal for copies of one checkpoint; empty where it
 *     is not known, and nothing is compared then
 */
public record CalibratedModel(String name, String contentHash) {
  /** A model of which only the shape is known. */
  public static final CalibratedModel UNKNOWN = new CalibratedModel("", "");

  public CalibratedModel {
    Objects.requireNonNull(name, "name");
    Objects.requireNonNull(contentHash, "contentHash");
  }

  /** Whether both are known and different. */
  public boolean differsFrom(CalibratedModel other) {
    return !contentHash.isEmpty()
        && !other.contentHash.isEmpty()
        && !contentHash.equals(other.contentHash);
  }
}
