package io.tracemill.bench;

import com.fasterxml.jackson.databind.JsonNode;
import com.fasterxml.jackson.databind.ObjectMapper;
import io.tracemill.engine.EngineOptions;
import io.tracemill.engine.EngineSnapshot;
import io.tracemill.engine.Feeder;
import io.tracemill.engine.ReasoningEngine;
import io.tracemill.engine.api.FinishReason;
import io.tracemill.engine.api.GenerationRequest;
import io.tracemill.engine.api.GenerationResult;
import io.tracemill.engine.api.KvPolicySettings;
import io.tracemill.engine.api.Prompt;
import io.tracemill.engine.api.SamplingParams;
import io.tracemill.engine.backend.BackendOptions.KvElement;
import java.io.IOException;
import java.nio.charset.StandardCharsets;
import java.nio.file.Files;
import java.nio.file.Path;
import java.time.Duration;
import java.util.ArrayList;
import java.util.List;
import java.util.Locale;
import java.util.Optional;
import java.util.OptionalInt;
import java.util.OptionalLong;

/**
 * The engine alone on a file of prompts: what a Spark job over the same rows is compared with.
 *
 * <pre>
 * java -cp ... io.tracemill.bench.EngineBench MODEL PROMPTS.jsonl SAMPLES SLOTS MAX_NEW_TOKENS checkpoint|dummy
 * </pre>
 *
 * <p>Greedy, RPC with P=512 R=128 c=4, rows in file order. Prints one line: rows, tokens, seconds
 * from the first submission to the last result, tokens per second, slot occupancy.
 */
public final class EngineBench {
  private EngineBench() {}

  /** Runs it; see the class comment. */
  public static void main(String[] args) throws IOException {
    if (args.length != 6) {
      System.err.println(
          "usage: EngineBench MODEL PROMPTS.jsonl SAMPLES SLOTS MAX_NEW_TOKENS checkpoint|dummy");
      System.exit(2);
    }
    KvPolicySettings policy = KvPolicySettings.rpc(512, 128, 4);
    List<GenerationRequest> requests =
        requests(Path.of(args[1]), number(args[2]), number(args[4]), policy);
    EngineOptions options =
        options(Path.of(args[0]), number(args[3]), policy.windowTokens(), args[5]);
    try (ReasoningEngine engine = ReasoningEngine.open(options)) {
      long start = System.nanoTime();
      long tokens = run(engine, requests);
      double seconds = (System.nanoTime() - start) / 1e9;
      EngineSnapshot snapshot = engine.snapshot();
      System.out.printf(
          Locale.ROOT,
          "%d rows, %,d tokens, %.2f s, %,.0f tokens/s, occupancy %.0f %%%n",
          requests.size(),
          tokens,
          seconds,
          tokens / seconds,
          100.0 * snapshot.laneSteps() / ((double) snapshot.steps() * snapshot.slots()));
    }
  }

  /** Submission and collection alternate, as a Spark task does it. */
  private static long run(ReasoningEngine engine, List<GenerationRequest> requests) {
    long tokens = 0;
    int submitted = 0;
    int ahead = 4 * engine.snapshot().slots();
    try (Feeder feeder = engine.feeder()) {
      while (submitted < requests.size() || feeder.outstanding() > 0) {
        while (submitted < requests.size() && feeder.outstanding() < ahead) {
          feeder.submit(requests.get(submitted++));
        }
        Optional<GenerationResult> result = feeder.poll(Duration.ofMinutes(10));
        if (result.isEmpty() || result.get().finishReason() == FinishReason.ERROR) {
          throw new IllegalStateException("no tokens: " + result);
        }
        tokens += result.get().tokens().generated();
      }
    }
    return tokens;
  }

  private static List<GenerationRequest> requests(
      Path prompts, int samples, int maxNewTokens, KvPolicySettings policy) throws IOException {
    ObjectMapper json = new ObjectMapper();
    SamplingParams sampling = SamplingParams.greedy(maxNewTokens);
    List<GenerationRequest> requests = new ArrayList<>();
    for (String line : Files.readAllLines(prompts, StandardCharsets.UTF_8)) {
      JsonNode row = json.readTree(line);
      for (int sample = 0; sample < samples; sample++) {
        requests.add(
            new GenerationRequest(
                row.get("id").asText(),
                sample,
                new Prompt.Text(row.get("prompt").asText()),
                sampling,
                policy));
      }
    }
    return requests;
  }

  private static EngineOptions options(Path model, int slots, int ringDepth, String weights) {
    return new EngineOptions(
        model,
        "auto",
        EngineOptions.Weights.valueOf(weights.toUpperCase(Locale.ROOT)),
        slots,
        OptionalLong.empty(),
        0.9,
        KvElement.BACKEND_DEFAULT,
        512,
        OptionalInt.empty(),
        ringDepth,
        EngineOptions.Admission.LOOKAHEAD,
        EngineOptions.UserSpecialTokens.PLAIN_TEXT,
        OptionalInt.empty(),
        OptionalInt.empty());
  }

  private static int number(String text) {
    return Integer.parseInt(text);
  }
}
