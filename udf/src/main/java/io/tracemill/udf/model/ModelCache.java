package io.tracemill.udf.model;

import io.tracemill.udf.host.HostLock;
import java.io.IOException;
import java.nio.channels.FileChannel;
import java.nio.file.FileVisitResult;
import java.nio.file.Files;
import java.nio.file.Path;
import java.nio.file.SimpleFileVisitor;
import java.nio.file.StandardCopyOption;
import java.nio.file.StandardOpenOption;
import java.nio.file.attribute.BasicFileAttributes;
import java.nio.file.attribute.PosixFilePermissions;
import java.time.Duration;
import java.util.List;
import java.util.Objects;
import java.util.Optional;
import java.util.stream.Stream;
import org.slf4j.Logger;
import org.slf4j.LoggerFactory;

/**
 * Copies of remote models on this host, one folder each. However many JVMs ask at once, one copies
 * and the others wait; a copy appears whole or not at all (it is made in a folder of its own,
 * forced to the disk, then renamed), and what a killed process left behind is removed by the next
 * one. When a copy is made, those that nobody has opened for {@link OldCopies#UNUSED} go, and where
 * the disk has no room, the oldest of those that nobody has opened for {@link OldCopies#SPARE}.
 *
 * @param folder the same on all JVMs of a host; made where it is missing, for this user only
 */
public record ModelCache(Path folder) {
  private static final Logger LOG = LoggerFactory.getLogger(ModelCache.class);
  private static final Duration PATIENCE = Duration.ofDays(1);
  private static final String LOCK = ".lock";
  private static final String PART = ".part";

  public ModelCache {
    Objects.requireNonNull(folder, "folder");
  }

  /**
   * The local folder of a model, copied where this host has none.
   *
   * @throws io.tracemill.engine.error.ReasoningException where it cannot be copied; one sentence
   *     says why
   */
  public Path fetch(RemoteModel model) {
    return fetch(model, model.files(), model.name() + "-" + model.snapshot());
  }

  /**
   * A local folder with all files of a model but its weights: what a driver needs that runs no
   * engine.
   */
  public Path fetchDescription(RemoteModel model) {
    String key = model.name() + "-" + model.snapshot();
    Path whole = folder.resolve(key);
    if (ModelManifest.isComplete(whole, model, model.files())) {
      OldCopies.use(whole);
      return whole;
    }
    List<ModelFile> small = model.files().stream().filter(file -> !file.isWeights()).toList();
    return fetch(model, small, key + "-description");
  }

  private Path fetch(RemoteModel model, List<ModelFile> files, String key) {
    Path target = folder.resolve(key);
    try {
      if (ModelManifest.isComplete(target, model, files)) {
        OldCopies.use(target);
        return target;
      }
      makeFolder();
      try (HostLock lock = lock(key)) {
        if (!ModelManifest.isComplete(target, model, files)) {
          clean(key);
          deleteTree(target); // Somebody took files out of it.
          copy(model, files, key, target);
        }
        return target;
      }
    } catch (IOException e) {
      throw ModelErrors.unusableCache(folder, e);
    } catch (InterruptedException e) {
      Thread.currentThread().interrupt();
      throw ModelErrors.interrupted(model.uri());
    }
  }

  private HostLock lock(String key) throws IOException, InterruptedException {
    Optional<HostLock> lock =
        HostLock.acquire(
            lockFile(folder, key),
            HostLock.thisProcess(),
            PATIENCE,
            owner -> LOG.info("Waiting for {}, which copies the model {}", owner, key));
    return lock.orElseThrow(
        () -> new IOException("another process has been copying " + key + " for a day"));
  }

  private void copy(RemoteModel model, List<ModelFile> files, String key, Path target)
      throws IOException, InterruptedException {
    long bytes = files.stream().mapToLong(ModelFile::sizeBytes).sum();
    new OldCopies(folder).makeRoom(bytes);
    long free = DiskSpace.free(folder);
    if (free < bytes) {
      throw ModelErrors.diskFull(model.uri(), bytes, folder, free);
    }
    LOG.info("Copying {} ({}) to {}", model.uri(), ModelErrors.size(bytes), target);
    long start = System.nanoTime();
    Path part = partFolder(folder, key);
    Files.createDirectory(part);
    try {
      FileCopies.copyAll(model, files, part);
      model.requireUnchanged();
      ModelManifest.write(part, model, files);
      force(part);
      Files.move(part, target, StandardCopyOption.ATOMIC_MOVE);
      force(folder);
    } finally {
      deleteTree(part);
    }
    LOG.info("Copied {} in {} s", model.uri(), (System.nanoTime() - start) / 1_000_000_000);
  }

  /** Removes unfinished copies whose makers are gone; the own lock is held. */
  private void clean(String key) throws IOException {
    deleteTree(partFolder(folder, key));
    List<Path> parts;
    try (Stream<Path> list = Files.list(folder)) {
      parts = list.filter(path -> path.getFileName().toString().endsWith(PART)).toList();
    }
    for (Path part : parts) {
      String name = part.getFileName().toString();
      Path lockFile = folder.resolve(name.substring(0, name.length() - PART.length()) + LOCK);
      Optional<HostLock> free = HostLock.tryAcquire(lockFile, HostLock.thisProcess());
      if (free.isPresent()) {
        try (HostLock lock = free.get()) {
          deleteTree(part);
        }
      }
    }
  }

  private void makeFolder() throws IOException {
    if (Files.isDirectory(folder)) {
      return;
    }
    Files.createDirectories(folder);
    try {
      Files.setPosixFilePermissions(folder, PosixFilePermissions.fromString("rwx------"));
    } catch (UnsupportedOperationException e) {
      // No such permissions here.
    }
  }

  /** Makes the names in a folder durable, where the system lets folders be opened. */
  private static void force(Path folder) {
    try (FileChannel channel = FileChannel.open(folder, StandardOpenOption.READ)) {
      channel.force(true);
    } catch (IOException e) {
      LOG.debug("{} cannot be forced to disk", folder, e);
    }
  }

  static Path lockFile(Path folder, String key) {
    return folder.resolve("." + key + LOCK);
  }

  static Path partFolder(Path folder, String key) {
    return folder.resolve("." + key + PART);
  }

  static void deleteTree(Path root) throws IOException {
    if (!Files.exists(root)) {
      return;
    }
    Files.walkFileTree(
        root,
        new SimpleFileVisitor<>() {
          @Override
          public FileVisitResult visitFile(Path file, BasicFileAttributes attributes)
              throws IOException {
            Files.delete(file);
            return FileVisitResult.CONTINUE;
          }

          @Override
          public FileVisitResult postVisitDirectory(Path folder, IOException failure)
              throws IOException {
            Files.delete(folder);
            return FileVisitResult.CONTINUE;
          }
        });
  }
}
