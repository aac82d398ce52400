package io.tracemill.engine.cpu;

import io.tracemill.engine.model.RopeFrequencies;
import java.util.Arrays;

/**
 * Cosines and sines of the rotary embedding by position, grown in blocks as positions come up.
 * {@link #ensure} is called by one thread before others read.
 */
final class RotaryTable {
  private static final int BLOCK_POSITIONS = 256;

  private final RopeFrequencies frequencies;
  private final int pairs;
  private float[][] blocks = new float[0][];

  RotaryTable(RopeFrequencies frequencies) {
    this.frequencies = frequencies;
    this.pairs = frequencies.numPairs();
  }

  /** Makes positions up to and including {@code position} readable. */
  void ensure(int position) {
    int needed = position / BLOCK_POSITIONS + 1;
    int had = blocks.length;
    if (needed <= had) {
      return;
    }
    blocks = Arrays.copyOf(blocks, needed);
    for (int i = had; i < needed; i++) {
      blocks[i] = block(i * BLOCK_POSITIONS);
    }
  }

  /** {@code [position in block][cosines of all pairs, sines of all pairs]}. */
  private float[] block(int first) {
    float[] block = new float[BLOCK_POSITIONS * 2 * pairs];
    for (int i = 0; i < BLOCK_POSITIONS; i++) {
      for (int pair = 0; pair < pairs; pair++) {
        // The angle is rounded to float32, as the models were trained.
        float angle = (float) (first + i) * frequencies.inverseFrequency(pair);
        float factor = frequencies.attentionFactor();
        int at = i * 2 * pairs + pair;
        block[at] = (float) Math.cos(angle) * factor;
        block[at + pairs] = (float) Math.sin(angle) * factor;
      }
    }
    return block;
  }

  /**
   * Rotates one head in place: element i with element {@code i + headDim / 2}.
   *
   * @param head {@code [headDim]} from {@code offset}
   */
  void rotate(float[] head, int offset, int position) {
    float[] block = blocks[position / BLOCK_POSITIONS];
    int cosines = position % BLOCK_POSITIONS * 2 * pairs;
    int sines = cosines + pairs;
    int second = offset + pairs;
    for (int i = 0; i < pairs; i++) {
      float a = head[offset + i];
      float b = head[second + i];
      float cosine = block[cosines + i];
      float sine = block[sines + i];
      head[offset + i] = a * cosine - b * sine;
      head[second + i] = b * cosine + a * sine;
    }
  }
}
