// Log-sum-exp merge of the decode attention's chunks:
//   M = max_c m_c;  out[row][head] = bf16( sum_c exp2(m_c - M) o_c / sum_c exp2(m_c - M) l_c )
//   partial [chunk * Hkv + kvHead][group][d] fp32, partialStats [chunk * Hkv + kvHead][group] =
//   (m, l), rowChunks [rows][2] (attention_work_list.cu); out [rows][Hq*d] bf16. Rows of no or one
//   chunk are left alone.
// A CTA takes one row and one query head; warp w of 4 takes the chunks w, w+4, ... in ascending
// order, 8 of them in flight, and the warps are merged in warp order: an order that depends on the
// number of chunks alone.
// Shared memory: 4 * (d + 2) * 4 bytes static. Launch: grid (Hq, rows), block 128; may be left out
// of a graph whose rows all have at most 256 cache rows (own row included). CPU twin: as
// paged_attention_decode.cu.
#include "device_math.cuh"

namespace tracemill {

constexpr int kMergeFlight = 8;

template <int kHeadDim, int kMergeWarps>
__device__ __forceinline__ void mergeChunks(const float* partial, const float2* partialStats,
                                            const int2* rowChunks, bf16* out, int numQueryHeads,
                                            int numKvHeads) {
  constexpr int kCount = kHeadDim / 32;
  __shared__ float mergedOut[kMergeWarps][kHeadDim];
  __shared__ float2 mergedStats[kMergeWarps];
  begin_dependent();
  int head = blockIdx.x;
  int row = blockIdx.y;
  int2 chunks = rowChunks[row];
  int warp = threadIdx.x >> 5;
  int laneId = threadIdx.x & 31;
  if (chunks.y < 2) return;
  int group = numQueryHeads / numKvHeads;
  int kvHead = head / group;
  auto indexOf = [&](int chunk) {
    return (static_cast<long long>(chunks.x + chunk) * numKvHeads + kvHead) * group + head % group;
  };
  float maximum = -1.0e30f;  // finite, so that no difference is NaN
  float sum = 0.0f;
  float o[kCount];
#pragma unroll
  for (int k = 0; k < kCount; k++) o[k] = 0.0f;
  for (int round = warp; round < chunks.y; round += kMergeWarps * 32) {
    int mine = round + laneId * kMergeWarps;
    float2 stats =
        mine < chunks.y ? __ldcg(partialStats + indexOf(mine)) : make_float2(-1.0e30f, 0.0f);
    int count = min(32, (chunks.y - round + kMergeWarps - 1) / kMergeWarps);
    float weight = 0.0f;
    for (int base = 0; base < count; base += kMergeFlight) {
      float flight[kMergeFlight][kCount];
#pragma unroll
      for (int i = 0; i < kMergeFlight; i++) {
        if (base + i < count) {
          const float* source = partial + indexOf(round + (base + i) * kMergeWarps) * kHeadDim;
          if constexpr (kCount == 4) {
            float4 v = __ldcg(reinterpret_cast<const float4*>(source) + laneId);
            flight[i][0] = v.x, flight[i][1] = v.y, flight[i][2] = v.z, flight[i][3] = v.w;
          } else {
            float2 v = __ldcg(reinterpret_cast<const float2*>(source) + laneId);
            flight[i][0] = v.x, flight[i][1] = v.y;
          }
        }
      }
      if (base == 0) {  // after the loads have been issued
        float top = stats.x;
#pragma unroll
        for (int step = 16; step > 0; step >>= 1)
          top = fmaxf(top, __shfl_xor_sync(kFullMask, top, step));
        top = fmaxf(top, maximum);
        float shrink = exp2Fast(maximum - top);
        weight = exp2Fast(stats.x - top);
        sum = sum * shrink + warpSum(stats.y * weight);
        maximum = top;
#pragma unroll
        for (int k = 0; k < kCount; k++) o[k] *= shrink;
      }
#pragma unroll
      for (int i = 0; i < kMergeFlight; i++) {
        float w = __shfl_sync(kFullMask, weight, (base + i) & 31);
        if (base + i < count) {
#pragma unroll
          for (int k = 0; k < kCount; k++) o[k] += w * flight[i][k];
        }
      }
    }
  }
#pragma unroll
  for (int k = 0; k < kCount; k++) mergedOut[warp][laneId * kCount + k] = o[k];
  if (laneId == 0) mergedStats[warp] = make_float2(maximum, sum);
  __syncthreads();
  int active = min(kMergeWarps, chunks.y);
  int dim = threadIdx.x * 2;
  if (dim >= kHeadDim) return;
  float top = mergedStats[0].x;
  for (int w = 1; w < active; w++) top = fmaxf(top, mergedStats[w].x);
  float all = 0.0f;
  float low = 0.0f;
  float high = 0.0f;
  for (int w = 0; w < active; w++) {
    float weight = exp2Fast(mergedStats[w].x - top);
    all += weight * mergedStats[w].y;
    low += weight * mergedOut[w][dim];
    high += weight * mergedOut[w][dim + 1];
  }
  float inverse = 1.0f / all;
  bf16* target = out + (static_cast<long long>(row) * numQueryHeads + head) * kHeadDim + dim;
  *reinterpret_cast<unsigned*>(target) = packBf16(low * inverse, high * inverse);
}

}  // namespace tracemill

#define TRACEMILL_MERGE_KERNEL(NAME, DIM, WARPS)                                             \
  extern "C" __global__ void __launch_bounds__(WARPS * 32)                                   \
      NAME(const float* partial, const float2* partialStats, const int2* rowChunks,          \
           unsigned short* out, int numQueryHeads, int numKvHeads) {                         \
    tracemill::mergeChunks<DIM, WARPS>(partial, partialStats, rowChunks, out, numQueryHeads, \
                                       numKvHeads);                                          \
  }

TRACEMILL_MERGE_KERNEL(attention_merge_d128, 128, 4)
TRACEMILL_MERGE_KERNEL(attention_merge_d64, 64, 4)
