package io.tracemill.engine.schedule;

import static io.tracemill.engine.schedule.SchedulerHarness.options;
import static io.tracemill.engine.schedule.SchedulerHarness.spec;
import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;
import static org.assertj.core.api.Assertions.within;

import io.tracemill.engine.api.CompressionEvent;
import io.tracemill.engine.api.FinishReason;
import io.tracemill.engine.api.KvAccount;
import io.tracemill.engine.api.KvPolicySettings;
import io.tracemill.engine.backend.CounterRandom;
import io.tracemill.engine.backend.FakeBackend;
import io.tracemill.engine.backend.FakeBackend.Operation;
import io.tracemill.engine.error.ErrorCode;
import io.tracemill.engine.error.ReasoningException;
import java.util.ArrayList;
import java.util.List;
import java.util.Map;
import java.util.Optional;
import java.util.Set;
import java.util.concurrent.atomic.AtomicInteger;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.ValueSource;

final class TestScheduler {
  private static final KvPolicySettings RPC = KvPolicySettings.rpc(64, 16, 4);
  private static final KvPolicySettings FULL = KvPolicySettings.full();
  private static final FakeBackend.Lengths ENDLESS = key -> Integer.MAX_VALUE;

  @Test
  void compressionAdmitsMoreSequencesInTheSamePool() {
    assertThat(mostLanes(FULL, SchedulerOptions.AdmissionMode.RESERVE_PEAK)).isEqualTo(6);
    assertThat(mostLanes(RPC, SchedulerOptions.AdmissionMode.RESERVE_PEAK)).isEqualTo(16);
    assertThat(mostLanes(FULL, SchedulerOptions.AdmissionMode.LOOKAHEAD)).isEqualTo(8);
    assertThat(mostLanes(RPC, SchedulerOptions.AdmissionMode.LOOKAHEAD)).isGreaterThanOrEqualTo(19);
  }

  /** A pool of 64 pages; each sequence of 600 tokens needs 10 of them with a full cache. */
  private static int mostLanes(KvPolicySettings policy, SchedulerOptions.AdmissionMode mode) {
    FakeBackend backend = new FakeBackend(64, 32, 1, ENDLESS);
    List<SequenceSpec> specs = new ArrayList<>();
    for (int i = 0; i < 32; i++) {
      specs.add(spec("row " + i, 20, 600, policy));
    }
    new SchedulerHarness(backend, options(mode)).run(specs);
    return backend.mostLanes();
  }

  @ParameterizedTest
  @ValueSource(ints = {1, 2})
  void theAccountIsWhatTheDeviceReallyDid(int stepsInFlight) {
    FakeBackend backend =
        new FakeBackend(200, 8, stepsInFlight, key -> 1 + (int) Long.remainderUnsigned(key, 400));
    SchedulerHarness harness = new SchedulerHarness(backend, options());
    List<SequenceSpec> specs = new ArrayList<>();
    for (int i = 0; i < 24; i++) {
      specs.add(spec("row " + i, 1 + 13 * i, 300, i % 3 == 0 ? FULL : RPC));
    }
    int compressions = 0;
    long attendedTotal = 0;
    long laneSteps = 0;
    for (FinishedSequence result : harness.run(specs).values()) {
      SequenceSpec spec = result.spec();
      int steps = result.tokens().length - 1;
      List<Integer> attended =
          backend.attendedRows(CounterRandom.key(0, spec.rowKey(), 0)).subList(0, steps);
      KvAccount kv = result.kv();
      int prompt = spec.promptTokens().length;
      long sum = attended.stream().mapToLong(Integer::longValue).sum();
      long fullSum = 0;
      for (int step = 1; step <= steps; step++) {
        fullSum += prompt + step;
      }
      assertThat(kv.fullRows()).isEqualTo(prompt + steps);
      assertThat(kv.peakRows())
          .isEqualTo(attended.stream().mapToInt(Integer::intValue).max().orElse(prompt));
      assertThat(kv.peakBytes()).isEqualTo(kv.peakRows() * 2 * 2 * 4 * 4);
      assertThat(kv.meanRows()).isEqualTo(steps == 0 ? prompt : (double) sum / steps);
      assertThat(kv.savedRatio())
          .isCloseTo(steps == 0 ? 0 : 1 - (double) sum / fullSum, within(1e-12));
      assertThat(kv.compressions()).isEqualTo(kv.events().size());
      checkEvents(kv, attended, prompt, steps);
      compressions += kv.compressions();
      attendedTotal += sum;
      laneSteps += steps;
    }
    assertThat(compressions).isGreaterThan(10);
    assertThat(harness.counters.compressions()).isEqualTo(compressions);
    assertThat(harness.counters.attendedRows()).isEqualTo(attendedTotal);
    assertThat(harness.counters.laneSteps()).isEqualTo(laneSteps);
  }

