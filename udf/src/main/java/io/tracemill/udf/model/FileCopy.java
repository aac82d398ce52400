package io.tracemill.udf.model;

import java.io.IOException;
import java.io.InputStream;
import java.nio.ByteBuffer;
import java.nio.channels.FileChannel;
import java.nio.file.Path;
import java.nio.file.StandardOpenOption;
import java.util.Locale;
import java.util.Optional;
import java.util.function.BooleanSupplier;
import java.util.zip.CRC32;
import java.util.zip.CRC32C;
import java.util.zip.Checksum;

/**
 * Copies one file of a model to this host: counted, checked against what its file system says of it
 * and forced to the disk.
 */
final class FileCopy {
  private static final int BUFFER_BYTES = 1 << 20;

  private FileCopy() {}

  /**
   * Copies.
   *
   * @param stopped asked between buffers; where it turns true the copy ends with an exception
   * @throws io.tracemill.engine.error.ReasoningException where the file cannot be read or written,
   *     or is not what was announced
   */
  static void copy(RemoteModel model, ModelFile file, Path target, BooleanSupplier stopped) {
    Optional<Checksum> checksum = file.checksum().flatMap(sum -> checksum(sum.algorithm()));
    long copied = 0;
    byte[] buffer = new byte[BUFFER_BYTES];
    try (InputStream in = open(model, file);
        FileChannel out =
            FileChannel.open(target, StandardOpenOption.CREATE_NEW, StandardOpenOption.WRITE)) {
      for (int read = read(model, file, in, buffer);
          read >= 0;
          read = read(model, file, in, buffer)) {
        if (stopped.getAsBoolean() || Thread.currentThread().isInterrupted()) {
          throw ModelErrors.interrupted(model.uri());
        }
        if (checksum.isPresent()) {
          checksum.get().update(buffer, 0, read);
        }
        ByteBuffer bytes = ByteBuffer.wrap(buffer, 0, read);
        while (bytes.hasRemaining()) {
          out.write(bytes);
        }
        copied += read;
      }
      out.force(true);
    } catch (IOException e) {
      throw DiskSpace.isExhausted(target, e)
          ? ModelErrors.diskFull(
              model.uri(), file.sizeBytes(), target.getParent(), DiskSpace.free(target.getParent()))
          : ModelErrors.unusableCache(target.getParent(), e);
    }
    if (copied != file.sizeBytes()) {
      throw ModelErrors.damaged(
          model.uri(), file.name(), "%d bytes of %d came".formatted(copied, file.sizeBytes()));
    }
    if (checksum.isPresent() && !hex(checksum.get()).equals(file.checksum().get().hex())) {
      throw ModelErrors.damaged(
          model.uri(),
          file.name(),
          "its checksum %s is %s instead of %s"
              .formatted(
                  file.checksum().get().algorithm(),
                  hex(checksum.get()),
                  file.checksum().get().hex()));
    }
  }

  // Faults of the source and of the target need different advice, so they are told apart here.
  private static InputStream open(RemoteModel model, ModelFile file) {
    try {
      return model.open(file);
    } catch (IOException e) {
      throw ModelErrors.unreadable(model.uri() + "/" + file.name(), e);
    }
  }

  private static int read(RemoteModel model, ModelFile file, InputStream in, byte[] buffer) {
    try {
      return in.read(buffer);
    } catch (IOException e) {
      throw ModelErrors.unreadable(model.uri() + "/" + file.name(), e);
    }
  }

  /** The algorithms that can be computed from content alone; others only identify a file. */
  private static Optional<Checksum> checksum(String algorithm) {
    return switch (algorithm) {
      case "COMPOSITE-CRC32C" -> Optional.of(new CRC32C());
      case "COMPOSITE-CRC32" -> Optional.of(new CRC32());
      default -> Optional.empty();
    };
  }

  private static String hex(Checksum checksum) {
    return String.format(Locale.ROOT, "%08x", checksum.getValue());
  }
}
