// Log-sum-exp merge of the decode attention's chunks:
//   M = max_c m_c;  out[row][head] = bf16( sum_c exp2(m_c - M) o_c / sum_c exp2(m_c - M) l_c )
//   partial [chunk * Hkv + kvHead][group][d] fp32, partialStats [chunk * Hkv + kvHead][group] =
//   (m, l), workCount and rowChunks [rows][2] (attention_work_list.cu); out [rows][Hq*d] bf16. Rows
//   of no or one chunk are left alone.
// The chunks of a row become nodes by the tree of attention_state.cuh: every four a quad, of the
// rest two a pair, one by itself, and last the partial chunk. A node may have been merged already
// by the CTA that attended; then its result stands at its first chunk. A CTA takes one row and one
// query head; warp w of 4 takes the nodes w, w+4, ... in ascending order, the reads of two in
// flight, and the warps are merged in warp order: an order that depends on the number of cache rows
// alone.
// Shared memory: 4 * (d + 2) * 4 bytes static. Launch: grid (Hq, rows), block 128; may be left out
// of a graph whose rows all have at most 256 cache rows (own row included). CPU twin: as
// paged_attention_decode.cu.
#include "attention_state.cuh"
#include "device_math.cuh"

namespace tracemill {

constexpr int kQuadChunks = 4;

// One node of a row: `results` stored at chunk, chunk + step, ...; 1, 2 or 4 of them, 0 past the
// end.
struct MergeNode {
  int chunk;
  int step;
  int results;

  __device__ __forceinline__ MergeNode(int index, int full, bool hasTail, int groupShift)
      : chunk(index * kQuadChunks), step(1), results(0) {
    int quads = full / kQuadChunks;
    if (index < quads) {
      step = 1 << groupShift;
      results = kQuadChunks >> groupShift;
      return;
    }
    int rest = index - quads;
    chunk = quads * kQuadChunks;
    if (full & 2) {
      if (rest == 0) {
        results = groupShift == 1 ? 1 : 2;
        return;
      }
      chunk += 2;
      rest--;
    }
    if (full & 1) {
      if (rest == 0) {
        results = 1;
        return;
      }
      chunk++;
      rest--;
    }
    if (hasTail && rest == 0) results = 1;
  }
};

template <int kHeadDim>
struct MergeSource {
  static constexpr int kCount = kHeadDim / 32;
  using State = AttentionState<kCount>;
  const float* partial;
  const float2* partialStats;
  long long first;  // index of the head's result of chunk 0
  int step;         // from one chunk to the next
  int laneId;

  __device__ __forceinline__ void load(State& state, int chunk) const {
    long long index = first + static_cast<long long>(chunk) * step;
    float2 stats = __ldcg(partialStats + index);
    state.maximum = stats.x;
    state.sum = stats.y;
    const float* source = partial + index * kHeadDim;
    if constexpr (kCount == 4) {
      float4 v = __ldcg(reinterpret_cast<const float4*>(source) + laneId);
      state.o[0] = v.x, state.o[1] = v.y, state.o[2] = v.z, state.o[3] = v.w;
    } else {
      float2 v = __ldcg(reinterpret_cast<const float2*>(source) + laneId);
      state.o[0] = v.x, state.o[1] = v.y;
    }
  }
  // The results of a node, all on their way before any is used.
  __device__ __forceinline__ void load(State (&parts)[kQuadChunks], const MergeNode& node) const {
#pragma unroll
    for (int i = 0; i < kQuadChunks; i++) {
      if (i < node.results) load(parts[i], node.chunk + i * node.step);
    }
  }
};

// Brings a node's results together and appends them to what came before.
template <int kCount>
__device__ __forceinline__ void appendNode(AttentionState<kCount>& state,
                                           AttentionState<kCount> (&parts)[kQuadChunks],
                                           int results) {
  if (results == 0) return;
  if (results > 1) parts[0].append(parts[1]);
  if (results > 2) {
    parts[2].append(parts[3]);
    parts[0].append(parts[2]);
  }
  state.append(parts[0]);
}

template <int kHeadDim, int kMergeWarps>
__device__ __forceinline__ void mergeChunks(const float* partial, const float2* partialStats,
                                            const int* workCount, const int2* rowChunks, bf16* out,
                                            int numQueryHeads, int numKvHeads) {
  using Source = MergeSource<kHeadDim>;
  using State = typename Source::State;
  constexpr int kCount = Source::kCount;
  __shared__ float mergedOut[kMergeWarps][kHeadDim];
  __shared__ float2 mergedStats[kMergeWarps];
  begin_dependent();
  int head = blockIdx.x;
  int row = blockIdx.y;
  int2 chunks = rowChunks[row];
  int groupShift = WorkCount::load(workCount).groupShift;
  int full = chunks.y & 0xffff;
  bool hasTail = chunks.y >> 16 != 0;
  if (full + hasTail < 2) return;
  int warp = threadIdx.x >> 5;
  int laneId = threadIdx.x & 31;
  int group = numQueryHeads / numKvHeads;
  int kvHead = head / group;
  Source source{partial, partialStats,
                (static_cast<long long>(chunks.x) * numKvHeads + kvHead) * group + head % group,
                numKvHeads * group, laneId};
  State state;
  state.clear();
  int nodes = full / kQuadChunks + (full >> 1 & 1) + (full & 1) + hasTail;
  for (int index = warp; index < nodes; index += 2 * kMergeWarps) {
    MergeNode near(index, full, hasTail, groupShift);
    MergeNode far(index + kMergeWarps, full, hasTail, groupShift);
    State nearParts[kQuadChunks];
    State farParts[kQuadChunks];
    source.load(nearParts, near);
    source.load(farParts, far);
    appendNode<kCount>(state, nearParts, near.results);
    appendNode<kCount>(state, farParts, far.results);
  }
#pragma unroll
  for (int k = 0; k < kCount; k++) mergedOut[warp][laneId * kCount + k] = state.o[k];
  if (laneId == 0) mergedStats[warp] = make_float2(state.maximum, state.sum);
  __syncthreads();
  int active = min(kMergeWarps, nodes);
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

#define TRACEMILL_MERGE_KERNEL(NAME, DIM, WARPS)                                            \
  extern "C" __global__ void __launch_bounds__(WARPS * 32)                                  \
      NAME(const float* partial, const float2* partialStats, const int* workCount,          \
           const int2* rowChunks, unsigned short* out, int numQueryHeads, int numKvHeads) { \
    tracemill::mergeChunks<DIM, WARPS>(partial, partialStats, workCount, rowChunks, out,    \
                                       numQueryHeads, numKvHeads);                          \
  }

TRACEMILL_MERGE_KERNEL(attention_merge_d128, 128, 4)
TRACEMILL_MERGE_KERNEL(attention_merge_d64, 64, 4)
