package io.tracemill.engine;

import com.fasterxml.jackson.databind.JsonNode;
import com.fasterxml.jackson.databind.ObjectMapper;
import io.tracemill.engine.api.GenerationRequest;
import io.tracemill.engine.api.GenerationResult;
import io.tracemill.engine.api.KvPolicySettings;
import io.tracemill.engine.api.Prompt;
import io.tracemill.engine.api.SamplingParams;
import io.tracemill.engine.backend.BackendOptions.KvElement;
import java.io.IOException;
import java.io.UncheckedIOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.time.Duration;
import java.util.ArrayList;
import java.util.List;
import java.util.Map;
import java.util.OptionalInt;
import java.util.OptionalLong;
import java.util.TreeMap;

/** The demo model of this project behind the engine's face. */
final class DemoEngine {
  private static final Duration LONG = Duration.ofMinutes(2);

  /** A prompt with its answer. */
  record Question(String id, String family, int steps, String prompt, String answer) {}

  private DemoEngine() {}

  static Path demo() {
    return Path.of(System.getProperty("basedir", "."), "..", "demo").normalize();
  }

  static EngineOptions options(int slots, int threads) {
    return options(demo().resolve("model"), "cpu", slots, threads);
  }

  static EngineOptions options(Path model, String backend, int slots, int threads) {
    return options(model, backend, slots, threads, KvElement.BACKEND_DEFAULT);
  }

  static EngineOptions options(
      Path model, String backend, int slots, int threads, KvElement element) {
    return new EngineOptions(
        model,
        backend,
        EngineOptions.Weights.CHECKPOINT,
        slots,
        OptionalLong.of(500_000_000L),
        0.5,
        element,
        64,
        OptionalInt.empty(),
        32,
        EngineOptions.Admission.LOOKAHEAD,
        EngineOptions.UserSpecialTokens.PLAIN_TEXT,
        OptionalInt.of(threads),
        OptionalInt.empty());
  }

  static List<Question> questions() {
    ObjectMapper mapper = new ObjectMapper();
    List<Question> questions = new ArrayList<>();
    try {
      for (String line : Files.readAllLines(demo().resolve("prompts.jsonl"))) {
        JsonNode row = mapper.readTree(line);
        questions.add(
            new Question(
                row.get("id").asText(),
                row.get("family").asText(),
                row.get("steps").asInt(),
                row.get("prompt").asText(),
                row.get("answer").asText()));
      }
    } catch (IOException e) {
      throw new UncheckedIOException(e);
    }
    return questions;
  }

  static GenerationRequest request(
      Question question, SamplingParams sampling, KvPolicySettings policy) {
    return new GenerationRequest(
        question.id(), 0, new Prompt.Text(question.prompt()), sampling, policy);
  }

  /** Submits everything to one feeder and returns the results by row key. */
  static Map<String, GenerationResult> run(
      ReasoningEngine engine, List<GenerationRequest> requests) {
    Map<String, GenerationResult> results = new TreeMap<>();
    try (Feeder feeder = engine.feeder()) {
      for (GenerationRequest request : requests) {
        feeder.submit(request);
        feeder.poll(Duration.ZERO).ifPresent(result -> results.put(result.rowKey(), result));
      }
      while (feeder.outstanding() > 0) {
        GenerationResult result = feeder.poll(LONG).orElseThrow();
        results.put(result.rowKey(), result);
      }
    }
    return results;
  }
}
