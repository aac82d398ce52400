package io.tracemill.udf.host;

import java.io.IOException;
import java.nio.channels.FileChannel;
import java.nio.channels.FileLock;
import java.nio.channels.OverlappingFileLockException;
import java.nio.file.Files;
import java.nio.file.NoSuchFileException;
import java.nio.file.Path;
import java.nio.file.StandardOpenOption;
import java.nio.file.attribute.PosixFilePermissions;
import java.time.Duration;
import java.util.Optional;
import java.util.function.Consumer;

/**
 * An exclusive lock between all JVMs of a host, and between all threads and class loaders of one.
 * The operating system releases it when its process ends, however it ends; the file stays, since
 * removing it would let two owners lock two files of one name.
 *
 * <p>A POSIX lock is lost as soon as its process closes any handle of the file. So within a JVM a
 * system property excludes others before the file is touched, and who owns it is written to a file
 * beside it.
 */
public final class HostLock implements AutoCloseable {
  private static final String PROPERTY_PREFIX = "io.tracemill.lock:";
  private static final Duration POLL = Duration.ofMillis(100);
  private static final Duration ANNOUNCE = Duration.ofSeconds(30);

  private final Path file;
  private final FileChannel channel;
  private boolean closed;

  private HostLock(Path file, FileChannel channel) {
    this.file = file;
    this.channel = channel;
  }

  /**
   * Takes the lock where it is free.
   *
   * @param file made where it is missing; its folder must exist
   * @param owner one line about the owner, for others who find it taken
   * @return empty where another process or this one holds it
   * @throws IOException where the file cannot be opened or its file system knows no locks
   */
  public static Optional<HostLock> tryAcquire(Path file, String owner) throws IOException {
    Path absolute = file.toAbsolutePath().normalize();
    if (System.getProperties().putIfAbsent(PROPERTY_PREFIX + absolute, "held") != null) {
      return Optional.empty();
    }
    FileChannel channel = null;
    boolean acquired = false;
    try {
      channel = open(absolute);
      FileLock lock = channel.tryLock();
      acquired = lock != null;
    } catch (OverlappingFileLockException e) {
      acquired = false;
    } finally {
      if (!acquired) {
        if (channel != null) {
          channel.close();
        }
        System.getProperties().remove(PROPERTY_PREFIX + absolute);
      }
    }
    if (!acquired) {
      return Optional.empty();
    }
    writeOwner(absolute, owner);
    return Optional.of(new HostLock(absolute, channel));
  }

  /**
   * Waits for the lock.
   *
   * @param patience how long to wait at most
   * @param waiting told every half minute who holds it
   * @return empty where the time ran out
   * @throws InterruptedException where the thread was interrupted while it waited
   */
  public static Optional<HostLock> acquire(
      Path file, String owner, Duration patience, Consumer<String> waiting)
      throws IOException, InterruptedException {
    long start = System.nanoTime();
    long announced = start - ANNOUNCE.toNanos();
    while (true) {
      Optional<HostLock> lock = tryAcquire(file, owner);
      long now = System.nanoTime();
      if (lock.isPresent() || now - start >= patience.toNanos()) {
        return lock;
      }
      if (now - announced >= ANNOUNCE.toNanos()) {
        announced = now;
        waiting.accept(ownerOf(file));
      }
      Thread.sleep(POLL.toMillis());
    }
  }

  /** What the last owner wrote about itself; {@code an unknown process} where nothing is known. */
  public static String ownerOf(Path file) {
    try {
      String owner = Files.readString(ownerFile(file)).strip();
      return owner.isEmpty() ? "an unknown process" : owner;
    } catch (IOException e) {
      return "an unknown process";
    }
  }

  /** One line about this process: its id and when it started. */
  public static String thisProcess() {
    ProcessHandle self = ProcessHandle.current();
    return "process "
        + self.pid()
        + self.info().startInstant().map(at -> " (started " + at + ")").orElse("");
  }

  /** The locked file, absolute. */
  public Path file() {
    return file;
  }

  /** Lets the next one in; closing twice is allowed. */
  @Override
  public synchronized void close() {
    if (closed) {
      return;
    }
    closed = true;
    try {
      Files.deleteIfExists(ownerFile(file));
      channel.close();
    } catch (IOException e) {
      // The operating system releases the lock at the latest with the process.
    } finally {
      System.getProperties().remove(PROPERTY_PREFIX + file);
    }
  }

  private static FileChannel open(Path file) throws IOException {
    try {
      // Not with CREATE: in a sticky folder Linux refuses that for a file of another user.
      return FileChannel.open(file, StandardOpenOption.WRITE);
    } catch (NoSuchFileException e) {
      FileChannel created =
          FileChannel.open(file, StandardOpenOption.WRITE, StandardOpenOption.CREATE);
      shareWithOtherUsers(file);
      return created;
    }
  }

  private static void shareWithOtherUsers(Path file) throws IOException {
    try {
      Files.setPosixFilePermissions(file, PosixFilePermissions.fromString("rw-rw-rw-"));
    } catch (UnsupportedOperationException e) {
      // No such permissions here, so none in the way.
    }
  }

  private static void writeOwner(Path file, String owner) {
    try {
      // A killed owner of another user may have left a file that cannot be written over.
      Files.deleteIfExists(ownerFile(file));
      Files.writeString(ownerFile(file), owner + "\n");
    } catch (IOException e) {
      // It serves messages only.
    }
  }

  private static Path ownerFile(Path file) {
    return file.resolveSibling(file.getFileName() + ".owner");
  }
}
