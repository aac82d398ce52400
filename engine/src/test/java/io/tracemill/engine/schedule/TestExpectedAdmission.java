package io.tracemill.engine.schedule;

import static io.tracemill.engine.schedule.SchedulerHarness.options;
import static io.tracemill.engine.schedule.SchedulerHarness.spec;
import static io.tracemill.engine.schedule.TestScheduler.assertSameTokens;
import static org.assertj.core.api.Assertions.assertThat;

import io.tracemill.engine.TestSeeds;
import io.tracemill.engine.api.FinishReason;
import io.tracemill.engine.api.KvPolicySettings;
import io.tracemill.engine.backend.CounterRandom;
import io.tracemill.engine.backend.FakeBackend;
import io.tracemill.engine.schedule.SchedulerOptions.AdmissionMode;
import java.util.ArrayList;
import java.util.List;
import java.util.Map;
import java.util.OptionalInt;
import java.util.Random;
import java.util.function.ToIntFunction;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.EnumSource;

/**
 * Admission by expected lengths: more lanes, the same tokens, and an end however wrong they are.
 */
final class TestExpectedAdmission {
  private static final int BUDGET = 250;
  private static final FakeBackend.Lengths LENGTHS =
      key -> 1 + (int) Long.remainderUnsigned(key, 260);

  /** What is expected of a sequence. */
  private enum Forecast {
    RIGHT,
    HALF,
    NEXT_TO_NOTHING,
    ANYTHING,
    WHOLE_BUDGET;

    SequenceSpec of(SequenceSpec spec, Random random) {
      int truth = length(spec);
      int expected =
          switch (this) {
            case RIGHT -> truth;
            case HALF -> Math.max(1, truth / 2);
            case NEXT_TO_NOTHING -> 1;
            case ANYTHING -> 1 + random.nextInt(400);
            case WHOLE_BUDGET -> BUDGET;
          };
      return expecting(spec, expected);
    }
  }

  private static int length(SequenceSpec spec) {
    return Math.min(
        spec.sampling().maxNewTokens(),
        LENGTHS.outputTokens(CounterRandom.key(spec.sampling().seed(), spec.rowKey(), 0)));
  }

  private static SequenceSpec expecting(SequenceSpec spec, int tokens) {
    return new SequenceSpec(
        spec.rowKey(),
        spec.sampleIndex(),
        spec.promptTokens(),
        spec.sampling(),
        spec.policy(),
        OptionalInt.of(tokens),
        spec.outputWatch());
  }

  private static List<SequenceSpec> specs(Random random, int count) {
    KvPolicySettings[] policies = {
      KvPolicySettings.full(), KvPolicySettings.rpc(32, 8, 2), KvPolicySettings.rpc(64, 16, 8)
    };
    List<SequenceSpec> specs = new ArrayList<>();
    for (int i = 0; i < count; i++) {
      specs.add(spec("row " + i, 1 + random.nextInt(350), BUDGET, policies[i % 3]));
    }
    return specs;
  }

  @ParameterizedTest
  @EnumSource(Forecast.class)
  void tokensAndAccountsAreTheSameHoweverWrongTheForecastIs(Forecast forecast) {
    Random random = TestSeeds.random("TestExpectedAdmission");
    for (int round = 0; round < TestSeeds.iterations(3); round++) {
      List<SequenceSpec> specs = specs(random, 60);
      Map<String, FinishedSequence> alone =
          new SchedulerHarness(new FakeBackend(60, 1, 1, LENGTHS), options()).run(specs);
      for (int pages : new int[] {12, 14, 30, 100}) {
        for (int stepsInFlight = 1; stepsInFlight <= 2; stepsInFlight++) {
          SchedulerHarness harness =
              new SchedulerHarness(
                  new FakeBackend(pages, 32, stepsInFlight, LENGTHS),
                  options(AdmissionMode.EXPECTED));
          assertSameTokens(
              harness.run(specs.stream().map(each -> forecast.of(each, random)).toList()), alone);
          if (forecast == Forecast.WHOLE_BUDGET) {
            assertThat(harness.counters.pausedLaneSteps()).isZero();
          }
        }
      }
    }
  }

