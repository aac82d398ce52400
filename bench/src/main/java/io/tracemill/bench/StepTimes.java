package io.tracemill.bench;

import java.util.Map;
import java.util.TreeMap;

/** Decode step times of one batch size by rows attended, with straight lines between. */
final class StepTimes {
  private final TreeMap<Integer, Double> microsByRows = new TreeMap<>();

  /** Adds a measured point. */
  void add(int rows, double micros) {
    microsByRows.put(rows, micros);
  }

  /** Microseconds at a row count inside the measured range; beyond it the end value's line. */
  double micros(double rows) {
    Map.Entry<Integer, Double> below = microsByRows.floorEntry((int) rows);
    Map.Entry<Integer, Double> above = microsByRows.higherEntry((int) rows);
    if (below == null) {
      return microsByRows.firstEntry().getValue();
    }
    if (above == null) {
      above = below;
      below = microsByRows.lowerEntry(above.getKey());
      if (below == null) {
        return above.getValue();
      }
    }
    double share = (rows - below.getKey()) / (above.getKey() - below.getKey());
    return below.getValue() + share * (above.getValue() - below.getValue());
  }
}
