// The combining warps of the decode attention (paged_attention_decode.cu): the attending warps'
// results of a chunk, the chunks of a group, and where they are written.
#pragma once

#include "decode_attention_copy.cuh"

namespace tracemill {

// A lane's share of a head's state: kHeadDim / 32 neighbouring columns.
template <int kHeadDim>
using HeadState = AttentionState<kHeadDim / 32>;

template <int kHeadDim>
__device__ __forceinline__ void storeOutput(bf16* row, int laneId,
                                            const HeadState<kHeadDim>& state) {
  float inverse = 1.0f / state.sum;
  const float* o = state.o;
  if constexpr (kHeadDim == 128) {
    *reinterpret_cast<uint2*>(row + laneId * 4) = make_uint2(
        packBf16(o[0] * inverse, o[1] * inverse), packBf16(o[2] * inverse, o[3] * inverse));
  } else {
    *reinterpret_cast<unsigned*>(row + laneId * 2) = packBf16(o[0] * inverse, o[1] * inverse);
  }
}

// Kept in the L2 for the merge, which is the next kernel, while keys and values pass through.
template <int kHeadDim>
__device__ __forceinline__ void storePartial(const DecodeAttention& a, long long index, int laneId,
                                             const HeadState<kHeadDim>& state) {
  float* row = a.partial + index * kHeadDim;
  const float* o = state.o;
  unsigned long long policy;
  asm volatile("createpolicy.fractional.L2::evict_last.b64 %0, 1.0;" : "=l"(policy));
  if constexpr (kHeadDim == 128) {
    asm volatile(
        "st.global.L2::cache_hint.v4.f32 [%0], {%1, %2, %3, %4}, %5;" ::"l"(row + laneId * 4),
        "f"(o[0]), "f"(o[1]), "f"(o[2]), "f"(o[3]), "l"(policy)
        : "memory");
  } else {
    asm volatile("st.global.L2::cache_hint.v2.f32 [%0], {%1, %2}, %3;" ::"l"(row + laneId * 2),
                 "f"(o[0]), "f"(o[1]), "l"(policy)
                 : "memory");
  }
  if (laneId == 0) a.partialStats[index] = make_float2(state.maximum, state.sum);
}

// Merges the chunks of a group as they come, by the tree of attention_state.cuh: one pair and what
// of the next pair is there are held.
template <int kHeadDim>
struct GroupState {
  HeadState<kHeadDim> single;
  HeadState<kHeadDim> pair;

  // Whether `state`, of the chunk `part` at first, is the whole group's afterwards.
  __device__ __forceinline__ bool take(HeadState<kHeadDim>& state, int part, bool last) {
    if (part & 1) {
      single.append(state);
      state = single;
    } else if (!last) {
      single = state;
      return false;
    }
    if (part & 2) {
      pair.append(state);
      state = pair;
    } else if (!last) {
      pair = state;
      return false;
    }
    return true;
  }
};

// The warps that combine the attending warps' results of a chunk, in warp order, and the chunks of
// a group, to the output row or to a partial result.
template <int kHeadDim, int kWarps, int kStages>
__device__ __forceinline__ void combineItems(const DecodeAttention& a, const float* combineOut,
                                             const float2* combineStats, int4 firstWords,
                                             ChunkWalk walk, int warp, int laneId) {
  using Shape = DecodeShape<kHeadDim, kWarps, kStages>;
  constexpr int kCount = kHeadDim / 32;
  constexpr int kHeads = kGroupColumns / kCombineWarps;
  int group = a.numQueryHeads / a.numKvHeads;
  int4 nextWords = firstWords;
  GroupState<kHeadDim> groups[kHeads];
  long long firstIndex = 0;
  while (walk.inside()) {
    int4 words = nextWords;
    int kvHead = walk.item % a.numKvHeads;
    int part = walk.part;
    bool last = walk.last(a);
    walk.next(a);
    if (walk.inside()) nextWords = __ldcg(walk.descriptor(a));
    int chunks = words.y >> 16;
    int slices = ((words.y & 0xffff) + kSliceRows - 1) / kSliceRows;
    int activeWarps = slices < kWarps ? slices : kWarps;
    if (part == 0) {
      firstIndex = static_cast<long long>(words.z + (words.x >> 16)) * a.numKvHeads + kvHead;
    }
    HeadState<kHeadDim> states[kHeads];
    syncNamed(kFreeBarrier, (kWarps + kCombineWarps) * 32);
    syncNamed(kFullBarrier, (kWarps + kCombineWarps) * 32);
#pragma unroll
    for (int h = 0; h < kHeads; h++) {
      int head = warp + h * kCombineWarps;
      if (head >= group) continue;
      HeadState<kHeadDim>& state = states[h];
      state.maximum = combineStats[head].x;
      for (int w = 1; w < activeWarps; w++) {
        state.maximum = fmaxf(state.maximum, combineStats[w * kGroupColumns + head].x);
      }
      state.sum = 0.0f;
#pragma unroll
      for (int k = 0; k < kCount; k++) state.o[k] = 0.0f;
      for (int w = 0; w < activeWarps; w++) {
        float2 stats = combineStats[w * kGroupColumns + head];
        float weight = exp2Fast(stats.x - state.maximum);
        state.sum += stats.y * weight;
        const float* source =
            combineOut + (w * kGroupColumns + head) * Shape::kPitch + laneId * kCount;
#pragma unroll
        for (int k = 0; k < kCount; k++) state.o[k] += weight * source[k];
      }
    }
#pragma unroll
    for (int h = 0; h < kHeads; h++) {
      int head = warp + h * kCombineWarps;
      if (head >= group) continue;
      if (chunks == 1) {
        long long row =
            static_cast<long long>(words.x & 0xffff) * a.numQueryHeads + kvHead * group + head;
        storeOutput<kHeadDim>(a.out + row * kHeadDim, laneId, states[h]);
      } else if (groups[h].take(states[h], part, last)) {
        storePartial<kHeadDim>(a, firstIndex * group + head, laneId, states[h]);
      }
    }
  }
}

}  // namespace tracemill
