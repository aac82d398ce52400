package io.tracemill.udf;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import io.tracemill.engine.api.KvPolicySettings;
import io.tracemill.engine.api.Prompt;
import io.tracemill.engine.api.RowError;
import io.tracemill.engine.error.ErrorCode;
import io.tracemill.engine.error.ReasoningException;
import java.util.ArrayList;
import java.util.Iterator;
import java.util.List;
import java.util.concurrent.atomic.AtomicInteger;
import java.util.stream.IntStream;
import org.junit.jupiter.api.Test;

class TestFeederIterator {
  private static final GenerationSettings SETTINGS = FakeSettings.generation();

  @Test
  void everyPieceOfWorkEndsInExactlyOneResultWithItsOwnRow() {
    try (FakeEngine engine = engine(FakeEngine.fast());
        FeederIterator<Integer> results = over(work(500), engine, 16, 1 << 20)) {
      List<Integer> rows = new ArrayList<>();
      while (results.hasNext()) {
        Work.Done<Integer> done = results.next();
        assertThat(done.result().rowKey()).isEqualTo("k" + done.row());
        rows.add(done.row());
      }
      assertThat(rows)
          .containsExactlyInAnyOrderElementsOf(IntStream.range(0, 500).boxed().toList());
      assertThat(rows).as("completion order, not input order").isNotEqualTo(sorted(rows));
    }
  }

  @Test
  void rowsThatCannotRunComeBackAtOnceWithTheirError() {
    List<Work<Integer>> work = new ArrayList<>(work(3));
    work.add(
        1,
        new Work.Refused<>(
            99,
            "bad",
            0,
            KvPolicySettings.full(),
            new RowError(ErrorCode.INVALID_PROMPT, "The prompt is null.")));
    try (FakeEngine engine = engine(FakeEngine.fast());
        FeederIterator<Integer> results = over(work, engine, 16, 1 << 20)) {
      int failed = 0;
      int rows = 0;
      while (results.hasNext()) {
        Work.Done<Integer> done = results.next();
        rows++;
        if (done.result().error().isPresent()) {
          failed++;
          assertThat(done.row()).isEqualTo(99);
          assertThat(done.result().error().get().message()).isEqualTo("The prompt is null.");
        }
      }
      assertThat(failed).isEqualTo(1);
      assertThat(rows).isEqualTo(4);
    }
  }

  @Test
  void prefetchStaysWithinItsBoundsInRowsAndBytes() {
    for (int[] bounds : new int[][] {{4, 1 << 20}, {100, 300}, {100, 1}}) {
      AtomicInteger pulled = new AtomicInteger();
      AtomicInteger most = new AtomicInteger();
      int[] taken = {0};
      Iterator<Work<Integer>> counting =
          work(60).stream()
              .peek(
                  each -> {
                    pulled.incrementAndGet();
                    most.accumulateAndGet(pulled.get() - taken[0], Math::max);
                  })
              .iterator();
      try (FakeEngine engine = engine(new FakeEngine.Opener(1, 3, 0, ""));
          FeederIterator<Integer> results =
              new FeederIterator<>(counting, engine.feeder(), bounds[0], bounds[1], () -> {})) {
        while (results.hasNext()) {
          results.next();
          taken[0]++;
        }
      }
      // A piece weighs 100 bytes; one more may be pulled by the source's own look-ahead.
      int allowed = Math.min(bounds[0], Math.max(1, bounds[1] / 100)) + 1;
      assertThat(most.get()).isLessThanOrEqualTo(allowed);
    }
  }

  @Test
  void aKilledTaskWithdrawsWhatIsOutstanding() {
    try (FakeEngine engine = engine(new FakeEngine.Opener(20, 1_000, 0, ""))) {
      AtomicInteger beats = new AtomicInteger();
      FeederIterator<Integer> results =
          new FeederIterator<>(
              work(50).iterator(),
              engine.feeder(),
              16,
              1 << 20,
              () -> {
                if (beats.incrementAndGet() > 20) {
                  throw new IllegalStateException("killed");
                }
              });
      assertThatThrownBy(results::hasNext).hasMessage("killed");
      assertThat(engine.inside()).isPositive();
      results.close();
      assertThat(engine.inside()).isZero();
    }
  }

  @Test
  void whatFinishedBeforeTheEngineDiedIsHandedOutFirst() {
    try (FakeEngine engine = engine(new FakeEngine.Opener(1, 1, 10, ""));
        FeederIterator<Integer> results = over(work(50), engine, 50, 1 << 20)) {
      AtomicInteger rows = new AtomicInteger();
      assertThatThrownBy(
              () -> {
                while (results.hasNext()) {
                  results.next();
                  rows.incrementAndGet();
                }
              })
          .isInstanceOf(ReasoningException.class)
          .hasMessage("The fake engine has died.");
      assertThat(rows).hasValueLessThanOrEqualTo(10);
    }
  }

  @Test
  void aKeyThatIsFedTwiceIsADefectAndSaysSo() {
    List<Work<Integer>> work = new ArrayList<>(work(1));
    work.addAll(work(1));
    try (FakeEngine engine = engine(new FakeEngine.Opener(50, 1_000, 0, ""));
        FeederIterator<Integer> results = over(work, engine, 16, 1 << 20)) {
      assertThatThrownBy(results::hasNext).hasMessage("row key k0 was fed twice");
    }
  }

  private static FakeEngine engine(FakeEngine.Opener opener) {
    return (FakeEngine) opener.open(FakeSettings.engine(8));
  }

  private static FeederIterator<Integer> over(
      List<Work<Integer>> work, FakeEngine engine, int rows, long bytes) {
    return new FeederIterator<>(work.iterator(), engine.feeder(), rows, bytes, () -> {});
  }

  private static List<Work<Integer>> work(int rows) {
    List<Work<Integer>> work = new ArrayList<>();
    for (int i = 0; i < rows; i++) {
      work.add(
          new Work.Wanted<>(i, SETTINGS.request("k" + i, 0, new Prompt.Text("prompt " + i)), 100));
    }
    return work;
  }

  private static List<Integer> sorted(List<Integer> rows) {
    return rows.stream().sorted().toList();
  }
}