  @Test
  void whereAllWaitForPagesTheYoungestBeginsAnew() {
    List<SequenceSpec> specs = new ArrayList<>();
    for (int i = 0; i < 8; i++) {
      specs.add(expecting(spec("row " + i, 60, 600, KvPolicySettings.full()), 1));
    }
    FakeBackend.Lengths endless = key -> Integer.MAX_VALUE;
    SchedulerHarness alone =
        new SchedulerHarness(new FakeBackend(12, 1, 1, endless), options(AdmissionMode.LOOKAHEAD));
    SchedulerHarness crowded =
        new SchedulerHarness(new FakeBackend(12, 8, 1, endless), options(AdmissionMode.EXPECTED));
    assertSameTokens(crowded.run(specs), alone.run(specs));
    assertThat(crowded.counters.restarts()).isPositive();
    assertThat(crowded.counters.pausedLaneSteps()).isPositive();
  }

  @Test
  void otherAdmissionsDoNotLookAtWhatIsExpected() {
    Random random = TestSeeds.random("TestExpectedAdmission others");
    List<SequenceSpec> specs = specs(random, 30);
    for (AdmissionMode mode : List.of(AdmissionMode.LOOKAHEAD, AdmissionMode.RESERVE_PEAK)) {
      SchedulerHarness harness =
          new SchedulerHarness(new FakeBackend(20, 16, 1, LENGTHS), options(mode));
      harness.run(specs.stream().map(each -> expecting(each, 1)).toList());
      assertThat(harness.counters.pausedLaneSteps()).isZero();
      assertThat(harness.counters.restarts()).isZero();
    }
  }

  @Test
  void goodForecastsFillMoreLanes() {
    ToIntFunction<AdmissionMode> steps =
        mode -> {
          List<SequenceSpec> specs = new ArrayList<>();
          for (int i = 0; i < 200; i++) {
            SequenceSpec spec = spec("row " + i, 20, 2_000, KvPolicySettings.full());
            specs.add(expecting(spec, length(spec)));
          }
          SchedulerHarness harness =
              new SchedulerHarness(new FakeBackend(64, 32, 1, LENGTHS), options(mode));
          harness.run(specs);
          return Math.toIntExact(harness.counters.steps());
        };
    assertThat(steps.applyAsInt(AdmissionMode.EXPECTED))
        .isLessThan(steps.applyAsInt(AdmissionMode.LOOKAHEAD) / 4);
  }

  @Test
  void withdrawingAtAnyMomentLeavesNothingBehind() {
    Random random = TestSeeds.random("TestExpectedAdmission soak");
    for (int round = 0; round < TestSeeds.iterations(8); round++) {
      SchedulerHarness harness =
          new SchedulerHarness(
              new FakeBackend(
                  12 + random.nextInt(30), 1 + random.nextInt(16), 1 + random.nextInt(2), LENGTHS),
              options(AdmissionMode.EXPECTED));
      List<SequenceSpec> specs = specs(random, 60);
      int next = 0;
      int withdrawals = 0;
      while (next < specs.size() || !harness.scheduler.isIdle()) {
        int event = random.nextInt(100);
        if (event < 10 && next < specs.size()) {
          SequenceSpec spec = Forecast.ANYTHING.of(specs.get(next), random);
          harness.submit(spec, "feeder " + next % 5);
          next++;
        } else if (event == 10 && withdrawals < 6) {
          withdrawals++;
          String owner = "feeder " + random.nextInt(5);
          harness.scheduler.cancel(owner::equals);
        } else {
          harness.scheduler.step();
        }
      }
      harness.run();
      assertThat(harness.results).hasSize(specs.size());
      assertThat(harness.results.values())
          .noneMatch(result -> result.reason() == FinishReason.ERROR);
    }
  }
}
