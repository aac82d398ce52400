// Common parts of the score kernels of policies other than RPC: problem description, tiles of
// logits in plain fp32 arithmetic.
#pragma once

#include "rpc_score.cuh"

namespace tracemill {

constexpr int kPolicyThreads = 128;
constexpr int kTileVectors = 32;    // query vectors, or keys compared with keys, of a tile
constexpr int kMostGroup = 8;       // query heads of a KV head
constexpr float kLeast = -1.0e30f;  // below every logit and finite

// Which rows share a query's attention, and how the heads of a group are folded: as
// ScoreRule.RecentAttention says.
enum Scope { kCandidates = 0, kAllRows = 1 };
enum Fold { kMean = 0, kLargestLogit = 1, kLargestShare = 2 };

// A due lane has the 8 words of rpc_score.cuh; word 6 holds the rows that have a stored score.
struct PolicyScore {
  const unsigned long long* layerPool;  // [layers] device addresses
  const int* pageTable;                 // [lane][maxPages]
  const bf16* ring;                     // [layer][lane][R][Hq][d]
  const int* due;                       // [numDue][8]
  float2* stats;  // [numDue][layer][kvHead][strips][units] (base-2 maximum, sum)
  float* shares;  // [numDue][layer][kvHead][maxRows]
  int maxPages;
  int numLanes;
  int numLayers;
  int numQueryHeads;
  int numKvHeads;
  int ringRows;
  int queries;
  int strips;
  int maxRows;
  int scope;
  int fold;
  float scale;
};

struct PolicyLane {
  int lane, first, candidates, rows, newest;
};

__device__ __forceinline__ PolicyLane policyLane(const int* due, int index) {
  const int* words = due + index * kDueWords;
  return {words[0], words[1], words[2], words[1] + words[2] + words[4], words[5]};
}

template <int kHeadDim>
struct PolicyTile {
  static constexpr int kStride = kHeadDim + 8;  // 16-byte rows, shifted by 4 banks each
  bf16 keys[kPageTokens][kStride];
  bf16 vectors[kTileVectors][kStride];
  float z[kTileVectors][kPageTokens + 1];
};

template <int kHeadDim>
__device__ __forceinline__ void copyRow(bf16* to, const bf16* from, int piece) {
  reinterpret_cast<uint4*>(to)[piece] = __ldg(reinterpret_cast<const uint4*>(from) + piece);
}

// The 64 keys of a page; rows past the end are old bytes of the pool, finite, and masked by the
// caller.
template <int kHeadDim>
__device__ __forceinline__ void loadKeys(PolicyTile<kHeadDim>& tile, const bf16* page) {
  constexpr int kPieces = kHeadDim / 8;
  for (int i = threadIdx.x; i < kPageTokens * kPieces; i += kPolicyThreads) {
    copyRow<kHeadDim>(tile.keys[i / kPieces], page + i / kPieces * kHeadDim, i % kPieces);
  }
}

__device__ __forceinline__ float low(unsigned pair) { return __uint_as_float(pair << 16); }
__device__ __forceinline__ float high(unsigned pair) { return __uint_as_float(pair & 0xffff0000u); }

// z[v][r] = factor * vectors[v] . keys[r]: a thread has 4 vectors and 4 rows, sums over d in order.
template <int kHeadDim>
__device__ __forceinline__ void multiplyTile(PolicyTile<kHeadDim>& tile, float factor) {
  int vector = threadIdx.x / 16 * 4;
  int row = threadIdx.x % 16;
  float sum[4][4];
#pragma unroll
  for (int i = 0; i < 4; i++) {
#pragma unroll
    for (int j = 0; j < 4; j++) sum[i][j] = 0.0f;
  }
#pragma unroll 4
  for (int d = 0; d < kHeadDim; d += 2) {
    unsigned k[4];
#pragma unroll
    for (int j = 0; j < 4; j++)
      k[j] = *reinterpret_cast<const unsigned*>(&tile.keys[row + 16 * j][d]);
#pragma unroll
    for (int i = 0; i < 4; i++) {
      unsigned v = *reinterpret_cast<const unsigned*>(&tile.vectors[vector + i][d]);
#pragma unroll
      for (int j = 0; j < 4; j++) {
        sum[i][j] = fmaf(low(v), low(k[j]), sum[i][j]);
        sum[i][j] = fmaf(high(v), high(k[j]), sum[i][j]);
      }
    }
  }
#pragma unroll
  for (int i = 0; i < 4; i++) {
#pragma unroll
    for (int j = 0; j < 4; j++) tile.z[vector + i][row + 16 * j] = sum[i][j] * factor;
  }
}

// Queries of ages [firstAge, firstAge + ages): vector (age - firstAge) * group + g; the others are
// 0.
template <int kHeadDim>
__device__ __forceinline__ void loadQueries(PolicyTile<kHeadDim>& tile, const PolicyScore& a,
                                            int layer, const PolicyLane& lane, int kvHead,
                                            int group, int firstAge, int ages) {
  constexpr int kPieces = kHeadDim / 8;
  for (int i = threadIdx.x; i < kTileVectors * kPieces; i += kPolicyThreads) {
    int vector = i / kPieces;
    if (vector < ages * group) {
      int age = firstAge + vector / group;
      long long slot = (static_cast<long long>(layer) * a.numLanes + lane.lane) * a.ringRows +
                       (lane.newest - age + a.ringRows) % a.ringRows;
      const bf16* query =
          a.ring + (slot * a.numQueryHeads + kvHead * group + vector % group) * kHeadDim;
      copyRow<kHeadDim>(tile.vectors[vector], query, i % kPieces);
    } else {
      reinterpret_cast<uint4*>(tile.vectors[vector])[i % kPieces] = make_uint4(0u, 0u, 0u, 0u);
    }
  }
}

// Rows [begin, end) share attention; a query of some age sees those before rows - age.
__device__ __forceinline__ int scopeBegin(int scope, const PolicyLane& lane) {
  return scope == kAllRows ? 0 : lane.first;
}

__device__ __forceinline__ int scopeEnd(int scope, const PolicyLane& lane) {
  return scope == kAllRows ? lane.rows : lane.first + lane.candidates;
}

// maximum + log2(sum) of one unit, its strips merged in order: a share is exp2(z - offset), and 0
// where no row was seen.
__device__ __forceinline__ float mergedOffset(const float2* part, int strips, int units) {
  float top = kLeast;
  for (int i = 0; i < strips; i++) top = fmaxf(top, part[static_cast<long long>(i) * units].x);
  float all = 0.0f;
  for (int i = 0; i < strips; i++) {
    float2 p = part[static_cast<long long>(i) * units];
    all += p.y * exp2Fast(p.x - top);
  }
  return all > 0.0f ? top + log2Fast(all) : -negativeInfinity();
}

// A float as a non-negative one in the same order, less its last bit: what rpc_select can rank. And
// back.
__device__ __forceinline__ float toRank(float x) {
  unsigned bits = __float_as_uint(x + 0.0f);
  return __uint_as_float(((bits & 0x80000000u) ? ~bits : (bits | 0x80000000u)) >> 1);
}

__device__ __forceinline__ float fromRank(float rank) {
  unsigned bits = __float_as_uint(rank) << 1;
  return __uint_as_float((bits & 0x80000000u) ? (bits & 0x7fffffffu) : ~bits);
}

}  // namespace tracemill
