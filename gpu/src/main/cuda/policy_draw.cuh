// Draws of the policies' kernels.
#pragma once

#include "philox.cuh"

namespace tracemill {

// Word of CounterRandom.policyWord.
__device__ __forceinline__ unsigned policyWord(unsigned long long key, unsigned c0, unsigned c1,
                                               unsigned c2) {
  return philoxFirstWord(key, c0, c1, c2, 1);
}

}  // namespace tracemill
