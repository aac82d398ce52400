package io.tracemill.udf.model;

import io.tracemill.udf.host.HostLock;
import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.nio.file.attribute.FileTime;
import java.time.Duration;
import java.time.Instant;
import java.util.ArrayList;
import java.util.Comparator;
import java.util.List;
import java.util.Optional;
import java.util.stream.Stream;
import org.slf4j.Logger;
import org.slf4j.LoggerFactory;

/**
 * Copies in a model cache that nobody has opened for long. When a copy was last opened is the time
 * of change of its manifest. An engine that still runs from a copy keeps its mapped files when the
 * copy is removed; whoever comes later copies the model again.
 *
 * @param folder the cache
 */
record OldCopies(Path folder) {
  /** Unused for so long, a copy goes when another one comes. */
  static final Duration UNUSED = Duration.ofDays(30);

  /** Unused for so long, a copy goes where the disk has no room for another one. */
  static final Duration SPARE = Duration.ofDays(1);

  private static final Logger LOG = LoggerFactory.getLogger(OldCopies.class);

  /** Notes that a copy is in use now. */
  static void use(Path copy) {
    try {
      Files.setLastModifiedTime(copy.resolve(ModelManifest.NAME), FileTime.from(Instant.now()));
    } catch (IOException e) {
      LOG.debug("the use of {} cannot be noted", copy, e);
    }
  }

  /** Removes what was unused for long, and then, oldest first, what else must go for room. */
  void makeRoom(long neededBytes) throws IOException {
    Instant now = Instant.now();
    for (Copy copy : unusedSince(now.minus(SPARE))) {
      boolean isOld = copy.used().isBefore(now.minus(UNUSED));
      if (isOld || DiskSpace.free(folder) < neededBytes) {
        remove(copy);
      }
    }
  }

  private record Copy(Path path, Instant used) {}

  private List<Copy> unusedSince(Instant time) throws IOException {
    List<Copy> copies = new ArrayList<>();
    try (Stream<Path> list = Files.list(folder)) {
      for (Path path : list.toList()) {
        Optional<Instant> used = used(path);
        if (used.isPresent() && used.get().isBefore(time)) {
          copies.add(new Copy(path, used.get()));
        }
      }
    }
    copies.sort(Comparator.comparing(Copy::used));
    return copies;
  }

  /** Empty for what is no complete copy. */
  private static Optional<Instant> used(Path copy) {
    try {
      return Optional.of(Files.getLastModifiedTime(copy.resolve(ModelManifest.NAME)).toInstant());
    } catch (IOException e) {
      return Optional.empty();
    }
  }

  private void remove(Copy copy) throws IOException {
    String key = copy.path().getFileName().toString();
    Optional<HostLock> free =
        HostLock.tryAcquire(ModelCache.lockFile(folder, key), HostLock.thisProcess());
    if (free.isEmpty()) {
      return;
    }
    try (HostLock lock = free.get()) {
      // Somebody may have opened it since.
      if (used(copy.path()).equals(Optional.of(copy.used()))) {
        LOG.info("Removing the copy {}, last used {}", copy.path(), copy.used());
        // Whole or not at all: what is called so is no copy any more.
        Path part = ModelCache.partFolder(folder, key);
        ModelCache.deleteTree(part);
        Files.move(copy.path(), part);
        ModelCache.deleteTree(part);
      }
    }
  }
}
