// Reductions over the 1024 threads of a CTA of the policies' kernels.
#pragma once

#include "device_math.cuh"

namespace tracemill {

// Sum or maximum over the block in a fixed order; the result is the same in every thread. `warps`
// is shared and has 32 elements; it can be used again at once.
template <bool kMaximum>
__device__ __forceinline__ float blockReduce(float x, float* warps) {
#pragma unroll
  for (int turn = 0; turn < 2; turn++) {
#pragma unroll
    for (int step = 16; step > 0; step >>= 1) {
      float other = __shfl_xor_sync(kFullMask, x, step);
      x = kMaximum ? fmaxf(x, other) : x + other;
    }
    if (turn == 0) {
      if ((threadIdx.x & 31) == 0) warps[threadIdx.x >> 5] = x;
      __syncthreads();
      x = warps[threadIdx.x & 31];
    }
  }
  __syncthreads();
  return x;
}

}  // namespace tracemill
