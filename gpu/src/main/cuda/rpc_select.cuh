// What both ways of selecting share (rpc_select.cu): the mean over heads, the pooling, and a turn
// of the search for the n-th largest score, two bits of it at a time.
#pragma once

#include "rpc_score.cuh"

namespace tracemill {

constexpr int kSelectThreads = 1024;
constexpr int kSelectWarps = kSelectThreads / 32;
constexpr int kHeldScores = 12;  // per thread
constexpr int kSelectWords =
    kHeldScores * kSelectWarps + kSelectThreads + 1;  // of static shared memory

struct Selection {
  const float* source;  // scores of the first head
  long long headStride;
  int heads;
  float divisor;
  float* mean;
  float* pooled;
  int* out;
  int first;
  int candidates;
  int kept;
  int poolingKernel;
};

// s of every candidate, into the scratch memory and, where given, into shared memory.
__device__ __forceinline__ void meanOverHeads(const Selection& a, float* shared) {
  constexpr int kAtOnce = 4;
  for (int base = threadIdx.x; base < a.candidates; base += kAtOnce * kSelectThreads) {
    float sum[kAtOnce] = {0.0f, 0.0f, 0.0f, 0.0f};
    const float* scores = a.source + base;
#pragma unroll 4
    for (int h = 0; h < a.heads; h++, scores += a.headStride) {
#pragma unroll
      for (int i = 0; i < kAtOnce; i++) {
        if (base + i * kSelectThreads < a.candidates)
          sum[i] = __fadd_rn(sum[i], __ldcg(scores + i * kSelectThreads));
      }
    }
#pragma unroll
    for (int i = 0; i < kAtOnce; i++) {
      int j = base + i * kSelectThreads;
      if (j < a.candidates) {
        float s = __fdiv_rn(sum[i], a.divisor);
        a.mean[j] = s;
        if (shared != nullptr) shared[j] = s;
      }
    }
  }
}

__device__ __forceinline__ float pool(const Selection& a, const float* mean, int j) {
  int half = a.poolingKernel / 2;
  int end = min(a.candidates - 1, j + half);
  float sum = 0.0f;
  for (int i = max(0, j - half); i <= end; i++) sum = __fadd_rn(sum, mean[i]);
  return __fdiv_rn(sum, static_cast<float>(a.poolingKernel));
}

// Of three thresholds, the next two bits of the n-th largest score set, takes the largest that
// enough scores reach.
__device__ __forceinline__ unsigned raise(unsigned threshold, int shift, int3 count, int kept) {
  if (count.z >= kept) return threshold | 3u << shift;
  if (count.y >= kept) return threshold | 2u << shift;
  if (count.x >= kept) return threshold | 1u << shift;
  return threshold;
}

// Sum over the CTA of three counts; the result is the same in every thread.
__device__ __forceinline__ int3 blockSum3(int3 v, int3* warpSums) {
#pragma unroll
  for (int step = 16; step > 0; step >>= 1) {
    v.x += __shfl_xor_sync(kFullMask, v.x, step);
    v.y += __shfl_xor_sync(kFullMask, v.y, step);
    v.z += __shfl_xor_sync(kFullMask, v.z, step);
  }
  if ((threadIdx.x & 31) == 0) warpSums[threadIdx.x >> 5] = v;
  __syncthreads();
  v = warpSums[threadIdx.x & 31];
#pragma unroll
  for (int step = 16; step > 0; step >>= 1) {
    v.x += __shfl_xor_sync(kFullMask, v.x, step);
    v.y += __shfl_xor_sync(kFullMask, v.y, step);
    v.z += __shfl_xor_sync(kFullMask, v.z, step);
  }
  __syncthreads();
  return v;
}

}  // namespace tracemill
