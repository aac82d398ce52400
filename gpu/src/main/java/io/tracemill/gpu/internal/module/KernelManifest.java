package io.tracemill.gpu.internal.module;

import java.io.IOException;
import java.io.InputStream;
import java.io.UncheckedIOException;
import java.nio.charset.StandardCharsets;
import java.util.List;
import java.util.Map;
import java.util.Properties;
import java.util.Set;
import java.util.TreeMap;
import java.util.TreeSet;
import java.util.regex.Matcher;
import java.util.regex.Pattern;

/**
 * What the kernels in the jar were built from.
 *
 * @param compiler the compiler and its version
 * @param ptxVersion ISA version of the PTX, which sets the oldest driver
 * @param modules names of the kernel files, without suffix
 * @param sourceHashes SHA-256 of every source file by its name
 */
public record KernelManifest(
    String compiler, String ptxVersion, List<String> modules, Map<String, String> sourceHashes) {
  private static final String FOLDER = "/io/tracemill/gpu/kernels/";
  private static final Pattern ENTRY = Pattern.compile("\\.entry\\s+(\\w+)");
  private static final String SOURCE_PREFIX = "source.";

  public KernelManifest {
    modules = List.copyOf(modules);
    sourceHashes = new TreeMap<>(sourceHashes);
  }

  /** Reads the manifest of this jar. */
  public static KernelManifest load() {
    Properties properties = new Properties();
    try (InputStream in = open("manifest.properties")) {
      properties.load(in);
    } catch (IOException e) {
      throw new UncheckedIOException("the kernel manifest of this jar is unreadable", e);
    }
    Map<String, String> hashes = new TreeMap<>();
    for (String key : properties.stringPropertyNames()) {
      if (key.startsWith(SOURCE_PREFIX)) {
        hashes.put(key.substring(SOURCE_PREFIX.length()), properties.getProperty(key));
      }
    }
    return new KernelManifest(
        properties.getProperty("compiler"),
        properties.getProperty("ptxVersion"),
        List.of(properties.getProperty("modules").split(",")),
        hashes);
  }

  /** Machine code of a module for all architectures of this build. */
  public static byte[] machineCode(String module) {
    return read(module + ".fatbin");
  }

  /** PTX of a module, zero-terminated as the driver wants it. */
  public static byte[] ptx(String module) {
    byte[] text = read(module + ".ptx");
    return java.util.Arrays.copyOf(text, text.length + 1);
  }

  /** Names of the kernels in a module's PTX. */
  static Set<String> kernelsOfPtx(String module) {
    Set<String> names = new TreeSet<>();
    Matcher entries = ENTRY.matcher(new String(read(module + ".ptx"), StandardCharsets.US_ASCII));
    while (entries.find()) {
      names.add(entries.group(1));
    }
    return names;
  }

  private static byte[] read(String name) {
    try (InputStream in = open(name)) {
      return in.readAllBytes();
    } catch (IOException e) {
      throw new UncheckedIOException("the kernel file " + name + " of this jar is unreadable", e);
    }
  }

  private static InputStream open(String name) throws IOException {
    InputStream in = KernelManifest.class.getResourceAsStream(FOLDER + name);
    if (in == null) {
      throw new IOException("the jar has no " + FOLDER + name);
    }
    return in;
  }
}
