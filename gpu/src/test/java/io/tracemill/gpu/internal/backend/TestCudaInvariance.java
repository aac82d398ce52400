package io.tracemill.gpu.internal.backend;

import static org.assertj.core.api.Assertions.assertThat;

import io.tracemill.engine.api.HeadAggregation;
import io.tracemill.engine.api.SamplingParams;
import io.tracemill.engine.backend.CounterRandom;
import io.tracemill.engine.backend.LaneCompression;
import io.tracemill.engine.compress.RowPlan;
import io.tracemill.engine.compress.ScoreRule.SelectorAttention;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.Collections;
import java.util.List;
import java.util.stream.IntStream;
import org.junit.jupiter.api.Tag;
import org.junit.jupiter.api.Test;

/** A row's tokens do not depend on the number of lanes, on its neighbours or on prompt chunks. */
@Tag("gpu")
@RequiresGpu
class TestCudaInvariance {
  private static final int TOKENS = 150;
  private static final int INTERVAL = 64;
  private static final int WINDOW = 16;
  private static final int KEPT = 16;

  private static final SelectorAttention RULE =
      new SelectorAttention(Collections.nCopies(WINDOW, 1f), HeadAggregation.ALL, 7);

  @Test
  void tokensAreTheSameWith1And7And32LanesAndAnyChunk() {
    List<int[]> prompts = new ArrayList<>();
    List<GoldenCase> golden = GoldenCase.full();
    for (int i = 0; i < 32; i++) {
      prompts.add(golden.get(i % golden.size()).prompt());
    }
    List<int[]> alone = run(prompts, 1, 64);
    assertThat(alone.get(0)).isNotEqualTo(alone.get(golden.size()));
    for (int lanes : new int[] {7, 32}) {
      List<int[]> together = run(prompts, lanes, lanes == 7 ? 13 : 40);
      for (int i = 0; i < prompts.size(); i++) {
        assertThat(together.get(i)).as("row %d with %d lanes", i, lanes).isEqualTo(alone.get(i));
      }
    }
  }

  /** Samples every prompt with its own key, in batches that start and end at different times. */
  private static List<int[]> run(List<int[]> prompts, int numLanes, int chunk) {
    SamplingParams sampling =
        new SamplingParams(2.5f, 60, 0.98f, 0.001f, 1.05f, TOKENS, List.of(), 5);
    List<int[]> tokens = new ArrayList<>();
    try (CudaBackend backend = Gpu.openDemo(numLanes, WINDOW, 64)) {
      PagedLanes lanes = new PagedLanes(backend);
      int[] rowOf = new int[numLanes];
      int[] rows = new int[numLanes];
      int[] done = new int[numLanes];
      Arrays.fill(rowOf, -1);
      for (int i = 0; i < prompts.size(); i++) {
        tokens.add(new int[TOKENS]);
      }
      int next = 0;
      int finished = 0;
      while (finished < prompts.size()) {
        for (int lane = 0; lane < numLanes && next < prompts.size(); lane++) {
          if (rowOf[lane] < 0) {
            int[] prompt = prompts.get(next);
            lanes.start(lane, prompt, sampling, CounterRandom.key(5, "row" + next, 0), WINDOW);
            tokens.get(next)[0] = lanes.prefill(lane, prompt, chunk);
            rowOf[lane] = next++;
            rows[lane] = prompt.length;
            done[lane] = 1;
            break;
          }
        }
        int[] batch = IntStream.range(0, numLanes).filter(lane -> rowOf[lane] >= 0).toArray();
        for (int lane : batch) {
          lanes.reserve(lane, ++rows[lane]);
        }
        int[] sampled = backend.decode(batch).await();
        List<LaneCompression> due = new ArrayList<>();
        for (int i = 0; i < batch.length; i++) {
          int lane = batch[i];
          int step = done[lane];
          tokens.get(rowOf[lane])[done[lane]++] = sampled[i];
          if (step >= INTERVAL + WINDOW && (step - WINDOW) % INTERVAL == 0) {
            int number = (step - WINDOW) / INTERVAL;
            RowPlan plan =
                new RowPlan(
                    prompts.get(rowOf[lane]).length,
                    (number - 1) * KEPT + INTERVAL,
                    number * KEPT,
                    WINDOW);
            due.add(new LaneCompression(lane, plan, RULE));
            rows[lane] = plan.rowsAfter();
          }
        }
        if (!due.isEmpty()) {
          backend.compress(due);
          due.forEach(d -> lanes.release(d.lane(), d.plan().rowsAfter()));
        }
        for (int lane : batch) {
          if (done[lane] == TOKENS) {
            lanes.end(lane);
            rowOf[lane] = -1;
            finished++;
          }
        }
      }
      assertThat(lanes.freePages()).isEqualTo(backend.info().numPages());
    }
    return tokens;
  }
}
