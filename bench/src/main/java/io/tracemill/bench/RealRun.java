package io.tracemill.bench;

import io.tracemill.engine.api.KvPolicySettings;
import io.tracemill.engine.backend.Backend;
import io.tracemill.engine.backend.LaneCompression;
import io.tracemill.engine.backend.LaneStart;
import io.tracemill.engine.backend.PendingTokens;
import io.tracemill.engine.backend.PrefillChunk;
import io.tracemill.engine.compress.CompressionSchedule;
import io.tracemill.engine.compress.KvCompressionPolicy;
import io.tracemill.engine.compress.KvPolicies;
import io.tracemill.engine.compress.RowPlan;
import io.tracemill.engine.kvcache.KvLayout;
import java.util.ArrayDeque;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.Deque;
import java.util.List;
import java.util.Random;

/** A run that is generated token by token, beside the same put together from step times. */
final class RealRun {
  private static final int REAL_OUTPUT = 4096;

  private final GpuMeter meter;

  RealRun(GpuMeter meter) {
    this.meter = meter;
  }

  /** Generates for real, batch 16 with RPC, every token read by Java. */
  void run() {
    int batch = 16;
    KvCompressionPolicy policy = KvPolicies.create(KvPolicySettings.rpc(1024, 32, 4));
    CompressionSchedule schedule = policy.schedule();
    meter.probe().endLanes();
    Backend backend = meter.probe().backend();
    Deque<Integer> free = new ArrayDeque<>();
    for (int page = 0; page < meter.probe().info().numPages(); page++) {
      free.add(page);
    }
    int[] held = new int[batch];
    int[] lanes = new int[batch];
    List<PrefillChunk> prompts = new ArrayList<>();
    for (int lane = 0; lane < batch; lane++) {
      lanes[lane] = lane;
      int[] prompt = new Random(lane).ints(GpuMeter.PROMPT, 0, 1000).toArray();
      backend.startLane(new LaneStart(lane, GpuMeter.SAMPLING, lane, prompt, 32));
      held[lane] = grow(backend, free, lane, 0, GpuMeter.PROMPT);
      prompts.add(new PrefillChunk(lane, 0, prompt, true));
    }
    backend.prefill(prompts).await();
    long start = System.nanoTime();
    PendingTokens previous = null;
    for (int step = 1; step < REAL_OUTPUT; step++) {
      int attended = schedule.rowsAttended(GpuMeter.PROMPT, step);
      for (int lane = 0; lane < batch; lane++) {
        held[lane] = grow(backend, free, lane, held[lane], attended);
      }
      PendingTokens next = backend.decode(lanes);
      if (schedule.dueAfter(GpuMeter.PROMPT, step)) {
        RowPlan plan = schedule.plan(GpuMeter.PROMPT, step).orElseThrow();
        backend.compress(
            Arrays.stream(lanes)
                .mapToObj(lane -> new LaneCompression(lane, plan, policy.scoreRule().orElseThrow()))
                .toList());
      }
      if (previous != null) {
        previous.await();
      }
      previous = next;
    }
    previous.await();
    double seconds = (System.nanoTime() - start) / 1e9;
    for (int lane : lanes) {
      backend.endLane(lane);
    }
    GpuMeter.print(
        "Real run: batch %d, rpc P=1024, %d tokens out: %.1f tok/s (wall, tokens read by Java).%n",
        batch, REAL_OUTPUT, batch * (REAL_OUTPUT - 1) / seconds);
    StepTimes times = new StepTimes();
    for (int rows : new int[] {128, 512, 1024, 1536, 2048}) {
      times.add(rows, meter.stepMicros(batch, rows));
    }
    double integral = new RunTables(meter).integrate(times, policy, batch, REAL_OUTPUT);
    GpuMeter.print(
        "The same integrated from step times: %.1f tok/s.%n", batch * (REAL_OUTPUT - 1) / integral);
  }

  private static int grow(Backend backend, Deque<Integer> free, int lane, int held, int rows) {
    int needed = KvLayout.pagesFor(rows);
    if (needed <= held) {
      return held;
    }
    int[] pages = new int[needed - held];
    for (int i = 0; i < pages.length; i++) {
      pages[i] = free.remove();
    }
    backend.mapPages(lane, held, pages);
    return needed;
  }
}
