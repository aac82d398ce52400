package io.tracemill.udf.grade;

import java.util.Optional;

/** Ratios of rows in a KV cache; absent where a divisor is not positive. */
public final class KvRatios {
  private KvRatios() {}

  /** The share of a full cache's rows that was not kept: {@code 1 - kept / full}. */
  public static Optional<Double> saved(double fullRows, double keptRows) {
    return fullRows > 0 ? Optional.of(1 - keptRows / fullRows) : Optional.empty();
  }

  /** How many times smaller than a full cache: {@code full / kept}. */
  public static Optional<Double> compression(double fullRows, double keptRows) {
    return keptRows > 0 ? Optional.of(fullRows / keptRows) : Optional.empty();
  }
}
