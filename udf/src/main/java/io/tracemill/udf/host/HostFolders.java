package io.tracemill.udf.host;

import java.nio.file.Files;
import java.nio.file.Path;

/** Folders that all JVMs of a host find under the same name. */
public final class HostFolders {
  private static final Path UNIX_TEMPORARY = Path.of("/tmp");

  private HostFolders() {}

  /**
   * The host's temporary folder. Not the JVM's own one: YARN and others point that at a folder of
   * one container, which nobody shares and which is deleted with it.
   */
  public static Path temporary() {
    return Files.isDirectory(UNIX_TEMPORARY) && Files.isWritable(UNIX_TEMPORARY)
        ? UNIX_TEMPORARY
        : Path.of(System.getProperty("java.io.tmpdir"));
  }

  /** Where copies of models lie unless a setting says otherwise; one folder a user. */
  public static Path models() {
    return temporary().resolve("tracemill-models-" + System.getProperty("user.name"));
  }

  /** Where locks of accelerators lie; one folder for all users, since they share the cards. */
  public static Path deviceLocks() {
    return temporary().resolve("tracemill-gpu-locks");
  }
}
