package io.tracemill.engine;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import io.tracemill.engine.DemoEngine.Question;
import io.tracemill.engine.api.ChatMessage;
import io.tracemill.engine.api.FinishReason;
import io.tracemill.engine.api.GenerationRequest;
import io.tracemill.engine.api.GenerationResult;
import io.tracemill.engine.api.KvPolicySettings;
import io.tracemill.engine.api.Prompt;
import io.tracemill.engine.api.SamplingParams;
import io.tracemill.engine.backend.BackendOptions.KvElement;
import io.tracemill.engine.error.ErrorCode;
import io.tracemill.engine.error.ReasoningException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.time.Duration;
import java.util.ArrayList;
import java.util.Collections;
import java.util.List;
import java.util.Map;
import java.util.Optional;
import java.util.Random;
import java.util.stream.Collectors;
import org.junit.jupiter.api.AfterAll;
import org.junit.jupiter.api.BeforeAll;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;

/** The engine with the CPU backend and the demo model. */
final class TestReasoningEngine {
  private static final KvPolicySettings FULL = KvPolicySettings.full();
  private static final KvPolicySettings RPC = KvPolicySettings.rpc(64, 16, 4);
  private static final Duration LONG = Duration.ofMinutes(1);

  private static List<Question> questions;
  private static ReasoningEngine shared;

  @BeforeAll
  static void open() {
    // Programs take thousands of tokens.
    questions =
        DemoEngine.questions().stream()
            .filter(question -> !question.family().equals("program"))
            .toList();
    shared = ReasoningEngine.open(DemoEngine.options(8, 2));
  }

  @AfterAll
  static void close() {
    shared.close();
  }

  @Test
  void tokensDoNotDependOnSlotsThreadsOrOrder() {
    List<GenerationRequest> requests = new ArrayList<>();
    SamplingParams sampled = new SamplingParams(0.8f, 40, 0.95f, 0, 1, 100, List.of(), 7);
    for (Question question : questions.subList(0, 6)) {
      requests.add(DemoEngine.request(question, SamplingParams.greedy(100), FULL));
    }
    for (Question question : questions.subList(12, 18)) {
      requests.add(DemoEngine.request(question, sampled, RPC));
    }
    Map<String, List<Integer>> expected = tokens(DemoEngine.run(shared, requests));
    assertThat(expected).hasSize(12);
    Random random = TestSeeds.random("TestReasoningEngine");
    int[][] slotsAndThreads = {{1, 2}, {4, 1}, {32, 1}, {32, 2}};
    for (int[] setting : slotsAndThreads) {
      Collections.shuffle(requests, random);
      try (ReasoningEngine engine =
          ReasoningEngine.open(DemoEngine.options(setting[0], setting[1]))) {
        assertThat(tokens(DemoEngine.run(engine, requests)))
            .as("%d slots, %d threads", setting[0], setting[1])
            .isEqualTo(expected);
        assertThat(engine.snapshot().compressions()).isPositive();
        assertThat(engine.snapshot().usedPages()).isZero();
      }
    }
  }

  @Test
  void samplesThatShareTheirPromptSayWhatTheyWouldAlone() {
    int samples = 5;
    SamplingParams sampled = new SamplingParams(0.8f, 40, 0.95f, 0, 1, 120, List.of(), 7);
    for (KvElement element : new KvElement[] {KvElement.FLOAT32, KvElement.BF16}) {
      for (KvPolicySettings policy : List.of(FULL, RPC)) {
        Prompt prompt = new Prompt.Text("Please think about this: " + "3 + 4 * 2 - 1; ".repeat(12));
        List<GenerationRequest> requests = new ArrayList<>();
        for (int sample = 0; sample < samples; sample++) {
          requests.add(new GenerationRequest("row", sample, prompt, sampled, policy));
        }
        try (ReasoningEngine engine =
            ReasoningEngine.open(
                DemoEngine.options(DemoEngine.demo().resolve("model"), "cpu", 8, 2, element))) {
          List<GenerationResult> together = samples(engine, requests);
          EngineSnapshot after = engine.snapshot();
          int promptTokens = together.get(0).tokens().prompt();
          int shared = (promptTokens - 1) / 64 * 64;
          assertThat(shared).isPositive();
          assertThat(after.sharedPromptTokens()).isEqualTo((samples - 1L) * shared);
          assertThat(after.promptTokens())
              .isEqualTo(promptTokens + (samples - 1L) * (promptTokens - shared));
          assertThat(after.usedPages()).isZero();
          for (GenerationResult result : together) {
            GenerationResult alone =
                samples(engine, List.of(requests.get(result.sampleIndex()))).get(0);
            assertThat(result.tokenIds()).isEqualTo(alone.tokenIds());
            assertThat(result.text()).isEqualTo(alone.text());
          }
          assertThat(engine.snapshot().sharedPromptTokens())
              .as("nobody to share with")
              .isEqualTo(after.sharedPromptTokens());
          assertThat(engine.snapshot().usedPages()).isZero();
        }
      }
    }
  }

