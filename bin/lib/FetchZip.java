import java.io.IOException;
import java.io.InputStream;
import java.net.URI;
import java.net.URL;
import java.nio.file.Files;
import java.nio.file.Path;
import java.nio.file.StandardCopyOption;
import java.security.MessageDigest;
import java.util.HexFormat;
import java.util.zip.ZipEntry;
import java.util.zip.ZipInputStream;

/**
 * Fetches a zip file, checks its SHA-512 and unpacks it: {@code java FetchZip.java URL SHA512
 * FOLDER}. A JDK is all it needs, so that neither curl nor unzip must be there.
 */
final class FetchZip {
  private FetchZip() {}

  public static void main(String[] args) throws Exception {
    URL url = URI.create(args[0]).toURL();
    Path folder = Files.createDirectories(Path.of(args[2]));
    Path zip = Files.createTempFile(folder, "fetched", ".zip");
    try {
      try (InputStream in = url.openStream()) {
        Files.copy(in, zip, StandardCopyOption.REPLACE_EXISTING);
      }
      MessageDigest digest = MessageDigest.getInstance("SHA-512");
      String found = HexFormat.of().formatHex(digest.digest(Files.readAllBytes(zip)));
      if (!found.equals(args[1])) {
        throw new IOException("its SHA-512 is " + found + " and should be " + args[1]);
      }
      unpack(zip, folder);
    } catch (IOException e) {
      System.err.println(url + " could not be fetched: " + e.getMessage());
      System.exit(1);
    } finally {
      Files.deleteIfExists(zip);
    }
  }

  /** Into a folder beside the target first, so that a broken attempt leaves nothing half done. */
  private static void unpack(Path zip, Path folder) throws IOException {
    Path staging = Files.createTempDirectory(folder, "unpacking");
    String root = null;
    try (ZipInputStream in = new ZipInputStream(Files.newInputStream(zip))) {
      for (ZipEntry entry = in.getNextEntry(); entry != null; entry = in.getNextEntry()) {
        Path target = staging.resolve(entry.getName()).normalize();
        if (!target.startsWith(staging)) {
          throw new IOException("it holds the path " + entry.getName());
        }
        root = staging.relativize(target).getName(0).toString();
        if (entry.isDirectory()) {
          Files.createDirectories(target);
        } else {
          Files.createDirectories(target.getParent());
          Files.copy(in, target);
        }
      }
    }
    if (root != null && !Files.exists(folder.resolve(root))) {
      Files.move(staging.resolve(root), folder.resolve(root));
    }
    Files.deleteIfExists(staging);
  }
}
