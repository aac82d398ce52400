package io.tracemill.gpu.internal.backend;

import static org.assertj.core.api.Assertions.assertThat;

import io.tracemill.engine.EngineOptions;
import io.tracemill.engine.EngineOptions.Admission;
import io.tracemill.engine.EngineOptions.UserSpecialTokens;
import io.tracemill.engine.EngineOptions.Weights;
import io.tracemill.engine.EngineSnapshot;
import io.tracemill.engine.Feeder;
import io.tracemill.engine.ReasoningEngine;
import io.tracemill.engine.TestSeeds;
import io.tracemill.engine.api.CompressionEvent;
import io.tracemill.engine.api.FinishReason;
import io.tracemill.engine.api.GenerationRequest;
import io.tracemill.engine.api.GenerationResult;
import io.tracemill.engine.api.KvPolicySettings;
import io.tracemill.engine.api.Prompt;
import io.tracemill.engine.api.SamplingParams;
import io.tracemill.engine.backend.BackendOptions.KvElement;
import java.time.Duration;
import java.util.ArrayList;
import java.util.List;
import java.util.Map;
import java.util.OptionalInt;
import java.util.OptionalLong;
import java.util.Random;
import java.util.TreeMap;
import java.util.concurrent.Callable;
import java.util.concurrent.ConcurrentHashMap;
import java.util.concurrent.ExecutorService;
import java.util.concurrent.Executors;
import java.util.concurrent.Future;
import org.junit.jupiter.api.Tag;
import org.junit.jupiter.api.Test;

/** The whole engine on the card: many feeders, short and long rows, cancellations, few pages. */
@Tag("gpu")
@RequiresGpu
class TestCudaEngine {
  private static final int FEEDERS = 4;
  private static final int ROWS_PER_FEEDER = 700;
  private static final Duration PATIENCE = Duration.ofSeconds(60);

  @Test
  void aSoakOfShortAndLongRowsWithCancelsLosesNoRowAndNoPage() throws Exception {
    Map<String, List<Integer>> tokensByRow = new ConcurrentHashMap<>();
    try (ReasoningEngine engine = ReasoningEngine.open(options(48, 40_000_000L))) {
      ExecutorService pool = Executors.newFixedThreadPool(FEEDERS);
      List<Future<Integer>> feeders = new ArrayList<>();
      for (int i = 0; i < FEEDERS; i++) {
        int number = i;
        Callable<Integer> task = () -> feed(engine, number, tokensByRow);
        feeders.add(pool.submit(task));
      }
      int finished = 0;
      for (Future<Integer> feeder : feeders) {
        finished += feeder.get();
      }
      pool.shutdown();
      EngineSnapshot snapshot = quiet(engine);
      System.err.printf(
          "soak: %d rows finished, %d steps, occupancy %.2f, %d compressions%n",
          finished,
          snapshot.steps(),
          snapshot.laneSteps() / (double) (snapshot.steps() * snapshot.slots()),
          snapshot.compressions());
      assertThat(finished).isGreaterThan(FEEDERS * ROWS_PER_FEEDER / 2);
      assertThat(snapshot.usedPages()).isZero();
      assertThat(snapshot.running()).isZero();
      assertThat(snapshot.waiting()).isZero();
      assertThat(snapshot.compressions()).isGreaterThan(100);
    }
    // Rows of the crowd, generated again by an engine of one lane.
    try (ReasoningEngine engine = ReasoningEngine.open(options(1, 40_000_000L));
        Feeder feeder = engine.feeder()) {
      int compared = 0;
      for (Map.Entry<String, List<Integer>> row : new TreeMap<>(tokensByRow).entrySet()) {
        if (compared++ == 24) {
          break;
        }
        String[] key = row.getKey().split("-");
        feeder.submit(request(Integer.parseInt(key[0]), Integer.parseInt(key[1])));
        assertThat(feeder.poll(PATIENCE).orElseThrow().tokenIds())
            .as("row %s alone", row.getKey())
            .isEqualTo(row.getValue());
      }
      assertThat(compared).isGreaterThan(20);
    }
  }

  /** Counts come back while steps go on; whoever else runs must not show in them. */
  @Test
  void rowsThatTheCardCountsAreTheSameInACrowdAndAlone() throws Exception {
    Map<String, GenerationResult> crowd = runCounted(12, 36);
    Map<String, GenerationResult> alone = runCounted(1, 6);
    int dropped = 0;
    for (GenerationResult row : alone.values()) {
      GenerationResult same = crowd.get(row.rowKey());
      assertThat(same.tokenIds()).as(row.rowKey()).isEqualTo(row.tokenIds());
      assertThat(rowsOfEvents(same)).as(row.rowKey()).isEqualTo(rowsOfEvents(row));
      for (CompressionEvent event : row.kv().events()) {
        dropped += event.rowsBefore() - event.rowsAfter();
      }
    }
    assertThat(dropped).isPositive();
  }