  private static List<GenerationResult> samples(
      ReasoningEngine engine, List<GenerationRequest> requests) {
    List<GenerationResult> results = new ArrayList<>();
    try (Feeder feeder = engine.feeder()) {
      requests.forEach(feeder::submit);
      while (feeder.outstanding() > 0) {
        results.add(feeder.poll(LONG).orElseThrow());
      }
    }
    return results;
  }

  @Test
  void anIntervalLongerThanTheOutputIsTheFullCache() {
    List<Question> some = questions.subList(30, 36);
    Map<String, GenerationResult> full = run(some, SamplingParams.greedy(300), FULL);
    Map<String, GenerationResult> rpc =
        run(some, SamplingParams.greedy(300), KvPolicySettings.rpc(1024, 32, 4));
    Map<String, GenerationResult> compressed = run(some, SamplingParams.greedy(300), RPC);
    full.forEach(
        (key, result) -> {
          assertThat(rpc.get(key).tokenIds()).isEqualTo(result.tokenIds());
          assertThat(rpc.get(key).text()).isEqualTo(result.text());
          assertThat(rpc.get(key).kv().compressions()).isZero();
        });
    assertThat(compressed.values()).anyMatch(result -> result.kv().compressions() > 0);
    assertThat(compressed.values()).anyMatch(result -> result.kv().savedRatio() > 0.2);
  }

  @Test
  void completeOutputsCarryTheAnswerOfTheQuestion() {
    List<Question> easy =
        questions.stream()
            .filter(question -> question.family().equals("expression") && question.steps() <= 3)
            .limit(8)
            .toList();
    Map<String, GenerationResult> results = run(easy, SamplingParams.greedy(1500), FULL);
    for (Question question : easy) {
      GenerationResult result = results.get(question.id());
      assertThat(result.finishReason()).isEqualTo(FinishReason.STOP);
      assertThat(result.text().extractedAnswer()).contains(question.answer());
      assertThat(result.text().trace()).doesNotContain("<|im_end|>").contains("</think>");
      assertThat(result.tokens().thinking() + result.tokens().answer())
          .isEqualTo(result.tokens().generated())
          .isEqualTo(result.tokenIds().size());
      assertThat(result.tokens().thinking()).isPositive();
      assertThat(result.kv().fullRows())
          .isEqualTo(result.tokens().prompt() + result.tokens().generated() - 1);
      assertThat(result.timings().decodeMillis()).isPositive();
    }
  }

  @Test
  void aTruncatedOutputNeverCarriesAnAnswer() {
    for (int budget : new int[] {1, 5, 40}) {
      run(questions.subList(0, 3), SamplingParams.greedy(budget), FULL)
          .values()
          .forEach(
              result -> {
                assertThat(result.finishReason()).isEqualTo(FinishReason.LENGTH);
                assertThat(result.text().extractedAnswer()).isEmpty();
                assertThat(result.text().trace()).isNotNull();
                assertThat(result.tokens().generated()).isEqualTo(budget);
              });
    }
    Question question = questions.get(0);
    int whole =
        run(List.of(question), SamplingParams.greedy(1500), FULL)
            .get(question.id())
            .tokens()
            .generated();
    GenerationResult cut =
        run(List.of(question), SamplingParams.greedy(whole - 1), FULL).get(question.id());
    assertThat(cut.finishReason()).isEqualTo(FinishReason.LENGTH);
    assertThat(cut.text().trace()).as("only the stop token is missing").contains("\\boxed{");
    assertThat(cut.text().extractedAnswer()).isEmpty();
  }

