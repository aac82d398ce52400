package io.tracemill.gpu.internal.backend;

import static org.assertj.core.api.Assertions.assertThat;

import com.fasterxml.jackson.databind.JsonNode;
import io.tracemill.engine.api.SamplingParams;
import io.tracemill.engine.backend.LaneCompression;
import io.tracemill.engine.compress.RowPlan;
import java.util.ArrayList;
import java.util.HashSet;
import java.util.List;
import java.util.Set;
import org.junit.jupiter.api.AfterAll;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.Tag;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.TestInstance;

/**
 * The demo model on the card against the float32 reference. Activations are bf16 here, so the
 * reference's tokens are fed back (teacher forcing) and a choice may differ only where the
 * reference itself nearly tied; kept rows are compared as sets.
 */
@Tag("gpu")
@RequiresGpu
@TestInstance(TestInstance.Lifecycle.PER_CLASS)
class TestCudaGolden {
  private static final int RING = 32;
  private static final int VOCAB = 2048;

  /** Logits of this model spread over about 40; bf16 keeps 8 bits of them. */
  private static final double NEAR_TIE = 0.25;

  private static final double LEAST_OVERLAP = 0.97;

  /** Choices of the card that may differ where its kept rows differ from the reference's. */
  private static final double MOST_CHOICES_AFTER_OTHER_ROWS = 0.01;

  private CudaBackend backend;
  private PagedLanes lanes;

  /** Choices made with kept rows that are not, or not known to be, the reference's. */
  private int choices;

  /** Of these, the ones that differ from the reference's without a near-tie. */
  private int otherChoices;

  /** Once, before the first test; not for the class, whose tests may all be skipped. */
  @BeforeEach
  void open() {
    if (backend == null) {
      backend = Gpu.openDemo(6, RING, 64);
      lanes = new PagedLanes(backend);
    }
  }

  @AfterAll
  void close() {
    if (backend != null) {
      backend.close();
      assertThat(backend.session().memory().openBuffers()).isZero();
    }
  }

  @Test
  void promptLogitsAreTheReferencesWithinBf16() {
    for (GoldenCase golden : GoldenCase.full()) {
      lanes.start(0, golden.prompt(), SamplingParams.greedy(1), 0, 0);
      int token = lanes.prefill(0, golden.prompt(), 64);
      float[] logits =
          Gpu.floats(backend.session(), backend.session().transformer().logits(), VOCAB);
      lanes.end(0);
      double error = 0;
      double size = 0;
      double largest = 0;
      for (int i = 0; i < VOCAB; i++) {
        double difference = logits[i] - golden.promptLogits()[i];
        error += difference * difference;
        size += (double) golden.promptLogits()[i] * golden.promptLogits()[i];
        largest = Math.max(largest, Math.abs(difference));
      }
      System.err.printf(
          "%s: prompt logits NMSE %.2e, largest difference %.4f%n",
          golden.id(), error / size, largest);
      assertThat(error / size).as("NMSE of " + golden.id()).isLessThan(1e-4);
      assertThat(token).isEqualTo(golden.ids()[0]);
    }
  }

  @Test
  void everyChoiceWithAFullCacheIsTheReferencesButForNearTies() {
    for (GoldenCase golden : GoldenCase.full()) {
      follow(golden);
    }
  }

  @Test
  void everyChoiceAndEveryKeptSetWithRpcIsTheReferencesButForNearTies() {
    double shared = 0;
    double all = 0;
    choices = 0;
    otherChoices = 0;
    for (GoldenCase golden : GoldenCase.rpc()) {
      for (Kept kept : follow(golden)) {
        shared += kept.shared();
        all += kept.rows();
      }
    }
    System.err.printf("kept rows compared: %.0f, equal %.4f%n", all, shared / all);
    assertThat(all).isGreaterThan(10_000);
    assertThat(shared / all).isGreaterThan(LEAST_OVERLAP);
    System.err.printf("choices after other rows: %d, otherwise %d%n", choices, otherChoices);
    assertThat(otherChoices).isLessThanOrEqualTo((int) (choices * MOST_CHOICES_AFTER_OTHER_ROWS));
  }

