package io.tracemill.engine.cpu;

import jdk.incubator.vector.IntVector;
import jdk.incubator.vector.VectorOperators;
import jdk.incubator.vector.VectorSpecies;

/** Reads memory as fast as vector loads can: the bar for kernels that memory limits. */
final class StreamingRead {
  private static final VectorSpecies<Integer> INTS = IntVector.SPECIES_PREFERRED;
  private static final int LENGTH = INTS.length();

  private StreamingRead() {}

  /** The sum of {@code values[from .. to)}; the number of elements is a multiple of 64. */
  static long sum(int[] values, int from, int to) {
    IntVector a = IntVector.zero(INTS);
    IntVector b = a;
    IntVector c = a;
    IntVector d = a;
    for (int i = from; i < to; i += 4 * LENGTH) {
      a = a.add(IntVector.fromArray(INTS, values, i));
      b = b.add(IntVector.fromArray(INTS, values, i + LENGTH));
      c = c.add(IntVector.fromArray(INTS, values, i + 2 * LENGTH));
      d = d.add(IntVector.fromArray(INTS, values, i + 3 * LENGTH));
    }
    return a.add(b).add(c).add(d).reduceLanes(VectorOperators.ADD);
  }
}