  private static void checkEvents(KvAccount kv, List<Integer> attended, int prompt, int steps) {
    int rows = prompt + steps;
    for (CompressionEvent event : kv.events()) {
      assertThat(attended.get(event.step() - 1)).isEqualTo(event.rowsBefore());
      if (event.step() < steps) {
        assertThat(attended.get(event.step())).isEqualTo(event.rowsAfter() + 1);
      }
      assertThat(event.rowsBefore() - event.candidates())
          .isEqualTo(event.rowsAfter() - event.retained());
      assertThat((double) event.millis())
          .as("a share by rows")
          .isCloseTo(event.rowsBefore() / 1024.0, within(1e-5));
      rows -= event.candidates() - event.retained();
    }
    assertThat(kv.finalRows()).isEqualTo(rows);
    assertThat(kv.compressMillis())
        .isCloseTo(kv.events().stream().mapToDouble(CompressionEvent::millis).sum(), within(1e-9));
  }

  @ParameterizedTest
  @ValueSource(ints = {1, 2})
  void cancelFreesLanesAndPagesBeforeTheNextStep(int stepsInFlight) {
    FakeBackend backend = new FakeBackend(40, 4, stepsInFlight, ENDLESS);
    SchedulerHarness harness = new SchedulerHarness(backend, options());
    Object leaving = "leaving";
    for (int i = 0; i < 6; i++) {
      harness.submit(spec("stays " + i, 10, 150, RPC));
      harness.submit(spec("leaves " + i, 10, 150, RPC), leaving);
    }
    for (int i = 0; i < 100; i++) {
      harness.scheduler.step();
    }
    harness.scheduler.cancel(owner -> owner == leaving);
    assertThat(harness.results).hasSize(6);
    assertThat(harness.results.values())
        .allMatch(result -> result.reason() == FinishReason.CANCELLED);
    assertThat(harness.counters.running()).isEqualTo(2);
    assertThat(harness.counters.usedPages()).isEqualTo(2);
    FinishedSequence ran = harness.results.get("leaves 0");
    assertThat(ran.tokens()).hasSize(stepsInFlight == 1 ? 101 : 100);
    assertThat(ran.kv().compressions()).isEqualTo(1);
    FinishedSequence waited = harness.results.get("leaves 5");
    assertThat(waited.tokens()).isEmpty();
    assertThat(waited.kv().fullRows()).isZero();
    harness.run();
    assertThat(harness.results).hasSize(12);
  }

