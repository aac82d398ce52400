package io.tracemill.udf;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import io.tracemill.engine.Feeder;
import io.tracemill.engine.api.GenerationRequest;
import io.tracemill.engine.api.GenerationResult;
import io.tracemill.engine.api.KvPolicySettings;
import io.tracemill.engine.api.Prompt;
import io.tracemill.engine.api.SamplingParams;
import io.tracemill.engine.api.Timings;
import io.tracemill.engine.error.ErrorCode;
import io.tracemill.engine.error.ReasoningException;
import java.time.Duration;
import java.util.ArrayList;
import java.util.List;
import java.util.Map;
import java.util.Optional;
import java.util.TreeMap;
import java.util.concurrent.ExecutorService;
import java.util.concurrent.Executors;
import java.util.concurrent.Future;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.Timeout;

@Timeout(60)
class TestIdenticalRequests {
  private static final Duration LONG = Duration.ofSeconds(20);
  private static final SamplingParams GREEDY = SamplingParams.greedy(20);

  private final IdenticalRequests identical = new IdenticalRequests();
  private final SharedEngine engine =
      new FakeEngine.Opener(1, 0, 0, "").open(FakeSettings.engine(4));

  @AfterEach
  void closeEngine() {
    engine.close();
  }

  @Test
  void equalGreedyRequestsAreGeneratedOnceAndMarkedAsCopies() {
    try (SharingFeeder feeder = feeder()) {
      feeder.submit(request("a", 0, "Why?", GREEDY));
      feeder.submit(request("b", 0, "Why?", GREEDY));
      feeder.submit(request("a", 1, "Why?", GREEDY));
      feeder.submit(request("c", 0, "How?", GREEDY));
      assertThat(feeder.outstanding()).isEqualTo(4);
      Map<String, GenerationResult> results = drain(feeder);
      assertThat(results.keySet()).containsExactly("a/0", "a/1", "b/0", "c/0");
      assertThat(results.get("a/0").copiedFrom()).isEmpty();
      assertThat(results.get("c/0").copiedFrom()).isEmpty();
      for (String copy : List.of("a/1", "b/0")) {
        assertThat(results.get(copy).copiedFrom()).contains("a");
        assertThat(results.get(copy).text()).isEqualTo(results.get("a/0").text());
        assertThat(results.get(copy).tokens()).isEqualTo(results.get("a/0").tokens());
        assertThat(results.get(copy).timings()).isEqualTo(Timings.NONE);
      }
      assertThat(engine.snapshot().finishedRequests()).isEqualTo(2);

      feeder.submit(request("late", 0, "Why?", GREEDY));
      assertThat(drain(feeder).get("late/0").copiedFrom()).contains("a");
      feeder.submit(request("a", 0, "Why?", GREEDY));
      GenerationResult again = drain(feeder).get("a/0");
      assertThat(again.copiedFrom()).as("its own, asked for again").isEmpty();
      assertThat(again.timings()).isEqualTo(results.get("a/0").timings());
      assertThat(engine.snapshot().finishedRequests()).isEqualTo(2);

      identical.forget();
      feeder.submit(request("next run", 0, "Why?", GREEDY));
      assertThat(drain(feeder).get("next run/0").copiedFrom()).isEmpty();
    }
  }

  @Test
  void whatIsDrawnByChanceOrAskedDifferentlyIsNotIdentical() {
    SamplingParams warm = new SamplingParams(0.6f, 0, 1, 0, 1, 20, List.of(), 0);
    GenerationRequest random =
        new GenerationRequest(
            "r",
            0,
            new Prompt.Text("Why?"),
            GREEDY,
            new KvPolicySettings("random", 64, 8, 4, "", Map.of()));
    assertThat(IdenticalRequests.key(request("a", 0, "Why?", warm))).isEmpty();
    assertThat(IdenticalRequests.key(random)).isEmpty();
    Optional<IdenticalRequests.Key> key = IdenticalRequests.key(request("a", 0, "Why?", GREEDY));
    SamplingParams seeded = new SamplingParams(0, 0, 1, 0, 1, 20, List.of(), 99);
    assertThat(IdenticalRequests.key(request("b", 3, "Why?", seeded))).isEqualTo(key);
    assertThat(IdenticalRequests.key(request("b", 0, "Why? ", GREEDY))).isNotEqualTo(key);
    assertThat(IdenticalRequests.key(request("b", 0, "Why?", SamplingParams.greedy(21))))
        .isNotEqualTo(key);
    SamplingParams stopped = new SamplingParams(0, 0, 1, 0, 1, 20, List.of("."), 0);
    assertThat(IdenticalRequests.key(request("b", 0, "Why?", stopped))).isNotEqualTo(key);
  }

