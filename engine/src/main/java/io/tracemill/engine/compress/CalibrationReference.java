package io.tracemill.engine.compress;

import java.io.IOException;
import java.net.URI;
import java.nio.file.AccessDeniedException;
import java.nio.file.Files;
import java.nio.file.NoSuchFileException;
import java.nio.file.Path;
import java.security.MessageDigest;
import java.security.NoSuchAlgorithmException;
import java.util.HexFormat;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import java.util.Optional;
import java.util.ServiceLoader;
import java.util.regex.Matcher;
import java.util.regex.Pattern;

/**
 * A calibration by the name of its file and what the file holds: {@code FILE#0123456789abcdef}, the
 * beginning of the content's SHA-256. A user names the file alone; the settings in force of a
 * policy name both, so that every process that reads the file later has the one that the user had.
 *
 * @param file an absolute local path, or a name that a {@link CalibrationSource} reads
 * @param contentHash 16 hexadecimal digits
 * @param calibration what it holds
 */
record CalibrationReference(String file, String contentHash, QueryCalibration calibration) {
  private static final Pattern FORM = Pattern.compile("(.+)#([0-9a-f]{16})");
  private static final Pattern SCHEME = Pattern.compile("[A-Za-z][A-Za-z0-9+.-]+:.*");

  /**
   * Calibrations by their full form, which fixes the content, so that nothing in here grows old:
   * the feeders of an executor share one, and rows with policies of their own do not read it each.
   */
  private static final Map<String, CalibrationReference> NEWEST =
      new LinkedHashMap<>(8, 0.75f, true) {
        private static final long serialVersionUID = 1;
        private static final int MOST = 4;

        @Override
        protected boolean removeEldestEntry(Map.Entry<String, CalibrationReference> eldest) {
          return size() > MOST;
        }
      };

  /**
   * Reads a calibration.
   *
   * @param given a file, or the full form
   * @throws io.tracemill.engine.error.ReasoningException with code {@code INVALID_ARGUMENT} where
   *     it cannot be read, or holds something else than the full form says
   */
  static CalibrationReference read(String given) {
    synchronized (NEWEST) {
      CalibrationReference known = NEWEST.get(given);
      if (known != null) {
        return known;
      }
    }
    Matcher full = FORM.matcher(given);
    Optional<String> wanted = full.matches() ? Optional.of(full.group(2)) : Optional.empty();
    String file = wanted.isPresent() ? full.group(1) : given;
    byte[] content = content(file);
    String hash = hash(content);
    if (wanted.isPresent() && !wanted.get().equals(hash)) {
      throw PolicyErrors.unreadableCalibration(
          file, "it holds something else than when it was named first; start again with it");
    }
    CalibrationReference reference =
        new CalibrationReference(absolute(file), hash, CalibrationFile.read(file, content));
    synchronized (NEWEST) {
      NEWEST.put(reference.toString(), reference);
    }
    return reference;
  }

  private static byte[] content(String file) {
    try {
      Optional<CalibrationSource> source = source(file);
      if (source.isPresent()) {
        return source.get().read(file);
      }
      if (isUri(file)) {
        throw new IOException("nothing here reads " + file.substring(0, file.indexOf(':') + 1));
      }
      if (Files.size(local(file)) > CalibrationFile.MAX_BYTES) {
        throw new IOException("it is larger than any calibration");
      }
      return Files.readAllBytes(local(file));
    } catch (NoSuchFileException e) {
      throw PolicyErrors.unreadableCalibration(file, "there is no such file");
    } catch (AccessDeniedException e) {
      throw PolicyErrors.unreadableCalibration(file, "it may not be read");
    } catch (IOException e) {
      throw PolicyErrors.unreadableCalibration(file, "reading it failed, " + e.getMessage());
    }
  }

  /** Jars that Spark adds to a running JVM are seen by the thread's class loader only. */
  private static Optional<CalibrationSource> source(String file) {
    for (ServiceLoader<CalibrationSource> loader :
        List.of(
            ServiceLoader.load(CalibrationSource.class),
            ServiceLoader.load(
                CalibrationSource.class, CalibrationReference.class.getClassLoader()))) {
      for (CalibrationSource source : loader) {
        if (source.reads(file)) {
          return Optional.of(source);
        }
      }
    }
    return Optional.empty();
  }

  private static boolean isUri(String file) {
    return SCHEME.matcher(file).matches() && !file.startsWith("file:");
  }

  private static Path local(String file) {
    return file.startsWith("file:") ? Path.of(URI.create(file).getPath()) : Path.of(file);
  }

  private static String absolute(String file) {
    return isUri(file) ? file : local(file).toAbsolutePath().normalize().toString();
  }

  private static String hash(byte[] content) {
    try {
      byte[] digest = MessageDigest.getInstance("SHA-256").digest(content);
      return HexFormat.of().formatHex(digest, 0, Long.BYTES);
    } catch (NoSuchAlgorithmException e) {
      throw new IllegalStateException("every Java runtime has SHA-256", e);
    }
  }

  @Override
  public String toString() {
    return file + "#" + contentHash;
  }
}
