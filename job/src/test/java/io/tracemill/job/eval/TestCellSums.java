package io.tracemill.job.eval;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.within;

import io.tracemill.job.JobRun;
import io.tracemill.job.eval.result.AgainstFull;
import io.tracemill.job.eval.result.CompressionProof;
import io.tracemill.job.eval.result.RowGroup;
import io.tracemill.udf.grade.WilsonInterval;
import java.util.ArrayList;
import java.util.List;
import java.util.Map;
import org.apache.spark.sql.Row;
import org.apache.spark.sql.RowFactory;
import org.apache.spark.sql.types.StructType;
import org.assertj.core.data.Offset;
import org.junit.jupiter.api.Test;

/** Sums against values worked out by hand. */
class TestCellSums {
  private static final Offset<Double> CLOSE = within(1e-9);

  private static final StructType TYPE =
      StructType.fromDDL(
          "cell STRING, problem STRING, temperature STRING, is_full BOOLEAN, sample_index INT,"
              + " run_id STRING, ok BOOLEAN, is_right BOOLEAN, complete BOOLEAN, truncated BOOLEAN,"
              + " tokens INT, compressions INT, mean_rows DOUBLE, peak_rows BIGINT,"
              + " compress_ms DOUBLE, proof INT, output_hash BIGINT");

  private final List<Row> rows = new ArrayList<>();

  private void row(String cell, int problem, boolean right, int tokens, int compressions) {
    boolean full = cell.startsWith("full");
    rows.add(
        RowFactory.create(
            cell,
            "p" + problem,
            "0",
            full,
            0,
            "run",
            true,
            right,
            true,
            false,
            tokens,
            compressions,
            compressions > 0 ? tokens / 4.0 : tokens / 2.0,
            compressions > 0 ? tokens / 2L : (long) tokens,
            2.0 * compressions,
            CompressionCheck.AS_PLANNED,
            compressions > 0 ? 1_000L + problem : problem));
  }

  private CellSums sums() {
    return new CellSums(JobRun.spark().createDataFrame(rows, TYPE));
  }

  private void twoCells() {
    // With the full cache 4 of 5 are right. The other cell loses problems 1 and 2, wins 5 and
    // compresses all but 4 and 5.
    for (int problem = 1; problem <= 5; problem++) {
      row("full", problem, problem < 5, 100 * problem, 0);
      row(
          "small",
          problem,
          problem > 2,
          100 * problem + (problem < 4 ? 60 : 0),
          problem < 4 ? 2 : 0);
    }
  }

  @Test
  void allRowsAndCompressedRowsAreSummedApart() {
    twoCells();
    CellSums sums = sums();
    RowGroup all = sums.groups(CellSums.Which.ALL).get("small");
    assertThat(all.problems()).isEqualTo(5);
    assertThat(all.rows()).isEqualTo(5);
    assertThat(all.right()).isEqualTo(3);
    assertThat(all.accuracy()).isCloseTo(0.6, CLOSE);
    assertThat(all.low()).isCloseTo(WilsonInterval.of(3, 5, 0.95).low(), CLOSE);
    assertThat(all.meanTokens()).isCloseTo((160 + 260 + 360 + 400 + 500) / 5.0, CLOSE);
    assertThat(all.meanTokensRight()).isCloseTo((360 + 400 + 500) / 3.0, CLOSE);
    assertThat(all.meanRows()).isCloseTo((40 + 65 + 90 + 200 + 250) / 5.0, CLOSE);
    assertThat(all.peakRows()).isEqualTo(500);
    assertThat(all.compressions()).isCloseTo(1.2, CLOSE);
    assertThat(all.compressMillis()).isCloseTo(2.4, CLOSE);

    RowGroup compressed = sums.groups(CellSums.Which.COMPRESSED).get("small");
    assertThat(compressed.rows()).isEqualTo(3);
    assertThat(compressed.right()).isEqualTo(1);
    assertThat(compressed.peakRows()).isEqualTo(180);
    assertThat(compressed.againstFull().orElseThrow().fullAccuracy()).isCloseTo(1, CLOSE);
    assertThat(sums.groups(CellSums.Which.COMPRESSED)).doesNotContainKey("full");
  }

  @Test
  void pairsAreOfTheSameProblems() {
    twoCells();
    AgainstFull against =
        sums().groups(CellSums.Which.ALL).get("small").againstFull().orElseThrow();
    assertThat(against.pairs()).isEqualTo(5);
    assertThat(against.difference()).isCloseTo(-0.2, CLOSE);
    assertThat(against.won()).isEqualTo(1);
    assertThat(against.lost()).isEqualTo(2);
    assertThat(against.method()).isEqualTo("mc-nemar-exact");
    assertThat(against.pValue()).as("three coins").isCloseTo(1, CLOSE);
    assertThat(against.lengthInflation()).isCloseTo(1_680 / 1_500.0, CLOSE);
    assertThat(against.kvShrink()).isCloseTo(750 / 645.0, CLOSE);
    assertThat(sums().groups(CellSums.Which.ALL).get("full").againstFull()).isEmpty();
  }

  @Test
  void severalSamplesOfAProblemAreOneObservation() {
    for (int problem = 1; problem <= 10; problem++) {
      for (int sample = 0; sample < 2; sample++) {
        sample("full", problem, sample, true);
        sample("small", problem, sample, problem > 4 || sample == 0 && problem > 2);
      }
    }
    RowGroup group = sums().groups(CellSums.Which.ALL).get("small");
    assertThat(group.problems()).isEqualTo(10);
    assertThat(group.rows()).isEqualTo(20);
    assertThat(group.accuracy()).isCloseTo(0.7, CLOSE);
    AgainstFull against = group.againstFull().orElseThrow();
    assertThat(against.method()).isEqualTo("clustered-by-row");
    assertThat(against.pairs()).isEqualTo(20);
    assertThat(against.difference()).isCloseTo(-0.3, CLOSE);
    assertThat(against.lost()).isEqualTo(6);
  }

  private void sample(String cell, int problem, int sample, boolean right) {
    row(cell, problem, right, 100, 0);
    Row last = rows.remove(rows.size() - 1);
    Object[] values = new Object[last.size()];
    for (int i = 0; i < values.length; i++) {
      values[i] = last.get(i);
    }
    values[4] = sample;
    rows.add(RowFactory.create(values));
  }

  @Test
  void countersProveCompressionsAndSilenceProvesEqualOutput() {
    twoCells();
    row("full", 6, true, 300, 0);
    rows.add(
        RowFactory.create(
            "small",
            "p6",
            "0",
            false,
            0,
            "run",
            true,
            true,
            true,
            false,
            300,
            0,
            150.0,
            300L,
            0.0,
            CompressionCheck.OTHERWISE,
            77L));
    Map<String, CompressionProof> proofs = sums().proofs();
    CompressionProof small = proofs.get("small");
    assertThat(small.asPlanned()).isEqualTo(5);
    assertThat(small.otherwise()).isEqualTo(1);
    assertThat(small.neverCompressed()).isEqualTo(3);
    assertThat(small.sameAsFull()).isEqualTo(2);
    assertThat(small.otherThanFull()).isEqualTo(1);
    assertThat(small.leastCompressions()).isZero();
    assertThat(small.mostCompressions()).isEqualTo(2);
    assertThat(small.holds()).isFalse();
    assertThat(proofs.get("full").holds()).isTrue();
  }
}
