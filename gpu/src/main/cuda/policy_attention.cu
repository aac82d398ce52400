// Attention of the newest queries as policies other than RPC count it (ScoreRule.RecentAttention),
// in two passes over the keys.
//   z[q][g][j] = scale * query[q][g] . key[j];  q = age of the query, g = head of the KV head's
//   group, j < rows - q share      = softmax over the scope; fold over g: mean of shares | softmax
//   of the largest logit | largest share shares[j]  = mean over q of the folded share, 0 outside
//   the scope, for every row of the lane
// policy_attention_stats: a CTA takes 512 rows of one (due lane, layer, KV head); per tile of 32
// vectors (whole groups) and 64 rows
//   the logits stand in shared memory, four threads per unit keep a running (maximum, sum) of 16
//   rows each. A unit is a vector, or a query where logits are folded first. stats[strip][unit].
// policy_attention_columns: a CTA takes one page of 64 rows and all vectors; merges the strips in
// order, a thread sums one row over
//   the queries in order of age. Nothing depends on other lanes.
// Strips start at the page of the scope's first row. Plain fp32 arithmetic on bf16 operands;
// shapes: policy_score.cuh. Shared memory: static, 34,432 bytes at d 128, 22,144 at d 64. Launch:
// block 128; stats grid (strips, layers * Hkv, numDue), strips >= ceil((63 + rows) / 512); columns
// grid (pages of the longest lane, layers * Hkv, numDue). CPU twin: AttentionShares.recent.
#include "policy_score.cuh"

