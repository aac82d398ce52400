package io.tracemill.engine;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;
import static org.assertj.core.api.Assertions.within;

import io.tracemill.engine.DemoEngine.Question;
import io.tracemill.engine.api.CompressionEvent;
import io.tracemill.engine.api.FinishReason;
import io.tracemill.engine.api.GenerationRequest;
import io.tracemill.engine.api.GenerationResult;
import io.tracemill.engine.api.KvAccount;
import io.tracemill.engine.api.KvPolicySettings;
import io.tracemill.engine.api.SamplingParams;
import io.tracemill.engine.compress.CalibratedModel;
import io.tracemill.engine.compress.CalibrationFile;
import io.tracemill.engine.compress.CompressionSchedule;
import io.tracemill.engine.compress.KeepRule;
import io.tracemill.engine.compress.KvCompressionPolicy;
import io.tracemill.engine.compress.KvPolicies;
import io.tracemill.engine.compress.QuerySums;
import io.tracemill.engine.compress.RowPlan;
import io.tracemill.engine.error.ReasoningException;
import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.time.Duration;
import java.util.ArrayList;
import java.util.Collections;
import java.util.HashMap;
import java.util.List;
import java.util.Map;
import java.util.Random;
import java.util.stream.Stream;
import org.junit.jupiter.api.AfterAll;
import org.junit.jupiter.api.BeforeAll;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.MethodSource;

/** What every KV policy promises, through the engine with the demo model. */
final class TestPolicies {
  private static final int TOKENS = 220;
  private static final SamplingParams DRAWN =
      new SamplingParams(0.8f, 40, 0.95f, 0, 1, TOKENS, List.of(), 7);

  @TempDir private static Path folder;
  private static Path calibration;
  private static List<Question> questions;
  private static ReasoningEngine shared;

  /** All policies in one batch. */
  private static Map<Run, GenerationResult> mixed;

  /** All policies with room for everything. */
  private static Map<Run, GenerationResult> uncut;

  private static long compressions;

  /** A question under a policy. */
  private record Run(String rowKey, KvPolicySettings policy) {
    static Run of(GenerationResult result) {
      return new Run(result.rowKey(), result.kv().policy());
    }
  }

  @BeforeAll
  static void open() throws IOException {
    questions =
        DemoEngine.questions().stream().filter(question -> question.steps() >= 8).limit(2).toList();
    shared = ReasoningEngine.open(options(16, 2));
    calibration = folder.resolve("queries.bin");
    List<int[]> texts = new ArrayList<>();
    for (int i = 0; i < 3; i++) {
      texts.add(new Random(i).ints(150, 0, 2048).toArray());
    }
    Path model = DemoEngine.demo().resolve("model");
    byte[] content;
    try (QueryCollector collector = QueryCollector.open(model, 100, 2)) {
      QuerySums sums = collector.collect(texts.subList(2, 3).iterator());
      sums.merge(collector.collect(texts.subList(0, 2).iterator()));
      assertThat(sums.tokens()).isEqualTo(300);
      assertThat(sums.texts()).isEqualTo(3);
      content = CalibrationFile.write(sums.calibration(CalibratedModel.UNKNOWN));
    }
    try (QueryCollector collector = QueryCollector.open(model, 100, 1)) {
      QuerySums whole = collector.collect(texts.iterator());
      assertThat(CalibrationFile.write(whole.calibration(CalibratedModel.UNKNOWN)))
          .as("parts, their order and threads change no bit")
          .isEqualTo(content);
    }
    Files.write(calibration, content);
    mixed = run(shared, requests());
    compressions = shared.snapshot().compressions();
    uncut = run(shared, roomyRequests());
  }

  @AfterAll
  static void close() {
    shared.close();
  }