  @Test
  void everyReasonToEndIsNamed() {
    FakeBackend backend = new FakeBackend(100, 4, 1, key -> 50);
    SchedulerOptions limits =
        new SchedulerOptions(
            16,
            60,
            0,
            SchedulerOptions.AdmissionMode.LOOKAHEAD,
            Set.of(FakeBackend.STOP_TOKEN),
            Optional.empty(),
            8);
    SchedulerHarness harness = new SchedulerHarness(backend, limits);
    SequenceSpec base = spec("text", 5, 60, FULL);
    AtomicInteger seen = new AtomicInteger();
    SequenceSpec watched =
        new SequenceSpec(
            "text",
            0,
            base.promptTokens(),
            base.sampling(),
            base.policy(),
            () -> token -> seen.incrementAndGet() == 7);
    Map<String, FinishedSequence> results =
        harness.run(
            List.of(
                spec("stop", 5, 60, FULL),
                spec("budget", 5, 20, FULL),
                spec("one", 5, 1, FULL),
                spec("context", 50, 60, FULL),
                spec("long", 60, 60, FULL),
                spec("ring", 5, 60, RPC),
                watched));
    assertThat(results.get("stop").reason()).isEqualTo(FinishReason.STOP);
    assertThat(results.get("stop").tokens()).hasSize(50).endsWith(FakeBackend.STOP_TOKEN);
    assertThat(results.get("budget").reason()).isEqualTo(FinishReason.LENGTH);
    assertThat(results.get("budget").tokens()).hasSize(20);
    assertThat(results.get("one").tokens()).hasSize(1);
    assertThat(results.get("one").kv().meanRows()).isEqualTo(5);
    assertThat(results.get("context").reason()).isEqualTo(FinishReason.LENGTH);
    assertThat(results.get("context").tokens()).hasSize(10);
    assertThat(results.get("text").reason()).isEqualTo(FinishReason.STOP_STRING);
    assertThat(results.get("text").tokens()).hasSize(7);
    assertError(
        results.get("long"),
        ErrorCode.PROMPT_TOO_LONG,
        "The prompt has 60 tokens and the context holds 60 with at least one output token; shorten"
            + " the prompt or raise the context limit.");
    assertError(
        results.get("ring"),
        ErrorCode.INVALID_ARGUMENT,
        "The KV policy selects with the newest 16 queries but the engine records 0; open the engine"
            + " with a query ring of at least 16.");
    assertThat(harness.counters.finishedRequests()).isEqualTo(7);
    assertThat(harness.counters.failedRequests()).isEqualTo(2);
  }

  @Test
  void aSequenceThatCanNeverFitSaysWhatItNeeds() {
    SchedulerHarness harness = new SchedulerHarness(new FakeBackend(9, 4, 1, ENDLESS), options());
    Map<String, FinishedSequence> results =
        harness.run(List.of(spec("full", 20, 600, FULL), spec("rpc", 20, 600, RPC)));
    assertError(
        results.get("full"),
        ErrorCode.KV_CACHE_TOO_SMALL,
        "With 20 prompt tokens, up to 600 new tokens and KV policy full the sequence needs 10 KV"
            + " pages of 64 rows at its peak but the pool has 9; lower max-new-tokens, compress more"
            + " or enlarge the KV cache.");
    assertThat(results.get("rpc").reason()).isEqualTo(FinishReason.LENGTH);
  }

  @Test
  void aLargeSequenceIsPassedByAFewSmallOnesOnly() {
    SchedulerHarness harness = new SchedulerHarness(new FakeBackend(20, 4, 1, ENDLESS), options());
    harness.submit(spec("first", 10, 600, FULL));
    harness.submit(spec("large", 10, 1200, FULL));
    for (int i = 0; i < 300; i++) {
      harness.submit(spec("small " + i, 10, 20, FULL));
    }
    harness.run();
    List<String> order = List.copyOf(harness.results.keySet());
    assertThat(order.subList(0, order.indexOf("first")))
        .as("small ones do not wait for the large one")
        .hasSizeGreaterThan(30);
    assertThat(order.indexOf("large")).isLessThan(302 - 1);
    long passed =
        order.stream().limit(order.indexOf("first")).filter(key -> key.startsWith("small")).count();
    assertThat(passed).isLessThanOrEqualTo(64);
  }

