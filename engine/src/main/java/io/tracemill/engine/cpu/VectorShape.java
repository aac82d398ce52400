package io.tracemill.engine.cpu;

import jdk.incubator.vector.FloatVector;
import jdk.incubator.vector.IntVector;
import jdk.incubator.vector.VectorSpecies;

/** The register width of this machine, as constants that the compiler folds. */
final class VectorShape {
  /** At most 16 lanes: wider registers would need another packing. */
  static final VectorSpecies<Float> FLOATS =
      FloatVector.SPECIES_PREFERRED.length() > CpuKernels.LANES
          ? FloatVector.SPECIES_512
          : FloatVector.SPECIES_PREFERRED;

  /** As many ints as there are floats. */
  static final VectorSpecies<Integer> INTS =
      FLOATS.length() == CpuKernels.LANES
          ? IntVector.SPECIES_512
          : FLOATS.length() == 8 ? IntVector.SPECIES_256 : IntVector.SPECIES_128;

  /** Elements of a register. */
  static final int LENGTH = FLOATS.length();

  /** Makes a float32 of the bf16 in the upper half of an int; a shift makes one of the lower. */
  static final int UPPER_HALF = 0xFFFF0000;

  private VectorShape() {}
}
