package io.tracemill.engine.schedule;

import static io.tracemill.engine.schedule.SchedulerHarness.options;
import static org.assertj.core.api.Assertions.assertThat;

import io.tracemill.engine.TestSeeds;
import io.tracemill.engine.api.FinishReason;
import io.tracemill.engine.api.KvPolicySettings;
import io.tracemill.engine.api.SamplingParams;
import io.tracemill.engine.backend.FakeBackend;
import io.tracemill.engine.backend.FakeBackend.Operation;
import io.tracemill.engine.compress.KvPolicies;
import io.tracemill.engine.error.ErrorCode;
import io.tracemill.engine.error.ReasoningException;
import java.util.ArrayList;
import java.util.List;
import java.util.Map;
import java.util.Random;
import java.util.concurrent.atomic.AtomicInteger;
import org.junit.jupiter.api.Test;

/** The fake backend complains about every page that is shared without being preset. */
final class TestSharedPrompts {
  private static final KvPolicySettings FULL = KvPolicySettings.full();
  private static final FakeBackend.Lengths LENGTHS =
      key -> 1 + (int) Long.remainderUnsigned(key, 260);
  private static final FakeBackend.Lengths ENDLESS = key -> Integer.MAX_VALUE;

  @Test
  void samplesOfARowReadItsPromptOnceAndSayTheSameAsAlone() {
    List<SequenceSpec> samples = samples("row", 300, 8, 120, KvPolicySettings.rpc(32, 8, 4));
    SchedulerHarness together =
        new SchedulerHarness(new FakeBackend(100, 8, 2, LENGTHS), options());
    Map<String, FinishedSequence> shared = together.run(samples);
    for (SequenceSpec sample : samples) {
      SchedulerHarness alone = new SchedulerHarness(new FakeBackend(100, 1, 1, LENGTHS), options());
      FinishedSequence expected = alone.run(List.of(sample)).get(sample.rowKey());
      assertThat(alone.counters.sharedPromptTokens()).isZero();
      FinishedSequence result = shared.get(sample.rowKey());
      assertThat(result.tokens()).isEqualTo(expected.tokens());
      assertThat(result.kv()).usingRecursiveComparison().isEqualTo(expected.kv());
    }
    // 300 tokens are 4 whole pages and a rest of 44, which each sample reads for itself.
    assertThat(together.counters.promptTokens()).isEqualTo(300 + 7 * 44);
    assertThat(together.counters.sharedPromptTokens()).isEqualTo(7 * 256);
  }

  @Test
  void oneSlotAfterAnotherStillReadsThePromptOnce() {
    SchedulerHarness harness = new SchedulerHarness(new FakeBackend(20, 1, 1, LENGTHS), options());
    harness.run(samples("row", 200, 5, 60, FULL));
    assertThat(harness.counters.promptTokens()).isEqualTo(200 + 4 * 8);
  }

  @Test
  void aPromptOfWholePagesKeepsItsLastOneForEachSample() {
    for (int prompt : new int[] {64, 65, 128, 129}) {
      SchedulerHarness harness =
          new SchedulerHarness(new FakeBackend(40, 4, 1, LENGTHS), options());
      harness.run(samples("row", prompt, 4, 100, KvPolicySettings.rpc(16, 4, 4)));
      int shared = (prompt - 1) / 64 * 64;
      assertThat(harness.counters.sharedPromptTokens()).as("%d", prompt).isEqualTo(3L * shared);
    }
  }

  @Test
  void sharedPagesAreCountedOnce() {
    // Alone a sample needs 4 pages of prompt and 1 more; four of them 4 + 4 of the 9.
    for (SchedulerOptions.AdmissionMode mode : SchedulerOptions.AdmissionMode.values()) {
      FakeBackend backend = new FakeBackend(9, 8, 1, ENDLESS);
      SchedulerHarness harness = new SchedulerHarness(backend, options(mode));
      harness.run(samples("row", 257, 8, 60, FULL));
      assertThat(backend.mostLanes()).as("%s", mode).isEqualTo(5);
      assertThat(harness.counters.pausedLaneSteps()).isZero();
      assertThat(harness.counters.restarts()).isZero();
    }
  }

  @Test
  void theOneThatReadsMayLeaveBeforeItHasRead() {
    SchedulerHarness harness = new SchedulerHarness(new FakeBackend(40, 4, 1, LENGTHS), options());
    List<SequenceSpec> samples = samples("row", 350, 3, 50, FULL);
    harness.submit(samples.get(0), "reader");
    harness.submit(samples.get(1), "other");
    harness.submit(samples.get(2), "other");
    harness.scheduler.step();
    assertThat(harness.counters.running()).as("others wait for it").isEqualTo(1);
    harness.scheduler.cancel("reader"::equals);
    assertThat(harness.results.get("row/0").reason()).isEqualTo(FinishReason.CANCELLED);
    harness.run();
    assertThat(harness.counters.sharedPromptTokens()).isEqualTo(320);
  }