  /** Settings that compress within the output, one or more of each policy and budget. */
  static Stream<String> compressing() {
    return Stream.of(
        "rpc interval=64 window=16 ratio=4",
        "rpc interval=64 window=16 ratio=4 aggregation=group",
        "sinks-window interval=32 rows=96",
        "sinks-window budget=growing interval=64 window=16",
        "sinks-window budget=ratio interval=32 ratio=3",
        "random interval=64 window=16",
        "random budget=fixed interval=32 rows=96 prompt=keep",
        "tova rows=96 interval=1",
        "tova rows=96 prompt=keep",
        "snapkv rows=96 interval=32",
        "snapkv rows=96 interval=32 aggregation=group",
        "snapkv budget=growing interval=64",
        "snapkv budget=threshold threshold=0.02 interval=32",
        "snapkv budget=threshold threshold=0.5 interval=32 rows=150 aggregation=group",
        "h2o rows=96 window=48 interval=32 queries=32",
        "h2o rows=96 window=48 interval=32 queries=32 aggregation=group fold=largest-share",
        "r-kv rows=96 interval=32",
        "r-kv rows=96 interval=32 aggregation=group",
        "g-kv rows=96 interval=32",
        "g-kv budget=growing interval=64 aggregation=group",
        "lagkv partition=32",
        "lagkv partition=32 prompt=keep aggregation=group",
        "chunkkv interval=64 window=16 chunk=8",
        "chunkkv budget=fixed rows=96 window=16 interval=32 chunk=16",
        "vase rows=96 interval=32 window=16 wide-rows=20",
        "vase rows=96 interval=32 window=16 wide-rows=20 aggregation=group",
        "triattention rows=96 interval=32 window=16",
        "triattention rows=96 interval=32 window=16 aggregation=group");
  }

  @Test
  void everyPolicyIsTried() {
    assertThat(compressing().map(text -> text.split(" ")[0]).distinct())
        .containsExactlyInAnyOrderElementsOf(
            KvPolicies.NAMES.stream().filter(name -> !name.equals("full")).toList());
  }

  @Test
  void tokensAndScoresDoNotDependOnSlotsOrOrder() {
    List<GenerationRequest> requests = new ArrayList<>(requests());
    Collections.shuffle(requests, TestSeeds.random("TestPolicies"));
    try (ReasoningEngine engine = ReasoningEngine.open(options(3, 1))) {
      Map<Run, GenerationResult> again = run(engine, requests);
      assertThat(again).hasSameSizeAs(mixed);
      mixed.forEach(
          (run, result) -> {
            assertThat(again.get(run).tokenIds()).as("%s", run).isEqualTo(result.tokenIds());
            assertThat(events(again.get(run).kv())).as("%s", run).isEqualTo(events(result.kv()));
          });
    }
  }

  @ParameterizedTest
  @MethodSource("compressing")
  void countsAreThoseOfTheSchedule(String text) {
    KvCompressionPolicy policy = KvPolicies.create(settings(text));
    CompressionSchedule schedule = policy.schedule();
    for (Question question : questions) {
      GenerationResult result = mixed.get(new Run(question.id(), policy.settings()));
      KvAccount kv = result.kv();
      assertThat(kv.compressions()).isPositive();
      int prompt = result.tokens().prompt();
      int steps = result.tokens().generated() - 1;
      assertThat(kv.compressions())
          .isEqualTo(schedule.compressionsAfter(prompt, steps))
          .isEqualTo(kv.events().size());
      assertThat(kv.fullRows()).isEqualTo(prompt + steps);
      boolean planned = policy.keepRule() == KeepRule.AS_PLANNED;
      long attended = 0;
      long rows = prompt;
      long peak = 0;
      int next = 0;
      for (int step = 1; step <= steps; step++) {
        rows++;
        attended += rows;
        peak = Math.max(peak, rows);
        assertThat(rows).isLessThanOrEqualTo(schedule.rowsAttended(prompt, step));
        if (schedule.dueAfter(prompt, step)) {
          CompressionEvent event = kv.events().get(next++);
          RowPlan plan = schedule.plan(prompt, step).orElseThrow();
          assertThat(event.step()).isEqualTo(step);
          assertThat(event.rowsBefore()).isEqualTo((int) rows);
          assertThat(event.rowsAfter()).isLessThanOrEqualTo(plan.rowsAfter());
          if (planned) {
            assertThat(event.rowsAfter()).isEqualTo(plan.rowsAfter());
            assertThat(event.retained()).isEqualTo(plan.retained());
          }
          rows = event.rowsAfter();
        }
      }
      assertThat(kv.finalRows()).isEqualTo(rows);
      assertThat(kv.peakRows()).isEqualTo(peak);
      assertThat(kv.meanRows()).isCloseTo((double) attended / steps, within(1e-9));
      assertThat(rows).as("something was dropped").isLessThan(prompt + steps);
    }
  }

