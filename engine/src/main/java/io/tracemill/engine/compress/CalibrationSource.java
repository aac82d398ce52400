package io.tracemill.engine.compress;

import java.io.IOException;

/**
 * Reads calibration files from file systems that Java itself does not know. Implementations are
 * found by {@link java.util.ServiceLoader} and have a public constructor without parameters.
 *
 * <p><b>Threads.</b> Any number at once.
 */
public interface CalibrationSource {
  /** Whether this one reads a name, such as one that begins with {@code hdfs:}. */
  boolean reads(String name);

  /**
   * The content of the file of a name that this one {@link #reads}.
   *
   * @throws IOException whose message says in some words why it cannot be read
   */
  byte[] read(String name) throws IOException;
}