  @ParameterizedTest
  @ValueSource(ints = {1, 2})
  void shortMemoryMakesSmallerBatchesAndTheSameTokens(int stepsInFlight) {
    List<SequenceSpec> specs = new ArrayList<>();
    for (int i = 0; i < 16; i++) {
      specs.add(spec("row " + i, 30 + i, 200, RPC));
    }
    Map<String, FinishedSequence> expected =
        new SchedulerHarness(new FakeBackend(400, 16, stepsInFlight, ENDLESS), options())
            .run(specs);
    FakeBackend tight = new FakeBackend(400, 16, stepsInFlight, ENDLESS);
    int[] most = {1, 9, 20, 3, 2};
    AtomicInteger failures = new AtomicInteger();
    tight.onOperation(
        (operation, size) -> {
          if (size > most[operation.ordinal()]) {
            failures.incrementAndGet();
            throw outOfMemory();
          }
        });
    SchedulerHarness harness = new SchedulerHarness(tight, options());
    assertSameTokens(harness.run(specs), expected);
    assertThat(failures.get()).isGreaterThan(5);
    assertThat(harness.counters.restarts()).isZero();
  }

  @ParameterizedTest
  @ValueSource(ints = {1, 2})
  void aLaneThatDoesNotFitBeginsAnewAndGivesTheSameTokens(int stepsInFlight) {
    List<SequenceSpec> specs = new ArrayList<>();
    for (int i = 0; i < 12; i++) {
      specs.add(spec("row " + i, 30 + i, 150, RPC));
    }
    Map<String, FinishedSequence> expected =
        new SchedulerHarness(new FakeBackend(400, 8, stepsInFlight, ENDLESS), options()).run(specs);
    for (Operation operation : Operation.values()) {
      FakeBackend failing = new FakeBackend(400, 8, stepsInFlight, ENDLESS);
      failing.onOperation(
          (called, size) -> {
            if (called == operation && failing.lanesTaken() > 3) {
              throw outOfMemory();
            }
          });
      SchedulerHarness harness = new SchedulerHarness(failing, options());
      assertSameTokens(harness.run(specs), expected);
      assertThat(failing.mostLanes()).isBetween(3, 8);
      if (operation != Operation.START) {
        assertThat(harness.counters.restarts()).as("%s", operation).isPositive();
      }
    }
  }

  @Test
  void aLaneThatDoesNotFitAloneIsARowWithAnError() {
    for (Operation operation : Operation.values()) {
      FakeBackend failing = new FakeBackend(400, 8, 1, ENDLESS);
      failing.onOperation(
          (called, size) -> {
            if (called == operation) {
              throw outOfMemory();
            }
          });
      SchedulerHarness harness = new SchedulerHarness(failing, options());
      Map<String, FinishedSequence> results =
          harness.run(List.of(spec("a", 10, 100, RPC), spec("b", 10, 100, RPC)));
      assertThat(results.values())
          .allSatisfy(
              result -> {
                assertThat(result.error().orElseThrow().code()).isEqualTo(ErrorCode.OUT_OF_MEMORY);
                assertThat(result.error().orElseThrow().message())
                    .startsWith("Out of memory while ")
                    .endsWith("with this sequence alone on the device: no memory today");
              });
    }
  }

  @ParameterizedTest
  @ValueSource(ints = {1, 2})
  void logitsThatAreNotFiniteAreARowWithAnErrorAndOthersGoOn(int stepsInFlight) {
    FakeBackend backend = new FakeBackend(40, 4, stepsInFlight, key -> Integer.MAX_VALUE);
    SchedulerHarness harness = new SchedulerHarness(backend, options());
    SequenceSpec poisoned = spec("poisoned", 30, 50, FULL);
    poisoned.promptTokens()[7] = FakeBackend.POISON_TOKEN;
    harness.run(List.of(poisoned, spec("sound", 30, 50, FULL)));
    FinishedSequence failed = harness.results.get("poisoned");
    assertError(
        failed,
        ErrorCode.NUMERIC,
        "The logits of output token 0 are not finite: with this prompt the model's arithmetic"
            + " overflows, or its weights are damaged.");
    assertThat(failed.tokens()).isEmpty();
    assertThat(harness.results.get("sound").tokens()).hasSize(50);
  }

