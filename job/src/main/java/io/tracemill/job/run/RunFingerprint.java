package io.tracemill.job.run;

import io.tracemill.udf.EngineSettings;
import io.tracemill.udf.GenerationSettings;
import java.nio.charset.StandardCharsets;
import java.security.MessageDigest;
import java.util.HexFormat;

/**
 * Names what decides the text of a row: the model's files (weights, tokenizer, template), sampling
 * and KV policy. What only decides speed (slots, memory, threads, partitions) is left out; the KV
 * element type and the context limit are in, since they can change tokens.
 */
final class RunFingerprint {
  private static final int CHARACTERS = 24;

  private RunFingerprint() {}

  static String of(String modelHash, EngineSettings engine, GenerationSettings generation) {
    String what =
        String.join(
            "\n",
            "model " + modelHash,
            "weights " + engine.weights(),
            "kv element " + engine.kvElement(),
            "context " + engine.maxContextTokens(),
            "special tokens " + engine.userSpecialTokens(),
            "generation " + generation);
    MessageDigest digest = ModelFolder.sha256();
    return HexFormat.of()
        .formatHex(digest.digest(what.getBytes(StandardCharsets.UTF_8)))
        .substring(0, CHARACTERS);
  }
}
