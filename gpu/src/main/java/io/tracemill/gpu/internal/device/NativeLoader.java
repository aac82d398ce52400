package io.tracemill.gpu.internal.device;

import java.io.IOException;
import java.io.InputStream;
import java.nio.file.Files;
import java.nio.file.Path;
import java.nio.file.StandardCopyOption;
import java.nio.file.attribute.PosixFilePermissions;
import java.security.MessageDigest;
import java.security.NoSuchAlgorithmException;
import java.util.ArrayList;
import java.util.HexFormat;
import java.util.List;
import java.util.Locale;

/**
 * Puts JCuda's native library where JCuda will find it. JCuda itself unpacks to a fixed name in the
 * temporary folder and takes any file of that name for complete, so two processes that start
 * together can load half a library. Here the library goes to a private folder named after its hash,
 * by an atomic rename, and JCuda is pointed to that folder while its class initialises.
 */
public final class NativeLoader {
  /** System property: a folder for the unpacked library that allows execution. */
  public static final String FOLDER_PROPERTY = "tracemill.native.dir";

  private static final String TEMPORARY_FOLDER = "java.io.tmpdir";
  private static final int HASH_DIGITS = 16;

  private final List<Path> baseFolders;

  /** Looks in the property's folder, else in the temporary folder, then in the user's cache. */
  public NativeLoader() {
    this(defaultFolders());
  }

  NativeLoader(List<Path> baseFolders) {
    this.baseFolders = List.copyOf(baseFolders);
  }

  /**
   * Unpacks and maps the library of the driver binding and initialises the binding.
   *
   * @throws DriverUnavailableException with one sentence for the user
   */
  public void load() {
    requireSupportedPlatform(System.getProperty("os.name"), System.getProperty("os.arch"));
    Path library = loadFirstThatMaps("/lib/libJCudaDriver-12.6.0-linux-x86_64.so");
    initialiseFrom(library.getParent(), "jcuda.driver.JCudaDriver");
  }

  static void requireSupportedPlatform(String os, String architecture) {
    String lower = os.toLowerCase(Locale.ROOT);
    if (!lower.contains("linux") || !architecture.matches("amd64|x86_64")) {
      throw new DriverUnavailableException(
          "the CUDA backend runs on 64-bit x86 Linux only, this is %s on %s"
              .formatted(os, architecture));
    }
  }

  private Path loadFirstThatMaps(String resource) {
    List<String> refusals = new ArrayList<>();
    for (Path base : baseFolders) {
      Path library;
      try {
        library = unpack(resource, base);
      } catch (IOException e) {
        refusals.add(base + ": " + e);
        continue;
      }
      try {
        System.load(library.toString());
        return library;
      } catch (UnsatisfiedLinkError e) {
        String message = String.valueOf(e.getMessage());
        if (message.contains("libcuda.so")) {
          throw new DriverUnavailableException(
              "no NVIDIA driver was found on this machine (libcuda.so.1 is missing)", e);
        }
        refusals.add(base + ": " + message);
      }
    }
    throw new DriverUnavailableException(
        "JCuda's native library could not be loaded from any folder (a temporary folder mounted"
            + " noexec?); set -D%s to a folder that allows execution; tried %s"
                .formatted(FOLDER_PROPERTY, String.join("; ", refusals)));
  }

  /**
   * Copies a resource into a folder of its own below {@code base}; leaves an existing copy with the
   * right content alone.
   */
  static Path unpack(String resource, Path base) throws IOException {
    byte[] content;
    try (InputStream in = jcuda.Pointer.class.getResourceAsStream(resource)) {
      if (in == null) {
        throw new IOException(resource + " is not on the class path");
      }
      content = in.readAllBytes();
    }
    Path folder =
        base.resolve(
            "tracemill-%s-%s"
                .formatted(
                    System.getProperty("user.name"), sha256(content).substring(0, HASH_DIGITS)));
    createPrivateFolder(folder);
    Path target = folder.resolve(resource.substring(resource.lastIndexOf('/') + 1));
    if (Files.exists(target) && sha256(Files.readAllBytes(target)).equals(sha256(content))) {
      return target;
    }
    Path partial = Files.createTempFile(folder, "unpacking", ".tmp");
    try {
      Files.write(partial, content);
      Files.setPosixFilePermissions(partial, PosixFilePermissions.fromString("rwx------"));
      Files.move(partial, target, StandardCopyOption.ATOMIC_MOVE);
    } finally {
      Files.deleteIfExists(partial);
    }
    return target;
  }

  /** A folder that nobody else can write; another user's folder of that name is refused. */
  private static void createPrivateFolder(Path folder) throws IOException {
    Files.createDirectories(folder.getParent());
    if (!Files.isDirectory(folder)) {
      try {
        Files.createDirectory(
            folder,
            PosixFilePermissions.asFileAttribute(PosixFilePermissions.fromString("rwx------")));
      } catch (java.nio.file.FileAlreadyExistsException e) {
        // Another process of this user made it a moment ago.
      }
    }
    String owner = Files.getOwner(folder).getName();
    if (!owner.equals(System.getProperty("user.name"))) {
      throw new IOException("the folder " + folder + " belongs to " + owner);
    }
  }

  /**
   * Initialises a JCuda class while the temporary folder is {@code folder}: JCuda looks there for a
   * file of its library's name and loads it as it is.
   */
  private static synchronized void initialiseFrom(Path folder, String className) {
    String before = System.getProperty(TEMPORARY_FOLDER);
    System.setProperty(TEMPORARY_FOLDER, folder.toString());
    try {
      Class.forName(className, true, NativeLoader.class.getClassLoader());
    } catch (ClassNotFoundException | LinkageError e) {
      throw new DriverUnavailableException("JCuda could not be initialised: " + e, e);
    } finally {
      System.setProperty(TEMPORARY_FOLDER, before);
    }
  }

  private static List<Path> defaultFolders() {
    String chosen = System.getProperty(FOLDER_PROPERTY);
    if (chosen != null) {
      return List.of(Path.of(chosen));
    }
    return List.of(
        Path.of(System.getProperty(TEMPORARY_FOLDER)),
        Path.of(System.getProperty("user.home"), ".cache", "tracemill"));
  }

  private static String sha256(byte[] content) {
    try {
      return HexFormat.of().formatHex(MessageDigest.getInstance("SHA-256").digest(content));
    } catch (NoSuchAlgorithmException e) {
      throw new AssertionError("every Java runtime has SHA-256", e);
    }
  }
}
