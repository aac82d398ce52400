package io.tracemill.job.eval;

import io.tracemill.engine.compress.KvCompressionPolicy;
import io.tracemill.engine.compress.KvPolicies;
import io.tracemill.engine.error.ReasoningException;
import io.tracemill.job.error.EvalErrors;
import io.tracemill.job.input.KvPolicyText;
import io.tracemill.job.input.RowVariant;
import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.NoSuchFileException;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.HashMap;
import java.util.List;
import java.util.Map;
import java.util.Optional;

/**
 * The cells of an evaluation: every policy at every temperature.
 *
 * @param cells in the order of policies, then of temperatures; one at least, no two alike
 */
public record Grid(List<GridCell> cells) {
  /** More would hardly be meant, and Spark's plan holds each. */
  static final int MOST_CELLS = 1_000;

  public Grid {
    cells = List.copyOf(cells);
    if (cells.isEmpty()) {
      throw new IllegalArgumentException("a grid without cells");
    }
  }

  /**
   * Crosses policies and temperatures.
   *
   * @param policies texts such as {@code rpc interval=512 ratio=2|4}
   * @param temperatures one at least
   * @param samples outputs for each problem at temperatures above 0; greedy output is the same each
   *     time and is generated once
   * @throws io.tracemill.job.error.JobException where a policy is none, two cells are one, or there
   *     is none
   */
  public static Grid of(List<String> policies, List<Float> temperatures, int samples) {
    List<String> texts = new ArrayList<>();
    policies.forEach(policy -> texts.addAll(PolicySweep.expand(policy)));
    if (texts.isEmpty()) {
      throw EvalErrors.noPolicy();
    }
    long size = (long) texts.size() * temperatures.size();
    if (size > MOST_CELLS) {
      throw EvalErrors.tooManyCells(size, MOST_CELLS);
    }
    List<GridCell> cells = new ArrayList<>();
    Map<String, GridCell> byName = new HashMap<>();
    for (String text : texts) {
      KvCompressionPolicy policy = policy(text);
      for (float temperature : temperatures) {
        GridCell cell = new GridCell(text, policy, temperature, temperature == 0 ? 1 : samples);
        GridCell same = byName.put(cell.name(), cell);
        if (same != null) {
          throw EvalErrors.sameCell(same.given(), text, cell.temperatureText());
        }
        cells.add(cell);
      }
    }
    return new Grid(cells);
  }

  /**
   * The policies of a file: one a line; blank lines and what follows a {@code #} are left out.
   *
   * @throws io.tracemill.job.error.JobException where it cannot be read
   */
  public static List<String> policies(Path file) {
    try {
      return Files.readAllLines(file).stream()
          .map(line -> line.replaceFirst("#.*", "").strip())
          .filter(line -> !line.isEmpty())
          .toList();
    } catch (NoSuchFileException e) {
      throw EvalErrors.noGridFile(file.toString());
    } catch (IOException e) {
      throw EvalErrors.badGridFile(file.toString(), e);
    }
  }

  private static KvCompressionPolicy policy(String text) {
    try {
      return KvPolicies.create(KvPolicyText.ofOption("--policy", text));
    } catch (ReasoningException e) {
      throw EvalErrors.badPolicy(text, e.getMessage(), e);
    }
  }

  /** Newest queries that engines must keep, so that every cell can run. */
  public int queryRingDepth() {
    return cells.stream().mapToInt(cell -> cell.policy().needs().queryRingDepth()).max().orElse(0);
  }

  /** How rows are asked, one for each cell. */
  public List<RowVariant> variants() {
    return cells.stream().map(GridCell::variant).toList();
  }

  /** The cell with a full cache that another is compared with: at the same temperature. */
  public Optional<GridCell> baseline(GridCell cell) {
    return cells.stream()
        .filter(other -> other.isFull() && other.temperature() == cell.temperature())
        .findFirst();
  }
}