  @Test
  void scoringBeforeThereIsAnythingToDropDropsNothing() {
    Question question = questions.get(0);
    int prompt = mixed.get(new Run(question.id(), KvPolicySettings.full())).tokens().prompt();
    // The first interval ends with one candidate and as many rows as stay at least.
    KvPolicySettings settings =
        settings(
            "h2o budget=threshold threshold=0.9 interval=32 queries=32 window=" + (prompt + 31));
    GenerationResult result =
        run(shared, List.of(DemoEngine.request(question, DRAWN, settings)))
            .values()
            .iterator()
            .next();
    assertThat(result.error()).isEmpty();
    CompressionEvent first = result.kv().events().get(0);
    assertThat(first.step()).isEqualTo(64);
    assertThat(first.rowsBefore()).isEqualTo(prompt + 64);
  }

  @Test
  void countersAddUpTheAccounts() {
    assertThat(compressions)
        .isEqualTo(mixed.values().stream().mapToLong(result -> result.kv().compressions()).sum());
    assertThat(shared.snapshot().usedPages()).isZero();
  }

  @ParameterizedTest
  @MethodSource("compressing")
  void aBudgetLargerThanTheOutputIsTheFullCacheToTheBit(String text) {
    for (Question question : questions) {
      GenerationResult full = mixed.get(new Run(question.id(), KvPolicySettings.full()));
      GenerationResult roomy =
          uncut.get(new Run(question.id(), KvPolicies.create(roomy(settings(text))).settings()));
      assertThat(roomy.tokenIds()).isEqualTo(full.tokenIds());
      assertThat(roomy.text()).isEqualTo(full.text());
      assertThat(roomy.kv().finalRows()).isEqualTo(full.kv().finalRows());
      assertThat(roomy.kv().fullRows()).isEqualTo(full.kv().fullRows());
    }
  }

  @Test
  void drawsFollowTheSeedOfTheRequest() {
    for (String text :
        List.of(
            "random interval=64 window=16", "vase rows=96 interval=32 window=16 wide-rows=20")) {
      List<List<Float>> cuts = new ArrayList<>();
      for (long seed : new long[] {1, 1, 2}) {
        // Temperature 0: the tokens before the first compression are the same for every seed.
        SamplingParams seeded = new SamplingParams(0, 0, 1, 0, 1, TOKENS, List.of(), seed);
        Question question = questions.get(0);
        cuts.add(
            run(shared, List.of(DemoEngine.request(question, seeded, settings(text))))
                .values()
                .iterator()
                .next()
                .kv()
                .events()
                .stream()
                .map(CompressionEvent::scoreCut)
                .toList());
      }
      assertThat(cuts.get(1)).as(text).isEqualTo(cuts.get(0));
      assertThat(cuts.get(2)).as(text).isNotEqualTo(cuts.get(0));
    }
  }

  @Test
  void aCalibrationOfAnotherModelIsRefusedBeforeTheModelIsLoaded() throws IOException {
    QuerySums other = new QuerySums(1, 4, 32);
    for (int head = 0; head < 4; head++) {
      other.add(0, head, new float[64], 0);
    }
    other.countText(1);
    Path file = folder.resolve("other.bin");
    Files.write(file, CalibrationFile.write(other.calibration(CalibratedModel.UNKNOWN)));
    KvPolicySettings settings =
        new KvPolicySettings("triattention", 0, 0, 0, "", Map.of("calibration", file.toString()));
    String sentence =
        "The query calibration was made for 1 layers of 4 heads of 64 elements, the model has 8 of"
            + " 4 of 64; collect one for this model.";
    assertThatThrownBy(() -> ReasoningEngine.open(options(1, 1), List.of(settings)))
        .isInstanceOf(ReasoningException.class)
        .hasMessage(sentence);
    GenerationResult row =
        run(shared, List.of(DemoEngine.request(questions.get(0), DRAWN, settings)))
            .values()
            .iterator()
            .next();
    assertThat(row.finishReason()).isEqualTo(FinishReason.ERROR);
    assertThat(row.error().orElseThrow().message()).isEqualTo(sentence);
  }