  @Test
  void lanesThatWaitForEachOthersPagesMakeRoom() {
    Admission careless =
        new Admission() {
          @Override
          public boolean fits(Sequence sequence, long firstStepClock) {
            return true;
          }

          @Override
          public void admit(Sequence sequence) {}

          @Override
          public void release(Sequence sequence) {}

          @Override
          public void hold(int pages) {}

          @Override
          public void advance(long clock) {}
        };
    List<SequenceSpec> specs = new ArrayList<>();
    for (int i = 0; i < 10; i++) {
      specs.add(spec("row " + i, 30, 400, FULL));
    }
    Map<String, FinishedSequence> expected =
        new SchedulerHarness(new FakeBackend(100, 10, 1, ENDLESS), options()).run(specs);
    for (int stepsInFlight = 1; stepsInFlight <= 2; stepsInFlight++) {
      SchedulerHarness crowded =
          new SchedulerHarness(
              new FakeBackend(20, 10, stepsInFlight, ENDLESS), options(), careless);
      assertSameTokens(crowded.run(specs), expected);
      assertThat(crowded.counters.restarts()).isPositive();
    }
  }

  @Test
  void aWatchThatFailsIsARowWithAnError() {
    SequenceSpec base = spec("fails", 5, 60, FULL);
    SequenceSpec failing =
        new SequenceSpec(
            "fails",
            0,
            base.promptTokens(),
            base.sampling(),
            base.policy(),
            () ->
                token -> {
                  throw new IllegalArgumentException("no such token");
                });
    Map<String, FinishedSequence> results =
        new SchedulerHarness(new FakeBackend(20, 2, 1, ENDLESS), options())
            .run(List.of(failing, spec("good", 5, 20, FULL)));
    assertThat(results.get("fails").error().orElseThrow().code()).isEqualTo(ErrorCode.INTERNAL);
    assertThat(results.get("fails").error().orElseThrow().message())
        .isEqualTo(
            "The output could not be searched for stop strings:"
                + " java.lang.IllegalArgumentException: no such token.");
    assertThat(results.get("good").reason()).isEqualTo(FinishReason.LENGTH);
  }

  @Test
  void otherFailuresAreNotHandledHere() {
    FakeBackend failing = new FakeBackend(10, 2, 1, ENDLESS);
    failing.onOperation(
        (operation, size) -> {
          if (operation == Operation.DECODE) {
            throw new ReasoningException(ErrorCode.DEVICE_FAILED, "context lost");
          }
        });
    SchedulerHarness harness = new SchedulerHarness(failing, options());
    harness.submit(spec("row", 5, 5, FULL));
    assertThatThrownBy(harness.scheduler::step)
        .isInstanceOf(ReasoningException.class)
        .hasMessage("context lost");
  }

  private static ReasoningException outOfMemory() {
    return new ReasoningException(ErrorCode.OUT_OF_MEMORY, "no memory today");
  }

  static void assertSameTokens(
      Map<String, FinishedSequence> actual, Map<String, FinishedSequence> expected) {
    assertThat(actual.keySet()).isEqualTo(expected.keySet());
    actual.forEach(
        (key, result) -> {
          FinishedSequence other = expected.get(key);
          assertThat(result.tokens()).as(key).isEqualTo(other.tokens());
          assertThat(result.reason()).as(key).isEqualTo(other.reason());
          assertThat(result.kv()).as(key).isEqualTo(other.kv());
        });
  }

  private static void assertError(FinishedSequence result, ErrorCode code, String message) {
    assertThat(result.reason()).isEqualTo(FinishReason.ERROR);
    assertThat(result.error().orElseThrow().message()).isEqualTo(message);
    assertThat(result.error().orElseThrow().code()).isEqualTo(code);
    assertThat(result.tokens()).isEmpty();
  }
}
