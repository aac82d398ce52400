package io.tracemill.engine.text;

import ai.djl.engine.EngineException;
import ai.djl.huggingface.tokenizers.HuggingFaceTokenizer;
import ai.djl.util.Utils;
import java.io.ByteArrayInputStream;
import java.io.IOException;
import java.io.UncheckedIOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.Map;
import java.util.Optional;
import org.slf4j.Logger;
import org.slf4j.LoggerFactory;

/**
 * Loads DJL's native tokenizers so that they never call out: offline, the CPU flavour, a cache
 * folder of our own.
 *
 * <p>The library reads its settings from system properties when its first class loads, so they are
 * set here, before. Properties that are already set are kept.
 */
final class NativeTokenizers {
  /** System property that names the folder for the unpacked native library. */
  static final String CACHE_PROPERTY = "tracemill.native.cache";

  private static final Logger LOGGER = LoggerFactory.getLogger(NativeTokenizers.class);

  /**
   * Without these the library cuts at 512 tokens in silence. Special tokens are added by the chat
   * template.
   */
  private static final Map<String, String> OPTIONS =
      Map.of("truncation", "false", "padding", "false", "addSpecialTokens", "false");

  private static boolean prepared;

  private NativeTokenizers() {}

  /**
   * Makes a native tokenizer from the text of a {@code tokenizer.json}.
   *
   * @param origin the file to name in errors
   */
  static HuggingFaceTokenizer create(byte[] json, Path origin) {
    prepare();
    try {
      return HuggingFaceTokenizer.newInstance(new ByteArrayInputStream(json), OPTIONS);
    } catch (IOException e) {
      throw new UncheckedIOException(e);
    } catch (LinkageError | EngineException e) {
      throw TextErrors.nativeLibrary(advice(e), e);
    } catch (RuntimeException e) {
      throw TextErrors.unsupportedTokenizer(origin, e);
    }
  }

  private static synchronized void prepare() {
    if (prepared) {
      return;
    }
    setIfMissing("ai.djl.offline", "true");
    setIfMissing("RUST_FLAVOR", "cpu");
    if (System.getenv("DJL_CACHE_DIR") == null && System.getenv("ENGINE_CACHE_DIR") == null) {
      setIfMissing(
          "DJL_CACHE_DIR",
          cacheFolder(System.getProperty(CACHE_PROPERTY), defaultCache()).toString());
    }
    if (!Utils.isOfflineMode()) {
      throw TextErrors.onlineMode(
          System.getenv("DJL_OFFLINE") != null ? "DJL_OFFLINE" : "ai.djl.offline");
    }
    prepared = true;
  }

  private static void setIfMissing(String key, String value) {
    if (System.getProperty(key) == null) {
      System.setProperty(key, value);
    }
  }

  private static Path defaultCache() {
    String home = Optional.ofNullable(System.getenv("XDG_CACHE_HOME")).orElse("");
    Path base = home.isBlank() ? Path.of(System.getProperty("user.home"), ".cache") : Path.of(home);
    return base.resolve("tracemill").resolve("native");
  }

  /**
   * The configured folder, else the default one; a folder in the temporary directory where neither
   * can be written.
   */
  static Path cacheFolder(String configured, Path standard) {
    Path wanted = configured == null || configured.isBlank() ? standard : Path.of(configured);
    try {
      Files.createDirectories(wanted);
      if (Files.isWritable(wanted)) {
        return wanted;
      }
    } catch (IOException e) {
      LOGGER.debug("{} cannot be created", wanted, e);
    }
    // A fresh folder that only this user can write: a fixed name in a shared folder could be
    // planted by another user.
    try {
      Path fallback = Files.createTempDirectory("tracemill-native-");
      LOGGER.info("{} is not writable; the native tokenizer library goes to {}", wanted, fallback);
      return fallback;
    } catch (IOException e) {
      throw TextErrors.noCacheFolder(wanted, e);
    }
  }

  /** What to do about a native library that does not load. */
  static String advice(Throwable failure) {
    String message = String.valueOf(failure.getMessage());
    if (message.contains("GLIBC_")) {
      return "it needs glibc 2.34 or later (Debian 12, Ubuntu 22.04, RHEL 9 or newer)";
    }
    if (message.contains("musl") || message.contains("ld-linux")) {
      return "it needs a Linux with glibc 2.34 or later; Alpine and other musl systems are not supported";
    }
    if (message.contains("Permission denied") || message.contains("not permitted")) {
      return "name a writable folder that allows executables with -D" + CACHE_PROPERTY + "=FOLDER";
    }
    return "it runs on Linux (x86_64, aarch64), macOS (aarch64) and Windows (x86_64); -D"
        + CACHE_PROPERTY
        + "=FOLDER moves the folder that it is unpacked to";
  }
}
