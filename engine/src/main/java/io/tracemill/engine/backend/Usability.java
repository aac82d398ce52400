package io.tracemill.engine.backend;

import java.util.Objects;

/**
 * Whether a backend can run here.
 *
 * @param usable whether it can
 * @param detail the device it would use, or why it cannot run and what would change that; one
 *     sentence
 */
public record Usability(boolean usable, String detail) {
  public Usability {
    Objects.requireNonNull(detail, "detail");
  }

  /** It can run, on the device described. */
  public static Usability usableOn(String device) {
    return new Usability(true, device);
  }

  /** It cannot run. */
  public static Usability unusable(String reason) {
    return new Usability(false, reason);
  }
}