  @Test
  void aFollowerGoesOnWhereTheOneItWaitsForIsWithdrawn() {
    try (SharingFeeder stays = feeder()) {
      SharingFeeder leaves = feeder();
      leaves.submit(request("first", 0, "Why?", SamplingParams.greedy(100_000)));
      stays.submit(request("second", 0, "Why?", SamplingParams.greedy(100_000)));
      stays.submit(request("third", 0, "Why?", SamplingParams.greedy(100_000)));
      assertThat(stays.poll(Duration.ofMillis(20))).isEmpty();
      leaves.close();
      assertThat(stays.poll(Duration.ofMillis(20))).isEmpty();
      assertThat(stays.poll(Duration.ofMillis(20))).isEmpty();
      assertThat(engine.snapshot().running()).as("the second leads now").isEqualTo(1);
      assertThat(stays.outstanding()).isEqualTo(2);
    }
    assertThat(engine.snapshot().running()).isZero();
  }

  @Test
  void aFollowerHearsOfADeadEngine() {
    SharedEngine mortal = new FakeEngine.Opener(1, 0, 1, "").open(FakeSettings.engine(4));
    SharingFeeder leads = new SharingFeeder(mortal.feeder(), identical);
    SharingFeeder follows = new SharingFeeder(mortal.feeder(), identical);
    leads.submit(request("long", 0, "Why?", SamplingParams.greedy(100_000)));
    follows.submit(request("copy", 0, "Why?", SamplingParams.greedy(100_000)));
    leads.submit(request("short", 0, "Go.", SamplingParams.greedy(3)));
    assertThat(leads.poll(LONG)).isPresent();
    for (SharingFeeder each : List.of(leads, follows)) {
      assertThatThrownBy(
              () -> {
                while (true) {
                  assertThat(each.poll(Duration.ofMillis(50))).isEmpty();
                }
              })
          .isInstanceOfSatisfying(
              ReasoningException.class, e -> assertThat(e.code()).isEqualTo(ErrorCode.ENGINE_DEAD));
    }
    mortal.close();
  }

  @Test
  void manyTasksWithFewPromptsGenerateEachOnce() throws Exception {
    ExecutorService tasks = Executors.newFixedThreadPool(6);
    try {
      List<Future<Map<String, GenerationResult>>> all = new ArrayList<>();
      for (int task = 0; task < 6; task++) {
        String name = "task " + task + " row ";
        all.add(
            tasks.submit(
                () -> {
                  try (SharingFeeder feeder = feeder()) {
                    Map<String, GenerationResult> results = new TreeMap<>();
                    for (int row = 0; row < 100; row++) {
                      feeder.submit(request(name + row, 0, "Prompt " + row % 10, GREEDY));
                      feeder.poll(Duration.ZERO).ifPresent(r -> results.put(r.rowKey(), r));
                    }
                    results.putAll(drain(feeder));
                    return results;
                  }
                }));
      }
      int rows = 0;
      int originals = 0;
      for (Future<Map<String, GenerationResult>> each : all) {
        rows += each.get().size();
        originals +=
            (int) each.get().values().stream().filter(r -> r.copiedFrom().isEmpty()).count();
      }
      assertThat(rows).isEqualTo(600);
      assertThat(originals).isEqualTo(10);
      assertThat(engine.snapshot().finishedRequests()).isEqualTo(10);
    } finally {
      tasks.shutdownNow();
    }
  }

  private SharingFeeder feeder() {
    return new SharingFeeder(engine.feeder(), identical);
  }

  private static Map<String, GenerationResult> drain(Feeder feeder) {
    Map<String, GenerationResult> results = new TreeMap<>();
    while (feeder.outstanding() > 0) {
      feeder
          .poll(LONG)
          .ifPresent(
              r ->
                  results.put(
                      r.rowKey() + (r.rowKey().startsWith("task") ? "" : "/" + r.sampleIndex()),
                      r));
    }
    return results;
  }

  private static GenerationRequest request(
      String key, int sample, String prompt, SamplingParams sampling) {
    return new GenerationRequest(
        key, sample, new Prompt.Text(prompt), sampling, KvPolicySettings.full());
  }
}