  @Test
  void othersPassThoseWhoWaitForTheirPrompt() {
    FakeBackend backend = new FakeBackend(60, 4, 1, ENDLESS);
    SchedulerHarness harness = new SchedulerHarness(backend, options());
    samples("row", 350, 3, 50, FULL).forEach(harness::submit);
    harness.submit(SchedulerHarness.spec("other", 10, 50, FULL));
    harness.scheduler.step();
    assertThat(harness.counters.running()).isEqualTo(2);
    harness.run();
    assertThat(harness.counters.sharedPromptTokens()).isEqualTo(2 * 320);
  }

  @Test
  void idlePagesOfAPromptMakeRoomForTheFirstInLine() {
    // One slot; between two samples comes a row that needs the pages the prompt would keep.
    FakeBackend backend = new FakeBackend(6, 1, 1, ENDLESS);
    SchedulerHarness harness = new SchedulerHarness(backend, options());
    List<SequenceSpec> samples = samples("row", 257, 2, 5, FULL);
    harness.submit(samples.get(0));
    harness.submit(SchedulerHarness.spec("large", 320, 20, FULL));
    harness.submit(samples.get(1));
    harness.run();
    assertThat(harness.results.values()).allMatch(r -> r.reason() == FinishReason.LENGTH);
    assertThat(harness.results.keySet()).containsExactly("row/0", "row/1", "large");
  }

  @Test
  void aRepetitionPenaltyReadsItsPromptAlone() {
    SamplingParams penalised = new SamplingParams(1, 0, 1, 0, 1.2f, 30, List.of(), 0);
    List<SequenceSpec> samples = new ArrayList<>();
    for (SequenceSpec sample : samples("row", 200, 3, 30, FULL)) {
      samples.add(
          new SequenceSpec(
              sample.rowKey(),
              0,
              sample.promptTokens(),
              penalised,
              sample.policy(),
              () -> OutputWatch.NONE));
    }
    SchedulerHarness harness = new SchedulerHarness(new FakeBackend(40, 4, 1, LENGTHS), options());
    harness.run(samples);
    assertThat(harness.counters.sharedPromptTokens()).isZero();
    assertThat(harness.counters.promptTokens()).isEqualTo(600);
  }

  /** Samples come, go, are withdrawn and run out of memory at random; no page is lost. */
  @Test
  void anythingGoesAndNoPageIsLost() {
    Random random = TestSeeds.random("TestSharedPrompts");
    long sharedTokens = 0;
    for (int round = 0; round < TestSeeds.iterations(24); round++) {
      FakeBackend backend =
          new FakeBackend(
              14 + random.nextInt(60), 1 + random.nextInt(16), 1 + random.nextInt(2), LENGTHS);
      boolean shortOfMemory = round % 4 == 3;
      AtomicInteger calls = new AtomicInteger();
      backend.onOperation(
          (operation, size) -> {
            if (shortOfMemory
                && (operation == Operation.MAP || operation == Operation.DECODE)
                && calls.incrementAndGet() % 97 == 0) {
              throw new ReasoningException(ErrorCode.OUT_OF_MEMORY, "Full for now.");
            }
          });
      SchedulerHarness harness =
          new SchedulerHarness(
              backend, options(SchedulerOptions.AdmissionMode.values()[random.nextInt(2)]));
      List<SequenceSpec> specs = new ArrayList<>();
      for (int row = 0; row < 12; row++) {
        KvPolicySettings policy = random.nextBoolean() ? FULL : KvPolicySettings.rpc(32, 8, 4);
        specs.addAll(
            samples(
                "row " + row,
                1 + random.nextInt(350),
                1 + random.nextInt(8),
                1 + random.nextInt(200),
                policy));
      }
      int next = 0;
      int withdrawals = 0;
      while (next < specs.size() || !harness.scheduler.isIdle()) {
        int event = random.nextInt(100);
        if (event < 12 && next < specs.size()) {
          harness.submit(specs.get(next), "feeder " + next % 5);
          next++;
        } else if (event == 12 && withdrawals < 8) {
          withdrawals++;
          String owner = "feeder " + random.nextInt(5);
          harness.scheduler.cancel(owner::equals);
        } else {
          harness.scheduler.step();
        }
      }
      harness.run();
      assertThat(harness.results).hasSize(specs.size());
      if (!shortOfMemory) {
        assertThat(harness.counters.pausedLaneSteps()).isZero();
      }
      sharedTokens += harness.counters.sharedPromptTokens();
    }
    assertThat(sharedTokens).isPositive();
  }

  private static List<SequenceSpec> samples(
      String row, int prompt, int count, int budget, KvPolicySettings policy) {
    SequenceSpec first = SchedulerHarness.spec(row, prompt, budget, policy);
    List<SequenceSpec> samples = new ArrayList<>();
    for (int sample = 0; sample < count; sample++) {
      samples.add(
          new SequenceSpec(
              row + "/" + sample,
              sample,
              first.promptTokens().clone(),
              first.sampling(),
              KvPolicies.create(policy),
              () -> OutputWatch.NONE));
    }
    return samples;
  }
}