  /** The same policy with room for everything. */
  private static KvPolicySettings roomy(KvPolicySettings settings) {
    Map<String, String> options = new HashMap<>(settings.options());
    int interval = settings.intervalTokens();
    int ratio = settings.ratio();
    String budget = options.getOrDefault("budget", "growing");
    if (settings.name().equals("lagkv")) {
      options.put("partition", "1000");
    } else if (budget.equals("growing")) {
      interval = 4 * 1024;
    } else if (budget.equals("threshold")) {
      options.put("threshold", "0");
      options.put("rows", "0");
    } else {
      options.put("budget", "fixed");
      options.put("rows", "2000");
      ratio = 0;
    }
    return new KvPolicySettings(
        settings.name(), interval, settings.windowTokens(), ratio, settings.mode(), options);
  }

  private static KvPolicySettings settings(String text) {
    int[] numbers = new int[3];
    Map<String, String> options = new HashMap<>();
    String[] words = text.split(" ");
    for (String word : List.of(words).subList(1, words.length)) {
      String[] parts = word.split("=");
      int field = List.of("interval", "window", "ratio").indexOf(parts[0]);
      if (field >= 0) {
        numbers[field] = Integer.parseInt(parts[1]);
      } else {
        options.put(parts[0], parts[1]);
      }
    }
    if (words[0].equals("triattention")) {
      options.put("calibration", calibration.toString());
    }
    KvPolicySettings given =
        new KvPolicySettings(words[0], numbers[0], numbers[1], numbers[2], "", options);
    KvPolicySettings filled = KvPolicies.create(given).settings();
    assertThat(KvPolicies.create(filled).settings()).isEqualTo(filled);
    return filled;
  }

  private static EngineOptions options(int slots, int threads) {
    EngineOptions options = DemoEngine.options(slots, threads);
    return new EngineOptions(
        options.modelDirectory(),
        options.backend(),
        options.weights(),
        slots,
        options.kvCacheBytes(),
        options.kvMemoryFraction(),
        options.kvElement(),
        options.prefillChunkTokens(),
        options.maxContextTokens(),
        64,
        options.admission(),
        options.userSpecialTokens(),
        options.threads(),
        options.deviceOrdinal());
  }

  /** Every setting with every question, and the full cache. */
  private static List<GenerationRequest> requests() {
    return requests(
        Stream.concat(
            Stream.of(KvPolicySettings.full()), compressing().map(TestPolicies::settings)));
  }

  /** As above with room for everything. */
  private static List<GenerationRequest> roomyRequests() {
    return requests(compressing().map(text -> roomy(settings(text))).distinct());
  }

  private static List<GenerationRequest> requests(Stream<KvPolicySettings> policies) {
    return policies
        .flatMap(
            policy ->
                questions.stream().map(question -> DemoEngine.request(question, DRAWN, policy)))
        .toList();
  }

  private static Map<Run, GenerationResult> run(
      ReasoningEngine engine, List<GenerationRequest> requests) {
    Map<Run, GenerationResult> results = new HashMap<>();
    try (Feeder feeder = engine.feeder()) {
      for (GenerationRequest request : requests) {
        feeder.submit(request);
        feeder.poll(Duration.ZERO).ifPresent(result -> results.put(Run.of(result), result));
      }
      while (feeder.outstanding() > 0) {
        GenerationResult result = feeder.poll(Duration.ofMinutes(2)).orElseThrow();
        results.put(Run.of(result), result);
      }
    }
    return results;
  }

  /** What events say of rows and scores; times differ. */
  private static List<List<Number>> events(KvAccount kv) {
    return kv.events().stream()
        .map(
            event ->
                List.<Number>of(
                    event.step(), event.rowsBefore(), event.rowsAfter(), event.scoreCut()))
        .toList();
  }
}