  /** Rows that a set keeps, and those of them that the reference keeps, too. */
  private record Kept(int rows, int shared) {}

  /** Feeds the reference's tokens; returns the sets that the file traces. */
  private List<Kept> follow(GoldenCase golden) {
    int[] ids = golden.ids();
    lanes.start(0, golden.prompt(), SamplingParams.greedy(ids.length), 0, golden.window());
    int[] chosen = new int[ids.length];
    chosen[0] = lanes.prefill(0, golden.prompt(), 50);
    int rows = golden.prompt().length;
    List<Kept> sets = new ArrayList<>();
    int sameRowsUntil = ids.length;
    for (int step = 1; step < ids.length; step++) {
      lanes.reserve(0, ++rows);
      backend.session().lanes().force(LaneState.Field.TOKEN_ID, 0, ids[step - 1]);
      chosen[step] = backend.decode(new int[] {0}).await()[0];
      RowPlan plan = golden.planAfter(step).orElse(null);
      if (plan != null) {
        backend.compress(List.of(new LaneCompression(0, plan, golden.rule()))).scoreCuts();
        int number = (step - golden.window()) / golden.interval();
        boolean sameRows = false;
        if (number <= golden.traces().size()) {
          List<Kept> compared = compareSets(golden, golden.traces().get(number - 1), plan);
          sameRows = compared.stream().allMatch(kept -> kept.shared() == kept.rows());
          sets.addAll(compared);
        }
        if (!sameRows) {
          sameRowsUntil = Math.min(sameRowsUntil, step);
        }
        rows = plan.rowsAfter();
        lanes.release(0, rows);
      }
    }
    lanes.end(0);
    int nearTies = 0;
    int otherwise = 0;
    List<Integer> wrong = new ArrayList<>();
    for (int i = 0; i < ids.length; i++) {
      choices += i > sameRowsUntil ? 1 : 0;
      if (chosen[i] == ids[i]) {
        continue;
      }
      if (golden.gaps()[i] < NEAR_TIE) {
        nearTies++;
      } else if (i > sameRowsUntil) {
        otherwise++;
      } else {
        wrong.add(i);
      }
    }
    otherChoices += otherwise;
    System.err.printf(
        "%s: %d tokens, the reference's rows until %d; chosen otherwise: %d near-ties, %d after"
            + " other rows, wrong %s; least overlap %.4f of %d sets%n",
        golden.id(),
        ids.length,
        sameRowsUntil,
        nearTies,
        otherwise,
        wrong,
        sets.stream().mapToDouble(k -> k.shared() / (double) k.rows()).min().orElse(1),
        sets.size());
    assertThat(wrong).as("tokens of %s chosen otherwise for no reason", golden.id()).isEmpty();
    return sets;
  }

  private List<Kept> compareSets(GoldenCase golden, JsonNode trace, RowPlan plan) {
    CudaSession session = backend.session();
    Compressor.Selection selection = session.compressor().lastSelection().orElseThrow();
    int lists = selection.shape().listsPerLayer();
    int kept = plan.retained();
    int[] slots =
        Gpu.ints(session, selection.slots(), selection.shape().numLayers() * lists * kept);
    List<Kept> sets = new ArrayList<>();
    for (JsonNode layer : trace.get("layers")) {
      for (int list = 0; list < lists; list++) {
        int first = (layer.get("layer").intValue() * lists + list) * kept;
        Set<Integer> ours = new HashSet<>();
        for (int i = 0; i < kept; i++) {
          ours.add(slots[first + i] - plan.protectedRows());
        }
        assertThat(ours).as("distinct slots of " + golden.id()).hasSize(kept);
        int shared = 0;
        for (int slot : GoldenCase.ints(layer.get("sets").get(list).get("slots"))) {
          shared += ours.contains(slot) ? 1 : 0;
        }
        sets.add(new Kept(kept, shared));
      }
    }
    return sets;
  }
}
