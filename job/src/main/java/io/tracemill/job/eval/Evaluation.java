package io.tracemill.job.eval;

import static org.apache.spark.sql.functions.col;

import io.tracemill.job.eval.result.AgainstFull;
import io.tracemill.job.eval.result.CellResult;
import io.tracemill.job.eval.result.CompressionProof;
import io.tracemill.job.eval.result.RowGroup;
import io.tracemill.job.input.VariantRows;
import io.tracemill.job.output.RunTotals;
import io.tracemill.job.stats.Holm;
import java.util.ArrayList;
import java.util.List;
import java.util.Map;
import java.util.Optional;
import java.util.OptionalDouble;
import java.util.Set;
import org.apache.spark.sql.Dataset;
import org.apache.spark.sql.Row;
import org.apache.spark.storage.StorageLevel;

/** Sums the traces of a grid up. */
final class Evaluation {
  private Evaluation() {}

  /**
   * One result for each cell that has rows, in the grid's order.
   *
   * @param traces of problems with an answer; rows of other cells are left out
   */
  static List<CellResult> of(Dataset<Row> traces, Grid grid, String answerColumn) {
    Dataset<Row> graded =
        GradedRows.of(traces, grid, answerColumn).persist(StorageLevel.MEMORY_AND_DISK());
    try {
      CellSums sums = new CellSums(graded);
      Map<String, RowGroup> all = corrected(sums.groups(CellSums.Which.ALL));
      Map<String, RowGroup> compressed = corrected(sums.groups(CellSums.Which.COMPRESSED));
      Map<String, CompressionProof> proofs = sums.proofs();
      Set<String> alone = sums.alone().keySet();
      List<CellResult> results = new ArrayList<>();
      for (GridCell cell : grid.cells()) {
        String name = cell.name();
        if (all.containsKey(name)) {
          results.add(
              new CellResult(
                  name,
                  cell.given(),
                  cell.policyText(),
                  cell.policy().settings().name(),
                  Double.parseDouble(cell.temperatureText()),
                  cell.samples(),
                  proofs.get(name),
                  alone.contains(name) ? speed(traces, name) : OptionalDouble.empty(),
                  all.get(name),
                  Optional.ofNullable(compressed.get(name))));
        }
      }
      return results;
    } finally {
      graded.unpersist();
    }
  }

  private static OptionalDouble speed(Dataset<Row> traces, String cell) {
    double tokensPerSecond =
        RunTotals.of(traces.filter(col("input").getField(VariantRows.VARIANT).equalTo(cell)))
            .tokensPerSecond();
    return tokensPerSecond > 0 ? OptionalDouble.of(tokensPerSecond) : OptionalDouble.empty();
  }

  /** All cells' tests together, so that a large grid finds no difference by its size alone. */
  private static Map<String, RowGroup> corrected(Map<String, RowGroup> groups) {
    List<String> tested =
        groups.keySet().stream().filter(c -> groups.get(c).againstFull().isPresent()).toList();
    List<Double> corrected =
        Holm.corrected(
            tested.stream()
                .map(cell -> groups.get(cell).againstFull().map(AgainstFull::pValue).orElseThrow())
                .toList());
    for (int i = 0; i < tested.size(); i++) {
      RowGroup group = groups.get(tested.get(i));
      groups.put(
          tested.get(i),
          group.withAgainstFull(group.againstFull().orElseThrow().withHolm(corrected.get(i))));
    }
    return groups;
  }
}
