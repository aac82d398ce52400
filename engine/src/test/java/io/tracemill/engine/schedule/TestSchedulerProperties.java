package io.tracemill.engine.schedule;

import static io.tracemill.engine.schedule.SchedulerHarness.spec;
import static io.tracemill.engine.schedule.TestScheduler.assertSameTokens;
import static org.assertj.core.api.Assertions.assertThat;

import io.tracemill.engine.TestSeeds;
import io.tracemill.engine.api.FinishReason;
import io.tracemill.engine.api.KvPolicySettings;
import io.tracemill.engine.backend.FakeBackend;
import java.util.ArrayList;
import java.util.Collections;
import java.util.List;
import java.util.Map;
import java.util.Random;
import org.junit.jupiter.api.Test;

final class TestSchedulerProperties {
  private static final FakeBackend.Lengths LENGTHS =
      key -> 1 + (int) Long.remainderUnsigned(key, 260);

  @Test
  void tokensAndAccountsDependOnTheRequestAlone() {
    Random random = TestSeeds.random("TestSchedulerProperties");
    for (int round = 0; round < TestSeeds.iterations(4); round++) {
      List<SequenceSpec> specs = specs(random, 60);
      Map<String, FinishedSequence> alone =
          new SchedulerHarness(new FakeBackend(60, 1, 1, LENGTHS), SchedulerHarness.options())
              .run(specs);
      for (int slots : new int[] {1, 4, 32}) {
        for (int stepsInFlight = 1; stepsInFlight <= 2; stepsInFlight++) {
          for (SchedulerOptions.AdmissionMode mode : SchedulerOptions.AdmissionMode.values()) {
            Collections.shuffle(specs, random);
            int pages = 12 + random.nextInt(100);
            SchedulerHarness harness =
                new SchedulerHarness(
                    new FakeBackend(pages, slots, stepsInFlight, LENGTHS),
                    SchedulerHarness.options(mode));
            assertSameTokens(harness.run(specs), alone);
            assertThat(harness.counters.pausedLaneSteps()).isZero();
            assertThat(harness.counters.restarts()).isZero();
          }
        }
      }
    }
  }

  /** Sequences come, go and are withdrawn at random; with enough pages reserved nobody pauses. */
  @Test
  void anythingGoesAndNothingIsLost() {
    Random random = TestSeeds.random("TestSchedulerProperties soak");
    for (int round = 0; round < TestSeeds.iterations(12); round++) {
      FakeBackend backend =
          new FakeBackend(
              12 + random.nextInt(60), 1 + random.nextInt(16), 1 + random.nextInt(2), LENGTHS);
      SchedulerHarness harness =
          new SchedulerHarness(
              backend,
              SchedulerHarness.options(SchedulerOptions.AdmissionMode.values()[random.nextInt(2)]));
      List<SequenceSpec> specs = specs(random, 80);
      int next = 0;
      int withdrawals = 0;
      while (next < specs.size() || !harness.scheduler.isIdle()) {
        int event = random.nextInt(100);
        if (event < 10 && next < specs.size()) {
          harness.submit(specs.get(next), "feeder " + next % 5);
          next++;
        } else if (event == 10 && withdrawals < 8) {
          withdrawals++;
          String owner = "feeder " + random.nextInt(5);
          harness.scheduler.cancel(owner::equals);
        } else {
          harness.scheduler.step();
        }
      }
      harness.run();
      assertThat(harness.results).hasSize(specs.size());
      assertThat(harness.counters.finishedRequests()).isEqualTo(specs.size());
      assertThat(harness.counters.pausedLaneSteps()).isZero();
      assertThat(harness.results.values())
          .filteredOn(result -> result.reason() != FinishReason.CANCELLED)
          .hasSizeGreaterThan(specs.size() / 4)
          .allSatisfy(result -> assertThat(result.tokens()).hasSizeLessThanOrEqualTo(250));
    }
  }

  private static List<SequenceSpec> specs(Random random, int count) {
    List<SequenceSpec> specs = new ArrayList<>();
    for (int i = 0; i < count; i++) {
      KvPolicySettings policy =
          switch (random.nextInt(4)) {
            case 0 -> KvPolicySettings.full();
            case 1 -> KvPolicySettings.rpc(8, 3, 4);
            case 2 -> KvPolicySettings.rpc(32, 8, 2);
            default -> KvPolicySettings.rpc(64, 16, 8);
          };
      specs.add(spec("row " + i, 1 + random.nextInt(350), 1 + random.nextInt(250), policy));
    }
    return specs;
  }
}
