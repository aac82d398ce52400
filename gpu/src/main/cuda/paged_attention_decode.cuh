// Body of the decode attention; paged_attention_decode.cu describes it and makes the kernels.
#pragma once

#include "decode_attention_attend.cuh"
#include "decode_attention_combine.cuh"

namespace tracemill {

template <int kHeadDim, int kWarps, int kStages>
__device__ __forceinline__ void attendDecode(const DecodeAttention& a) {
  using Shape = DecodeShape<kHeadDim, kWarps, kStages>;
  extern __shared__ __align__(128) char shared[];
  allow_dependents();
  int warp = threadIdx.x >> 5;
  int laneId = threadIdx.x & 31;
  float* combineOut = reinterpret_cast<float*>(shared + Shape::kRingBytes);
  float2* combineStats =
      reinterpret_cast<float2*>(combineOut + kWarps * kGroupColumns * Shape::kPitch);
  // The first descriptor is read beside the count, whether it is one or not: the list has room for
  // at least 256. Only where groups are fewer than thread blocks is it another one.
  const int4* first = reinterpret_cast<const int4*>(a.work) + 2 * (blockIdx.x / a.numKvHeads);
  int4 words = __ldcg(first);
  int4 pages = __ldcg(first + 1);
  ChunkWalk walk(a, WorkCount::load(a.workCount));
  if (walk.inside() && walk.descriptor(a) != first) {
    words = __ldcg(walk.descriptor(a));
    pages = __ldcg(walk.descriptor(a) + 1);
  }
  if (warp < kWarps) {
    unsigned ring = sharedAddress(shared) + warp * kStages * Shape::kStageBytes;
    attendItems<kHeadDim, kWarps, kStages>(a, ring, combineOut, combineStats, words, pages, walk,
                                           warp, laneId);
  } else {
    combineItems<kHeadDim, kWarps, kStages>(a, combineOut, combineStats, words, walk, warp - kWarps,
                                            laneId);
  }
}

}  // namespace tracemill