  @Test
  void aStopStringEndsTheOutputAndIsCutOff() {
    Question question = questions.get(0);
    SamplingParams plain = SamplingParams.greedy(1500);
    String whole = run(List.of(question), plain, FULL).get(question.id()).text().trace();
    String stop = whole.substring(whole.length() / 2, whole.length() / 2 + 5);
    SamplingParams stopped =
        new SamplingParams(0, 0, 1, 0, 1, 1500, List.of("never to be seen", stop), 0);
    GenerationResult result = run(List.of(question), stopped, FULL).get(question.id());
    assertThat(result.finishReason()).isEqualTo(FinishReason.STOP_STRING);
    assertThat(result.text().trace()).isEqualTo(whole.substring(0, whole.indexOf(stop)));
  }

  @Test
  void rowsThatCannotRunComeBackAsRowsWithErrors() {
    SamplingParams greedy = SamplingParams.greedy(20);
    KvPolicySettings wrong = KvPolicySettings.rpc(65, 16, 4);
    Map<String, GenerationResult> results =
        DemoEngine.run(
            shared,
            List.of(
                row("empty", new Prompt.Text(""), FULL, greedy),
                row("blank", new Prompt.Text(" \n\t "), FULL, greedy),
                row("surrogate", new Prompt.Text("a\uD800b"), FULL, greedy),
                row("long", new Prompt.Text("1 + ".repeat(40_000)), FULL, greedy),
                row("no turns", new Prompt.Messages(List.of()), FULL, greedy),
                row("no tokens", new Prompt.Tokens(List.of()), FULL, greedy),
                row("foreign token", new Prompt.Tokens(List.of(5, 1_000_000)), FULL, greedy),
                row("negative token", new Prompt.Tokens(List.of(-1)), FULL, greedy),
                row("policy", new Prompt.Text("1 + 1?"), wrong, greedy),
                row("window", new Prompt.Text("1?"), KvPolicySettings.rpc(64, 48, 4), greedy),
                row("good", new Prompt.Text("What is 1 + 1?"), FULL, greedy),
                row(
                    "turns",
                    new Prompt.Messages(List.of(ChatMessage.user("What is 2 + 1?"))),
                    FULL,
                    greedy)));
    assertThat(results).hasSize(12);
    assertError(results.get("empty"), ErrorCode.INVALID_PROMPT, "empty or blank");
    assertError(results.get("blank"), ErrorCode.INVALID_PROMPT, "empty or blank");
    assertError(results.get("surrogate"), ErrorCode.INVALID_PROMPT, "surrogate");
    assertError(results.get("long"), ErrorCode.PROMPT_TOO_LONG, "shorten the prompt");
    assertError(results.get("no turns"), ErrorCode.INVALID_PROMPT, "no messages");
    assertError(results.get("no tokens"), ErrorCode.INVALID_PROMPT, "no token ids");
    assertError(results.get("foreign token"), ErrorCode.INVALID_PROMPT, "token id 1000000");
    assertError(results.get("negative token"), ErrorCode.INVALID_PROMPT, "token id -1");
    assertError(results.get("policy"), ErrorCode.INVALID_ARGUMENT, "not divisible");
    assertError(results.get("window"), ErrorCode.INVALID_ARGUMENT, "newest 48 queries");
    assertThat(results.get("good").error()).isEmpty();
    assertThat(results.get("turns").error()).isEmpty();
  }

  @Test
  void closingAFeederWithdrawsItsRowsAndOthersGoOn() {
    long before = shared.snapshot().finishedRequests();
    try (Feeder stays = shared.feeder()) {
      Feeder leaves = shared.feeder();
      for (Question question : questions.subList(0, 6)) {
        leaves.submit(DemoEngine.request(question, SamplingParams.greedy(3000), FULL));
      }
      stays.submit(DemoEngine.request(questions.get(7), SamplingParams.greedy(50), FULL));
      leaves.close();
      assertThat(leaves.outstanding()).isZero();
      assertThat(stays.poll(LONG)).isPresent();
    }
    assertThat(shared.snapshot().finishedRequests() - before).isEqualTo(7);
    assertThat(shared.snapshot().running()).isZero();
    assertThat(shared.snapshot().usedPages()).isZero();
  }

  @Test
  void resultsOfAClosedEngineCanStillBeTaken() {
    ReasoningEngine engine = ReasoningEngine.open(DemoEngine.options(2, 1));
    Feeder feeder = engine.feeder();
    feeder.submit(DemoEngine.request(questions.get(2), SamplingParams.greedy(3000), FULL));
    engine.close();
    engine.close();
    Optional<GenerationResult> result = feeder.poll(LONG);
    assertThat(result).map(GenerationResult::finishReason).contains(FinishReason.CANCELLED);
    assertThat(result.orElseThrow().text().extractedAnswer()).isEmpty();
    feeder.close();
    assertThatThrownBy(engine::feeder)
        .isInstanceOf(IllegalStateException.class)
        .hasMessage("the engine is closed");
  }

