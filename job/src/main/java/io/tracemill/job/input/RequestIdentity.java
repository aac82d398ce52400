package io.tracemill.job.input;

import io.tracemill.udf.GenerationSettings;
import java.nio.charset.StandardCharsets;
import java.security.MessageDigest;
import java.security.NoSuchAlgorithmException;
import java.util.HexFormat;
import java.util.Map;
import java.util.Optional;
import java.util.SortedMap;
import java.util.TreeMap;

/**
 * What a row asks for, in a form that can be compared with what it asked for in an earlier run.
 *
 * @param hash of the prompt's text and of all settings that decide its tokens; hexadecimal
 * @param samples results that the row is due
 */
public record RequestIdentity(String hash, int samples) {
  private static final int HASH_CHARACTERS = 32;

  /**
   * Names and values of what decides tokens, as the command line calls them. The number of samples
   * is not among them: more samples leave those that are there as they are.
   */
  public static SortedMap<String, String> settings(GenerationSettings generation) {
    SortedMap<String, String> settings = new TreeMap<>();
    settings.put("temperature", Float.toString(generation.temperature()));
    settings.put("top-k", Integer.toString(generation.topK()));
    settings.put("top-p", Float.toString(generation.topP()));
    settings.put("min-p", Float.toString(generation.minP()));
    settings.put("repetition-penalty", Float.toString(generation.repetitionPenalty()));
    settings.put("max-new-tokens", Integer.toString(generation.maxNewTokens()));
    settings.put("stop", String.join(", ", generation.stopStrings()));
    settings.put("seed", Long.toString(generation.seed()));
    settings.put("kv-policy", KvPolicyText.of(generation.kvPolicy()));
    return settings;
  }

  /**
   * Sums up a row.
   *
   * @param prompt its text; empty where it has none
   * @param problem why it cannot run; empty where it can
   * @param generation how it is generated, its own settings included
   */
  static RequestIdentity of(
      Optional<String> prompt, String problem, GenerationSettings generation) {
    MessageDigest digest = sha256();
    add(digest, prompt.map(text -> "prompt " + text).orElse("no prompt"));
    add(digest, problem);
    for (Map.Entry<String, String> setting : settings(generation).entrySet()) {
      add(digest, setting.getKey());
      add(digest, setting.getValue());
    }
    // The stop strings once more: joined by commas, two lists can look the same.
    generation.stopStrings().forEach(stop -> add(digest, stop));
    return new RequestIdentity(
        HexFormat.of().formatHex(digest.digest()).substring(0, HASH_CHARACTERS),
        generation.samples());
  }

  private static void add(MessageDigest digest, String text) {
    byte[] bytes = text.getBytes(StandardCharsets.UTF_8);
    digest.update((bytes.length + ":").getBytes(StandardCharsets.US_ASCII));
    digest.update(bytes);
  }

  private static MessageDigest sha256() {
    try {
      return MessageDigest.getInstance("SHA-256");
    } catch (NoSuchAlgorithmException e) {
      throw new IllegalStateException("every JVM has SHA-256", e);
    }
  }
}
