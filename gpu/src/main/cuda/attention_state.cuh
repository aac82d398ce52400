// The state of an attention over some cache rows, and how states of neighbouring rows become one:
//   maximum m (base 2), sum l = sum_j exp2(s_j - m), o = sum_j exp2(s_j - m) V_j
// Decode attention merges chunks of 256 rows by a fixed tree: chunks 2i and 2i + 1 of a row become
// a pair, pairs 2i and 2i + 1 a quad. Whether one CTA takes a pair or a quad and merges as it goes,
// or each chunk is merged later (attention_merge.cu), is a question of how much work there is; the
// operations and their order are these, so the bits are the same.
#pragma once

#include "device_math.cuh"

namespace tracemill {

template <int kCount>
struct AttentionState {
  float maximum;
  float sum;
  float o[kCount];

  // The state of no rows; finite, so that no difference is NaN.
  __device__ __forceinline__ void clear() {
    maximum = -1.0e30f;
    sum = 0.0f;
#pragma unroll
    for (int k = 0; k < kCount; k++) o[k] = 0.0f;
  }

  // Rounded as written, so that the compiler cannot contract it differently in different kernels.
  __device__ __forceinline__ void append(const AttentionState& later) {
    float top = fmaxf(maximum, later.maximum);
    float shrink = exp2Fast(maximum - top);
    float weight = exp2Fast(later.maximum - top);
    maximum = top;
    sum = __fmaf_rn(sum, shrink, __fmul_rn(later.sum, weight));
#pragma unroll
    for (int k = 0; k < kCount; k++) o[k] = __fmaf_rn(o[k], shrink, __fmul_rn(later.o[k], weight));
  }
};

// What attention_work_list.cu counts. An entry is a group of 1 << groupShift full chunks of one
// row, or a single chunk; groups come first.
struct WorkCount {
  int groups;
  int singles;
  int groupShift;

  __device__ __forceinline__ static WorkCount load(const int* counts) {
    int4 words = __ldcg(reinterpret_cast<const int4*>(counts));
    return WorkCount{words.x, words.y, words.z};
  }
  __device__ __forceinline__ int entries() const { return groups + singles; }
  __device__ __forceinline__ int chunksOf(int entry) const {
    return entry < groups ? 1 << groupShift : 1;
  }
  // Descriptor of chunk `part` of an entry: all first chunks of groups, then all second ones, ...,
  // then the single chunks; an entry's number is thus the place of its first chunk while there are
  // groups, whatever their size.
  __device__ __forceinline__ int descriptor(int entry, int part) const {
    return entry < groups ? part * groups + entry : ((1 << groupShift) - 1) * groups + entry;
  }
};

}  // namespace tracemill