namespace tracemill {

// The logit of a unit of the tile at a row, folded where logits are.
template <int kHeadDim>
__device__ __forceinline__ float unitLogit(const PolicyTile<kHeadDim>& tile, int unit, int row,
                                           int group, int fold) {
  if (fold != kLargestLogit) return tile.z[unit][row];
  float most = tile.z[unit * group][row];
  for (int g = 1; g < group; g++) most = fmaxf(most, tile.z[unit * group + g][row]);
  return most;
}

template <int kHeadDim>
__device__ __forceinline__ void attentionStats(const PolicyScore& a) {
  __shared__ __align__(16) PolicyTile<kHeadDim> tile;
  int group = a.numQueryHeads / a.numKvHeads;
  int layer = blockIdx.y / a.numKvHeads;
  int kvHead = blockIdx.y % a.numKvHeads;
  PolicyLane lane = policyLane(a.due, blockIdx.z);
  int begin = scopeBegin(a.scope, lane);
  int end = scopeEnd(a.scope, lane);
  int stripStart = begin / kPageTokens * kPageTokens + blockIdx.x * kStripRows;
  if (stripStart >= end) return;
  int stripEnd = min(stripStart + kStripRows, end);
  const bf16* pool = reinterpret_cast<const bf16*>(a.layerPool[layer]);
  const int* table = a.pageTable + static_cast<long long>(lane.lane) * a.maxPages;
  int agesPerTile = kTileVectors / group;
  int unitsPerAge = a.fold == kLargestLogit ? 1 : group;
  int units = a.queries * unitsPerAge;
  long long problem =
      (static_cast<long long>(blockIdx.z) * a.numLayers + layer) * a.numKvHeads + kvHead;
  float2* stats = a.stats + (problem * a.strips + blockIdx.x) * units;
  int unit = threadIdx.x / 4;
  int quarter = threadIdx.x % 4;
  for (int firstAge = 0; firstAge < a.queries; firstAge += agesPerTile) {
    int ages = min(agesPerTile, a.queries - firstAge);
    __syncthreads();
    loadQueries<kHeadDim>(tile, a, layer, lane, kvHead, group, firstAge, ages);
    bool owner = unit < ages * unitsPerAge;
    int visible = lane.rows - (firstAge + unit / unitsPerAge);
    float maximum = kLeast;
    float sum = 0.0f;
    for (int start = stripStart; start < stripEnd; start += kPageTokens) {
      loadKeys<kHeadDim>(
          tile, pool + poolRow<kHeadDim>(table[start / kPageTokens], 0, a.numKvHeads, kvHead, 0));
      __syncthreads();
      multiplyTile<kHeadDim>(tile, a.scale * kLog2e);
      __syncthreads();
      if (owner) {
        for (int i = 0; i < 16; i++) {
          int row = quarter * 16 + i;
          int slot = start + row;
          if (slot < begin || slot >= stripEnd || slot >= visible) continue;
          float z = unitLogit<kHeadDim>(tile, unit, row, group, a.fold);
          float next = fmaxf(maximum, z);
          sum = fmaf(sum, exp2Fast(maximum - next), exp2Fast(z - next));
          maximum = next;
        }
      }
      __syncthreads();
    }
#pragma unroll
    for (int step = 1; step <= 2; step <<= 1) {
      float otherMaximum = __shfl_xor_sync(kFullMask, maximum, step);
      float otherSum = __shfl_xor_sync(kFullMask, sum, step);
      float next = fmaxf(maximum, otherMaximum);
      sum = sum * exp2Fast(maximum - next) + otherSum * exp2Fast(otherMaximum - next);
      maximum = next;
    }
    if (owner && quarter == 0) stats[firstAge * unitsPerAge + unit] = make_float2(maximum, sum);
  }
}

template <int kHeadDim>
__device__ __forceinline__ void attentionColumns(const PolicyScore& a) {
  __shared__ __align__(16) PolicyTile<kHeadDim> tile;
  __shared__ float offsets[kTileVectors];  // maximum + log2(sum): the share is exp2(z - offset)
  int group = a.numQueryHeads / a.numKvHeads;
  int layer = blockIdx.y / a.numKvHeads;
  int kvHead = blockIdx.y % a.numKvHeads;
  PolicyLane lane = policyLane(a.due, blockIdx.z);
  int start = blockIdx.x * kPageTokens;
  if (start >= lane.rows) return;
  int begin = scopeBegin(a.scope, lane);
  int end = scopeEnd(a.scope, lane);
  int firstStrip = begin / kPageTokens * kPageTokens;
  int strips = (end - firstStrip + kStripRows - 1) / kStripRows;
  const bf16* pool = reinterpret_cast<const bf16*>(a.layerPool[layer]);
  const int* table = a.pageTable + static_cast<long long>(lane.lane) * a.maxPages;
  int agesPerTile = kTileVectors / group;
  int unitsPerAge = a.fold == kLargestLogit ? 1 : group;
  int units = a.queries * unitsPerAge;
  long long problem =
      (static_cast<long long>(blockIdx.z) * a.numLayers + layer) * a.numKvHeads + kvHead;
  const float2* stats = a.stats + problem * a.strips * units;
  loadKeys<kHeadDim>(tile, pool + poolRow<kHeadDim>(table[blockIdx.x], 0, a.numKvHeads, kvHead, 0));
  int slot = start + threadIdx.x;
  bool inScope = threadIdx.x < kPageTokens && slot >= begin && slot < end;
  float total = 0.0f;
  for (int firstAge = 0; firstAge < a.queries; firstAge += agesPerTile) {
    int ages = min(agesPerTile, a.queries - firstAge);
    __syncthreads();
    loadQueries<kHeadDim>(tile, a, layer, lane, kvHead, group, firstAge, ages);
    if (threadIdx.x < ages * unitsPerAge) {
      offsets[threadIdx.x] =
          mergedOffset(stats + firstAge * unitsPerAge + threadIdx.x, strips, units);
    }
    __syncthreads();
    multiplyTile<kHeadDim>(tile, a.scale * kLog2e);
    __syncthreads();
    if (inScope) {
      for (int i = 0; i < ages; i++) {
        if (slot >= lane.rows - (firstAge + i)) continue;
        float folded = 0.0f;
        if (a.fold == kLargestLogit) {
          folded = exp2Fast(unitLogit<kHeadDim>(tile, i, threadIdx.x, group, a.fold) - offsets[i]);
        } else {
          for (int g = 0; g < group; g++) {
            float share = exp2Fast(tile.z[i * group + g][threadIdx.x] - offsets[i * group + g]);
            folded = a.fold == kMean ? folded + share : fmaxf(folded, share);
          }
        }
        total += folded;
      }
    }
  }
  if (threadIdx.x < kPageTokens && slot < lane.rows) {
    float divisor = static_cast<float>(a.fold == kMean ? group * a.queries : a.queries);
    a.shares[problem * a.maxRows + slot] = total / divisor;
  }
}

}  // namespace tracemill

#define POLICY_ATTENTION(NAME, BODY, DIM)                                                          \
  extern "C" __global__ void __launch_bounds__(128) NAME##_d##DIM(                                 \
      const unsigned long long* layerPool, const int* pageTable, const unsigned short* ring,       \
      const int* due, float2* stats, float* shares, int maxPages, int numLanes, int numLayers,     \
      int numQueryHeads, int numKvHeads, int ringRows, int queries, int strips, int maxRows,       \
      int scope, int fold, float scale) {                                                          \
    tracemill::PolicyScore a{layerPool, pageTable, ring,      due,           stats,      shares,   \
                             maxPages,  numLanes,  numLayers, numQueryHeads, numKvHeads, ringRows, \
                             queries,   strips,    maxRows,   scope,         fold,       scale};   \
    tracemill::BODY<DIM>(a);                                                                       \
  }

POLICY_ATTENTION(policy_attention_stats, attentionStats, 64)
POLICY_ATTENTION(policy_attention_stats, attentionStats, 128)
POLICY_ATTENTION(policy_attention_columns, attentionColumns, 64)
POLICY_ATTENTION(policy_attention_columns, attentionColumns, 128)
