package io.tracemill.engine.schedule;

import static io.tracemill.engine.schedule.SchedulerHarness.spec;
import static org.assertj.core.api.Assertions.assertThat;

import io.tracemill.engine.TestSeeds;
import io.tracemill.engine.api.KvPolicySettings;
import io.tracemill.engine.kvcache.KvLayout;
import io.tracemill.engine.kvcache.PageAllocator;
import java.util.ArrayList;
import java.util.List;
import java.util.Random;
import org.junit.jupiter.api.Test;

final class TestLookaheadAdmission {
  private static final Ticket NOBODY =
      new Ticket() {
        @Override
        public Object owner() {
          return this;
        }

        @Override
        public void started() {}

        @Override
        public void finished(FinishedSequence result) {
          throw new AssertionError("nothing ends here");
        }
      };

  private final PageAllocator anyPages = new PageAllocator(1);

  @Test
  void whatItAdmitsFitsAtEveryFutureStepAndWhatItRefusesComesClose() {
    Random random = TestSeeds.random("TestLookaheadAdmission");
    int refused = 0;
    for (int round = 0; round < TestSeeds.iterations(60); round++) {
      int total = 10 + random.nextInt(80);
      LookaheadAdmission admission = new LookaheadAdmission(total, 1000);
      List<Sequence> admitted = new ArrayList<>();
      long clock = 0;
      for (int i = 0; i < 60; i++) {
        clock += random.nextInt(40);
        long now = clock;
        admission.advance(now);
        admitted.removeIf(sequence -> ended(sequence, now));
        Sequence candidate = candidate(random);
        long firstStep = clock + random.nextInt(3);
        boolean fits = admission.fits(candidate, firstStep);
        candidate.start(0, anyPages, firstStep);
        admitted.add(candidate);
        int most = mostPages(admitted, clock);
        if (fits) {
          assertThat(most).isLessThanOrEqualTo(total);
          admission.admit(candidate);
        } else {
          refused++;
          // Within a bucket each sequence counts with its maximum: one page, or one compression.
          assertThat(most + 3 * admitted.size()).isGreaterThan(total);
          admitted.remove(candidate);
        }
      }
    }
    assertThat(refused).isGreaterThan(100);
  }

  @Test
  void leavingGivesTheFutureBack() {
    LookaheadAdmission admission = new LookaheadAdmission(10, 1000);
    Sequence large = sequence(20, 600, KvPolicySettings.full());
    Sequence other = sequence(20, 600, KvPolicySettings.full());
    admission.advance(5);
    assertThat(admission.fits(large, 7)).isTrue();
    large.start(0, anyPages, 7);
    admission.admit(large);
    assertThat(admission.fits(other, 7)).isFalse();
    admission.advance(300);
    admission.release(large);
    assertThat(admission.fits(other, 300)).isTrue();
  }

  @Test
  void compressionsOutOfPhaseShareWhatPeaksCannot() {
    // Peak 3 pages (132 to 180 rows), 2 pages after a compression.
    KvPolicySettings policy = KvPolicySettings.rpc(64, 16, 4);
    LookaheadAdmission lookahead = new LookaheadAdmission(5, 1000);
    PeakAdmission peaks = new PeakAdmission(5);
    Sequence first = sequence(70, 110, policy);
    Sequence second = sequence(70, 110, policy);
    first.start(0, anyPages, 1);
    lookahead.advance(1);
    lookahead.admit(first);
    peaks.admit(first);
    assertThat(peaks.fits(second, 100)).isFalse();
    assertThat(lookahead.fits(second, 1)).isFalse();
    lookahead.advance(80);
    assertThat(lookahead.fits(second, 100)).isTrue();
  }

  /** At full size, 256 lanes with budgets of 32K tokens; coming and going looks at every bucket. */
  @Test
  void comingAndGoingIsCheapWithManyLanesAndLongBudgets() {
    KvPolicySettings policy = KvPolicySettings.rpc(1024, 32, 4);
    LookaheadAdmission admission = new LookaheadAdmission(257 * 143, 32_896);
    admission.advance(1);
    for (int i = 0; i < 256; i++) {
      Sequence sequence = sequence(128, 32_768, policy);
      sequence.start(0, anyPages, 1 + i);
      admission.admit(sequence);
    }
    Sequence candidate = sequence(128, 32_768, policy);
    assertThat(admission.fits(candidate, 2)).isTrue();
    candidate.start(0, anyPages, 2);
    int rounds = 2000;
    long start = 0;
    for (int i = 0; i < 2 * rounds; i++) {
      if (i == rounds) {
        start = System.nanoTime();
      }
      admission.admit(candidate);
      admission.release(candidate);
    }
    double micros = (System.nanoTime() - start) / 1e3 / (2 * rounds);
    System.out.printf("TestLookaheadAdmission: %.1f us per look at 32K tokens ahead%n", micros);
    assertThat(micros).as("microseconds, with room for a busy machine").isLessThan(1000);
  }

  private static Sequence candidate(Random random) {
    KvPolicySettings policy =
        switch (random.nextInt(3)) {
          case 0 -> KvPolicySettings.full();
          case 1 -> KvPolicySettings.rpc(16, 4, 4);
          default -> KvPolicySettings.rpc(64, 16, 4);
        };
    return sequence(1 + random.nextInt(300), 1 + random.nextInt(400), policy);
  }

  private static Sequence sequence(int prompt, int budget, KvPolicySettings policy) {
    return new Sequence(spec("row", prompt, budget, policy), NOBODY, budget, budget, 0);
  }

  private static boolean ended(Sequence sequence, long clock) {
    return clock > sequence.originClock() + Math.max(1, sequence.lastStep());
  }

  private static int mostPages(List<Sequence> sequences, long from) {
    int most = 0;
    for (long clock = from; clock < from + 800; clock++) {
      int pages = 0;
      for (Sequence sequence : sequences) {
        long step = clock - sequence.originClock();
        if (step <= Math.max(0, sequence.lastStep())) {
          pages +=
              KvLayout.pagesFor(
                  step < 1
                      ? sequence.promptRows()
                      : sequence.schedule().rowsAttended(sequence.promptRows(), (int) step));
        }
      }
      most = Math.max(most, pages);
    }
    return most;
  }
}
