package io.tracemill.job.run;

import io.tracemill.job.input.RequestIdentity;
import io.tracemill.job.input.RowParameter;
import io.tracemill.udf.EngineSettings;
import io.tracemill.udf.GenerationSettings;
import java.nio.charset.StandardCharsets;
import java.security.MessageDigest;
import java.util.ArrayList;
import java.util.Collections;
import java.util.HexFormat;
import java.util.List;
import java.util.Map;
import java.util.TreeMap;
import java.util.TreeSet;

/**
 * What decides the text of a row: the model's files (weights, tokenizer, template), sampling and KV
 * policy. What only decides speed (slots, memory, threads, partitions) is left out, and so is the
 * number of samples; the KV element type and the context limit are in, since they can change
 * tokens.
 *
 * @param identity settings by name
 */
record RunFingerprint(Map<String, String> identity) {
  private static final int CHARACTERS = 24;
  private static final int MODEL_CHARACTERS = 12;
  private static final int MOST_DIFFERENCES = 4;

  RunFingerprint {
    identity = Collections.unmodifiableMap(new TreeMap<>(identity));
  }

  static RunFingerprint of(
      String modelHash,
      EngineSettings engine,
      GenerationSettings generation,
      Map<RowParameter, String> parameterColumns) {
    Map<String, String> identity = new TreeMap<>(RequestIdentity.settings(generation));
    identity.put("model", modelHash.substring(0, Math.min(MODEL_CHARACTERS, modelHash.length())));
    identity.put("weights", label(engine.weights()));
    identity.put("kv-element", label(engine.kvElement()));
    identity.put("max-context", Integer.toString(engine.maxContextTokens()));
    identity.put("special-tokens", label(engine.userSpecialTokens()));
    Map<String, String> columns = new TreeMap<>();
    parameterColumns.forEach((parameter, column) -> columns.put(parameter.label(), column));
    identity.put("parameter-column", columns.toString());
    return new RunFingerprint(identity);
  }

  private static String label(Enum<?> value) {
    return value.name().toLowerCase(java.util.Locale.ROOT).replace('_', '-');
  }

  /** Equal for runs that would make the same traces. */
  String hash() {
    MessageDigest digest = ModelFolder.sha256();
    return HexFormat.of()
        .formatHex(digest.digest(identity.toString().getBytes(StandardCharsets.UTF_8)))
        .substring(0, CHARACTERS);
  }

  /** Which settings of another run differ, each with both values; for people. */
  String differencesFrom(Map<String, String> other) {
    if (other.isEmpty()) {
      return "which ones an older version of Tracemill did not record";
    }
    TreeSet<String> names = new TreeSet<>(identity.keySet());
    names.addAll(other.keySet());
    List<String> differences = new ArrayList<>();
    for (String name : names) {
      String here = identity.getOrDefault(name, "");
      String there = other.getOrDefault(name, "");
      if (!here.equals(there)) {
        differences.add("%s %s there, %s here".formatted(name, shown(there), shown(here)));
      }
    }
    int shown = Math.min(MOST_DIFFERENCES, differences.size());
    String more = differences.size() > shown ? "; and more" : "";
    return String.join("; ", differences.subList(0, shown)) + more;
  }

  private static String shown(String value) {
    return value.isEmpty() ? "none" : value;
  }
}
