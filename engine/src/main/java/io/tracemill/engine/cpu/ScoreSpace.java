package io.tracemill.engine.cpu;

/** Working space of one worker for scores; grows to the longest sequence. */
final class ScoreSpace {
  /** Elements from one array of a pair to the next, and of each array below. */
  int stride;

  /** Attention of two queries. */
  float[] attention = new float[0];

  /** Attention of a group of heads, folded into one. */
  float[] folded = new float[0];

  /** Scores by candidate or by row. */
  float[] scores = new float[0];

  /** What is ranked, by candidate. */
  float[] pooled = new float[0];

  /** Redundancy by unprotected row. */
  float[] redundancy = new float[0];

  /** Per row: anything that lasts within one computation. */
  float[] perRow = new float[0];

  int[] retained = new int[0];

  /** Keys of a head brought to length 1, row after row; sized by its user. */
  float[] keys = new float[0];

  final float[] lanes = new float[CpuKernels.LANES];

  /** Makes room for so many rows, pages touched in part included. */
  void ensure(int rows) {
    int needed = WorkerScratch.scoreStride(rows) + KvPages.ROWS;
    if (scores.length < needed) {
      stride = needed;
      attention = new float[2 * needed];
      folded = new float[needed];
      scores = new float[needed];
      pooled = new float[needed];
      redundancy = new float[needed];
      perRow = new float[needed];
      retained = new int[needed];
    }
  }

  float[] keys(int elements) {
    if (keys.length < elements) {
      keys = new float[elements];
    }
    return keys;
  }
}
