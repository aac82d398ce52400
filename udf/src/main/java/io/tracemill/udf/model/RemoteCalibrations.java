package io.tracemill.udf.model;

import io.tracemill.engine.compress.CalibrationFile;
import io.tracemill.engine.compress.CalibrationSource;
import io.tracemill.udf.host.FileFaults;
import java.io.FileNotFoundException;
import java.io.IOException;
import java.io.InputStream;
import java.nio.file.AccessDeniedException;
import java.nio.file.NoSuchFileException;
import org.apache.hadoop.fs.FileStatus;
import org.apache.hadoop.fs.FileSystem;
import org.apache.hadoop.fs.Path;
import org.apache.hadoop.fs.UnsupportedFileSystemException;
import org.apache.hadoop.security.AccessControlException;

/**
 * Reads query calibrations from every file system that Hadoop knows, with the settings that models
 * are read with. A calibration is a few megabytes and is read once by a process, so no copy is
 * kept.
 */
public final class RemoteCalibrations implements CalibrationSource {
  /** Does nothing; for the service loader. */
  public RemoteCalibrations() {}

  @Override
  public boolean reads(String name) {
    return ModelReference.isRemote(name);
  }

  @Override
  public byte[] read(String name) throws IOException {
    Path path = new Path(name);
    // An instance of its own: a cached one would keep the settings of whoever asked first.
    try (FileSystem files = FileSystem.newInstance(path.toUri(), HadoopSettings.current())) {
      FileStatus status = files.getFileStatus(path);
      if (status.isDirectory()) {
        throw new IOException("it is a folder");
      }
      if (status.getLen() > CalibrationFile.MAX_BYTES) {
        throw new IOException("its %,d bytes are no calibration".formatted(status.getLen()));
      }
      try (InputStream in = files.open(path)) {
        return in.readAllBytes();
      }
    } catch (FileNotFoundException e) {
      throw new NoSuchFileException(name);
    } catch (AccessControlException e) {
      throw new AccessDeniedException(name);
    } catch (UnsupportedFileSystemException e) {
      throw new IOException("Spark knows no file system " + scheme(name) + ", add its jar", e);
    } catch (IOException e) {
      throw new IOException(FileFaults.reason(e), e);
    } catch (RuntimeException e) { // Missing classes and unknown hosts come as such.
      throw new IOException(FileFaults.reason(new IOException(e.getMessage(), e)), e);
    }
  }

  private static String scheme(String name) {
    return name.substring(0, name.indexOf(':') + 1);
  }
}