  @Test
  void theDescriptionNamesWhatDecidesTheOutput() {
    EngineDescription description = shared.description();
    assertThat(description.modelId()).isEqualTo("model");
    assertThat(description.fingerprints())
        .containsOnlyKeys("config", "template", "tokenizer", "weights")
        .containsEntry(
            "config",
            ModelFingerprints.of(
                    DemoEngine.demo().resolve("model"), EngineOptions.Weights.CHECKPOINT)
                .get("config"));
    assertThat(description.fingerprints().values()).allMatch(hash -> hash.matches("[0-9a-f]{64}"));
    assertThat(description.stopTokenIds()).isNotEmpty();
    assertThat(description.backend().name()).isEqualTo("cpu");
    assertThat(description.maxContextTokens()).isPositive();
  }

  @Test
  void anotherWeightFileIsAnotherFingerprint(@TempDir Path copy) throws Exception {
    Path model = DemoEngine.demo().resolve("model");
    for (String name : List.of("config.json", "tokenizer.json", "model.safetensors")) {
      Files.copy(model.resolve(name), copy.resolve(name));
    }
    Map<String, String> original = ModelFingerprints.of(model, EngineOptions.Weights.CHECKPOINT);
    Map<String, String> same = ModelFingerprints.of(copy, EngineOptions.Weights.CHECKPOINT);
    assertThat(same.get("weights")).isEqualTo(original.get("weights"));
    assertThat(same).doesNotContainKey("template");
    Files.write(
        copy.resolve("model.safetensors"), new byte[] {1}, java.nio.file.StandardOpenOption.APPEND);
    assertThat(ModelFingerprints.of(copy, EngineOptions.Weights.CHECKPOINT).get("weights"))
        .isNotEqualTo(original.get("weights"));
  }

  @Test
  void badOptionsAreRefusedBeforeAnythingIsLoaded(@TempDir Path empty) {
    assertRefused(DemoEngine.options(0, 1), "Option slots is 0; it must be 1 or more.");
    assertRefused(DemoEngine.options(1, 0), "Option threads is 0; it must be 1 or more.");
    assertRefused(
        DemoEngine.options(1, 1).withCallTimeoutSeconds(0),
        "Option call-timeout-seconds is 0; it must be from 1 to 86400, and cannot be switched"
            + " off.");
    assertRefused(
        DemoEngine.options(empty.resolve("nowhere"), "cpu", 1, 1),
        "There is no model directory at "
            + empty.resolve("nowhere")
            + "; give the folder that holds config.json.");
    assertRefused(
        DemoEngine.options(DemoEngine.demo().resolve("model"), "tpu", 1, 1),
        "Backend 'tpu' is not on the class path; choose auto or one of: cpu.");
  }

  private static void assertRefused(EngineOptions options, String message) {
    assertThatThrownBy(() -> ReasoningEngine.open(options))
        .isInstanceOf(ReasoningException.class)
        .hasMessage(message);
  }

  private static void assertError(GenerationResult result, ErrorCode code, String part) {
    assertThat(result.finishReason()).isEqualTo(FinishReason.ERROR);
    assertThat(result.error().orElseThrow().code()).isEqualTo(code);
    assertThat(result.error().orElseThrow().message()).contains(part);
    assertThat(result.tokenIds()).isEmpty();
    assertThat(result.text().extractedAnswer()).isEmpty();
  }

  private static GenerationRequest row(
      String key, Prompt prompt, KvPolicySettings policy, SamplingParams sampling) {
    return new GenerationRequest(key, 0, prompt, sampling, policy);
  }

  private static Map<String, GenerationResult> run(
      List<Question> some, SamplingParams sampling, KvPolicySettings policy) {
    return DemoEngine.run(
        shared,
        some.stream().map(question -> DemoEngine.request(question, sampling, policy)).toList());
  }

  private static Map<String, List<Integer>> tokens(Map<String, GenerationResult> results) {
    return results.entrySet().stream()
        .collect(Collectors.toMap(Map.Entry::getKey, entry -> entry.getValue().tokenIds()));
  }
}
