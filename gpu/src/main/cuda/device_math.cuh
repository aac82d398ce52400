// Scalar and warp helpers: bf16 stored as raw 16-bit words, base-2 exponentials, ordered warp sums.
// Needs sm_80. No toolkit headers, so that the files compile with any nvcc.
#pragma once

#include "dependent_launch.cuh"

namespace tracemill {

using bf16 = unsigned short;

constexpr int kPageTokens = 64;
constexpr float kLog2e = 1.44269504088896340736f;
constexpr unsigned kFullMask = 0xffffffffu;

__device__ __forceinline__ float negativeInfinity() { return __int_as_float(0xff800000); }

__device__ __forceinline__ float bf16ToFloat(bf16 x) {
  return __int_as_float(static_cast<int>(static_cast<unsigned>(x) << 16));
}

// Two floats to two bf16 (round to nearest even), `low` in bits 0-15.
__device__ __forceinline__ unsigned packBf16(float low, float high) {
  unsigned packed;
  asm("cvt.rn.bf16x2.f32 %0, %1, %2;" : "=r"(packed) : "f"(high), "f"(low));
  return packed;
}

__device__ __forceinline__ bf16 floatToBf16(float x) {
  return static_cast<bf16>(packBf16(x, 0.0f) & 0xffffu);
}

// 2^x, 2 ulp; exp2(-inf) = 0.
__device__ __forceinline__ float exp2Fast(float x) {
  float y;
  asm("ex2.approx.ftz.f32 %0, %1;" : "=f"(y) : "f"(x));
  return y;
}

__device__ __forceinline__ float log2Fast(float x) {
  float y;
  asm("lg2.approx.ftz.f32 %0, %1;" : "=f"(y) : "f"(x));
  return y;
}

// Sum over the warp in a fixed butterfly order; every lane gets the same value.
__device__ __forceinline__ float warpSum(float x) {
#pragma unroll
  for (int step = 16; step > 0; step >>= 1) x += __shfl_xor_sync(kFullMask, x, step);
  return x;
}

// Read through L2 only: for values that another CTA of the same launch has written.
__device__ __forceinline__ float2 loadFromL2(const float2* address) { return __ldcg(address); }

// Adds and returns the old value; what this thread (and threads that it synchronised with) wrote
// before is visible first.
__device__ __forceinline__ int addRelease(int* counter, int value) {
  int old;
  asm volatile("atom.add.release.gpu.global.s32 %0, [%1], %2;"
               : "=r"(old)
               : "l"(counter), "r"(value)
               : "memory");
  return old;
}

__device__ __forceinline__ void acquireFence() { asm volatile("fence.acq_rel.gpu;" ::: "memory"); }

// Address of row `slot` of one lane in one layer's pool [page][K|V][kvHead][64][headDim].
// `keyOrValue` is 0 for K and 1 for V.
template <int kHeadDim>
__device__ __forceinline__ long long poolRow(int page, int keyOrValue, int numKvHeads, int kvHead,
                                             int rowInPage) {
  long long tile = (static_cast<long long>(page) * 2 + keyOrValue) * numKvHeads + kvHead;
  return (tile * kPageTokens + rowInPage) * kHeadDim;
}

}  // namespace tracemill
