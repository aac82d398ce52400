package io.tracemill.job.calibrate;

import io.tracemill.engine.compress.CalibrationFile;
import io.tracemill.engine.compress.QueryCalibration;
import io.tracemill.job.error.JobErrors;
import io.tracemill.job.error.TableErrors;
import io.tracemill.udf.model.HadoopSettings;
import io.tracemill.udf.model.ModelReference;
import java.io.IOException;
import java.io.OutputStream;
import java.net.URI;
import java.nio.file.Files;
import java.nio.file.Path;
import java.nio.file.StandardCopyOption;
import java.util.Objects;
import org.apache.hadoop.fs.FileSystem;

/**
 * The file of a calibration. A local one appears whole or not at all; elsewhere a part of one is
 * refused by whoever reads it.
 *
 * @param file the user's {@code --to}: local, or on any file system that Spark knows
 */
public record CalibrationTarget(String file) {
  public CalibrationTarget {
    Objects.requireNonNull(file, "file");
  }

  /**
   * Refuses a file that cannot be written, before anything is computed for it.
   *
   * @throws io.tracemill.job.error.JobException where it is a folder, or its folder is not there or
   *     cannot be asked
   */
  public void check() {
    try {
      if (isRemote()) {
        org.apache.hadoop.fs.Path path = new org.apache.hadoop.fs.Path(file);
        try (FileSystem files = open(path)) {
          if (files.exists(path) && files.getFileStatus(path).isDirectory()) {
            throw new IOException("it is a folder, give the name of a file");
          }
        }
        return;
      }
      Path path = local();
      if (Files.isDirectory(path)) {
        throw new IOException("it is a folder, give the name of a file");
      }
      if (!Files.isDirectory(folder(path))) {
        throw new IOException("there is no folder " + folder(path));
      }
      if (!Files.isWritable(folder(path))) {
        throw new IOException("nothing may be written to " + folder(path));
      }
    } catch (IOException | RuntimeException e) { // Hadoop throws both of an unknown file system.
      throw JobErrors.unusableTarget(file, e);
    }
  }

  /**
   * Writes the file; one that exists is replaced.
   *
   * @return its size in bytes
   */
  long write(QueryCalibration calibration) {
    byte[] content = CalibrationFile.write(calibration);
    try {
      if (isRemote()) {
        org.apache.hadoop.fs.Path path = new org.apache.hadoop.fs.Path(file);
        try (FileSystem files = open(path);
            OutputStream out = files.create(path, true)) {
          out.write(content);
        }
      } else {
        Path path = local();
        Path part = Files.createTempFile(folder(path), "." + path.getFileName(), ".part");
        try {
          Files.write(part, content);
          Files.move(part, path, StandardCopyOption.ATOMIC_MOVE);
        } finally {
          Files.deleteIfExists(part);
        }
      }
    } catch (IOException | RuntimeException e) {
      throw TableErrors.unwritableReport(file, e);
    }
    return content.length;
  }

  private boolean isRemote() {
    return ModelReference.isRemote(file);
  }

  private static FileSystem open(org.apache.hadoop.fs.Path path) throws IOException {
    return FileSystem.newInstance(path.toUri(), HadoopSettings.current());
  }

  private Path local() {
    Path path = file.startsWith("file:") ? Path.of(URI.create(file).getPath()) : Path.of(file);
    return path.toAbsolutePath().normalize();
  }

  private static Path folder(Path path) {
    return path.getParent() == null ? path : path.getParent();
  }
}