  private static Map<String, GenerationResult> runCounted(int slots, int rows) throws Exception {
    Map<String, GenerationResult> results = new TreeMap<>();
    KvPolicySettings policy =
        new KvPolicySettings(
            "snapkv", 32, 8, 0, "", Map.of("budget", "threshold", "threshold", "0.1"));
    try (ReasoningEngine engine = ReasoningEngine.open(options(slots, 40_000_000L))) {
      try (Feeder feeder = engine.feeder()) {
        for (int row = 0; row < rows; row++) {
          feeder.submit(
              new GenerationRequest(
                  "counted-" + row,
                  0,
                  new Prompt.Text("What is " + (row + 12) + " + " + (97 - row) + " * 3?"),
                  new SamplingParams(1.2f, 0, 0.98f, 0, 1, 250, List.of(), 9),
                  policy));
        }
        for (int row = 0; row < rows; row++) {
          GenerationResult result = feeder.poll(PATIENCE).orElseThrow();
          assertThat(result.error()).as(result.rowKey()).isEmpty();
          results.put(result.rowKey(), result);
        }
      }
      assertThat(quiet(engine).usedPages()).isZero();
    }
    return results;
  }

  private static List<List<Integer>> rowsOfEvents(GenerationResult result) {
    return result.kv().events().stream()
        .map(event -> List.of(event.step(), event.rowsBefore(), event.rowsAfter()))
        .toList();
  }

  /** Submits rows, takes results, and now and then gives up on what is outstanding. */
  private static int feed(
      ReasoningEngine engine, int number, Map<String, List<Integer>> tokensByRow) {
    Random random = TestSeeds.random("soak" + number);
    int next = 0;
    int finished = 0;
    while (next < ROWS_PER_FEEDER) {
      int last = Math.min(ROWS_PER_FEEDER, next + 20 + random.nextInt(200));
      boolean givesUp = random.nextInt(4) == 0;
      try (Feeder feeder = engine.feeder()) {
        int taken = 0;
        int submitted = 0;
        while (taken < last - next && !(givesUp && taken > (last - next) / 2)) {
          while (submitted < last - next && feeder.outstanding() < 40) {
            feeder.submit(request(number, next + submitted++));
          }
          GenerationResult result = feeder.poll(PATIENCE).orElseThrow();
          assertThat(result.error()).as(result.rowKey()).isEmpty();
          assertThat(result.finishReason()).isNotEqualTo(FinishReason.CANCELLED);
          tokensByRow.put(result.rowKey(), result.tokenIds());
          taken++;
        }
        finished += taken;
      }
      next = last;
    }
    return finished;
  }

  private static GenerationRequest request(int feeder, int row) {
    String key = feeder + "-" + row;
    Random random = new Random(key.hashCode());
    int first = random.nextInt(90) + 10;
    int second = random.nextInt(90) + 10;
    int budget = random.nextInt(8) == 0 ? 400 : 5 + random.nextInt(60);
    KvPolicySettings policy =
        random.nextBoolean() ? KvPolicySettings.rpc(64, 16, 4) : KvPolicySettings.full();
    return new GenerationRequest(
        key,
        0,
        new Prompt.Text("What is " + first + " + " + second + " * 3?"),
        new SamplingParams(1.2f, 0, 0.98f, 0, 1, budget, List.of(), 9),
        policy);
  }

  /** The engine's figures once withdrawn rows have left. */
  private static EngineSnapshot quiet(ReasoningEngine engine) throws InterruptedException {
    for (int i = 0; i < 200; i++) {
      EngineSnapshot snapshot = engine.snapshot();
      if (snapshot.running() == 0 && snapshot.waiting() == 0 && snapshot.usedPages() == 0) {
        return snapshot;
      }
      Thread.sleep(20);
    }
    return engine.snapshot();
  }

  private static EngineOptions options(int slots, long kvBytes) {
    return new EngineOptions(
        Gpu.demoDirectory(),
        "cuda",
        Weights.CHECKPOINT,
        slots,
        OptionalLong.of(kvBytes),
        0.5,
        KvElement.BACKEND_DEFAULT,
        128,
        OptionalInt.of(1024),
        16,
        Admission.LOOKAHEAD,
        UserSpecialTokens.PLAIN_TEXT,
        OptionalInt.empty(),
        OptionalInt.empty());
  }
}
