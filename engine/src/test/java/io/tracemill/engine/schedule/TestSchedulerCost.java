package io.tracemill.engine.schedule;

import static io.tracemill.engine.schedule.SchedulerHarness.spec;
import static org.assertj.core.api.Assertions.assertThat;

import com.sun.management.ThreadMXBean;
import io.tracemill.engine.api.FinishReason;
import io.tracemill.engine.api.KvPolicySettings;
import io.tracemill.engine.backend.Backend;
import io.tracemill.engine.backend.BackendInfo;
import io.tracemill.engine.backend.LaneCompression;
import io.tracemill.engine.backend.LaneStart;
import io.tracemill.engine.backend.PendingCompression;
import io.tracemill.engine.backend.PendingTokens;
import io.tracemill.engine.backend.PrefillChunk;
import io.tracemill.engine.kvcache.KvLayout;
import java.lang.management.ManagementFactory;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.List;
import java.util.Optional;
import java.util.Set;
import java.util.TreeMap;
import org.junit.jupiter.api.Test;

/** What a step costs the engine thread itself, beside the backend. */
final class TestSchedulerCost {
  private static final int STEPS = 2000;

  @Test
  void aStepAllocatesLittleMoreThanItsTokens() {
    for (int lanes : new int[] {1, 32, 256}) {
      Ran ran = run(lanes);
      System.out.printf(
          "TestSchedulerCost: %d lanes, %d bytes and %.1f us per step%n",
          lanes, ran.bytesPerStep(), ran.microsPerStep());
      // The token array, the list of tokens that grows by doubling, and page tables.
      assertThat(ran.bytesPerStep()).isLessThan(1500 + 24L * lanes);
    }
  }

  @Test
  void anOutputOfOneTokenForeverIsCutAsALoop() {
    SteadyBackend backend = new SteadyBackend(2);
    List<FinishReason> reasons = new ArrayList<>();
    Scheduler scheduler = scheduler(backend, Optional.of(LoopRule.DEFAULT));
    scheduler.submit(spec("row", 10, 5000, KvPolicySettings.full()), ticket(reasons), 0);
    while (!scheduler.isIdle()) {
      scheduler.step();
    }
    assertThat(reasons).containsExactly(FinishReason.LOOP);
    assertThat(backend.steps).isEqualTo(LoopRule.DEFAULT.minTokens() - 1);
  }

  private record Ran(long bytesPerStep, double microsPerStep) {}

  private static Ran run(int lanes) {
    Scheduler scheduler = scheduler(new SteadyBackend(lanes), Optional.empty());
    for (int lane = 0; lane < lanes; lane++) {
      scheduler.submit(
          spec("row " + lane, 10, 100_000, KvPolicySettings.rpc(256, 32, 4)),
          ticket(new ArrayList<>()),
          0);
    }
    for (int step = 0; step < STEPS; step++) {
      scheduler.step();
    }
    ThreadMXBean threads = (ThreadMXBean) ManagementFactory.getThreadMXBean();
    long self = Thread.currentThread().getId();
    long before = threads.getThreadAllocatedBytes(self);
    long start = System.nanoTime();
    for (int step = 0; step < STEPS; step++) {
      scheduler.step();
    }
    long nanos = System.nanoTime() - start;
    long bytes = threads.getThreadAllocatedBytes(self) - before;
    return new Ran(bytes / STEPS, nanos / 1e3 / STEPS);
  }

  private static Scheduler scheduler(Backend backend, Optional<LoopRule> loopRule) {
    return new Scheduler(
        backend,
        new SchedulerOptions(
            4096, 200_000, 32, SchedulerOptions.AdmissionMode.LOOKAHEAD, Set.of(1), loopRule, 1000),
        new EngineCounters());
  }

  private static Ticket ticket(List<FinishReason> reasons) {
    return new Ticket() {
      @Override
      public Object owner() {
        return reasons;
      }

      @Override
      public void started() {}

      @Override
      public void finished(FinishedSequence result) {
        reasons.add(result.reason());
      }
    };
  }

  /** Answers 7 to everything at once and allocates only the tokens. */
  private static final class SteadyBackend implements Backend {
    private final BackendInfo info;
    int steps;

    SteadyBackend(int lanes) {
      info =
          new BackendInfo(
              "steady",
              "no device",
              Optional.empty(),
              "none",
              new KvLayout(1, 1, 2, 2),
              500 * lanes,
              lanes,
              1,
              false,
              new TreeMap<>());
    }

    @Override
    public BackendInfo info() {
      return info;
    }

    @Override
    public void startLane(LaneStart start) {}

    @Override
    public void mapPages(int lane, int firstEntry, int[] pages) {}

    @Override
    public void endLane(int lane) {}

    @Override
    public PendingTokens prefill(List<PrefillChunk> chunks) {
      return new Sevens((int) chunks.stream().filter(PrefillChunk::last).count());
    }

    @Override
    public PendingTokens decode(int[] lanes) {
      steps++;
      return new Sevens(lanes.length);
    }

    @Override
    public PendingCompression compress(List<LaneCompression> compressions) {
      return new PendingCompression() {
        @Override
        public boolean isDone() {
          return true;
        }

        @Override
        public float[] scoreCuts() {
          return new float[compressions.size()];
        }

        @Override
        public double millis() {
          return 0;
        }
      };
    }

    @Override
    public void close() {}
  }

  private record Sevens(int size) implements PendingTokens {
    @Override
    public boolean isDone() {
      return true;
    }

    @Override
    public int[] await() {
      int[] tokens = new int[size];
      Arrays.fill(tokens, 7);
      return tokens;
    }
  }
}
