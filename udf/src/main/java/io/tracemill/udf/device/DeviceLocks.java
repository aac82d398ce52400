package io.tracemill.udf.device;

import io.tracemill.udf.host.HostLock;
import java.io.IOException;
import java.nio.file.FileAlreadyExistsException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.nio.file.attribute.PosixFilePermissions;
import java.util.Optional;

/**
 * One lock a card for all processes of a host, named by the card's identity.
 *
 * @param folder shared by all users of the host; made where it is missing
 */
record DeviceLocks(Path folder) {

  /** Takes a card where no engine runs on it. */
  Optional<HostLock> tryAcquire(String uuid, String owner) {
    try {
      makeFolder();
      return HostLock.tryAcquire(file(uuid), owner);
    } catch (IOException e) {
      throw DeviceErrors.unusableLocks(folder, e);
    }
  }

  /** Whoever runs an engine on a card. */
  String ownerOf(String uuid) {
    return HostLock.ownerOf(file(uuid));
  }

  private Path file(String uuid) {
    return folder.resolve(uuid.replaceAll("[^A-Za-z0-9-]", "_") + ".lock");
  }

  private void makeFolder() throws IOException {
    if (Files.isDirectory(folder)) {
      return;
    }
    try {
      Files.createDirectories(folder.getParent());
      Files.createDirectory(folder);
      // Cards are shared by all users, so their locks are.
      Files.setPosixFilePermissions(folder, PosixFilePermissions.fromString("rwxrwxrwx"));
    } catch (FileAlreadyExistsException e) {
      // Another process made it at this moment.
    } catch (UnsupportedOperationException e) {
      // No such permissions here.
    }
  }
}
