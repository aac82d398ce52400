// Common parts of the two RPC scoring passes: problem description, permuted operand loads, shared
// tile addressing.
#pragma once

#include "device_math.cuh"
#include "warp_mma.cuh"

namespace tracemill {

// One due lane, 8 int32: what the host says about this compression.
//   lane | first candidate slot (prompt rows) | candidates | rows kept | window rows after the
//       candidates | newest ring slot | - | -
constexpr int kDueWords = 8;
constexpr int kStripRows =
    512;  // cache rows of one CTA, cut at multiples of 64 from the page of the first candidate
constexpr int kRowBlock = 256;  // selector rows (window x group) that are held at a time

struct RpcScore {
  const unsigned long long* layerPool;  // [layers] device addresses
  const int* pageTable;                 // [lane][maxPages]
  const bf16* ring;                     // [layer][lane][R][Hq][d]
  const float* weights;                 // [R] oldest .. newest
  const int* due;                       // [numDue][8]
  float2* stats;   // [numDue][layer][kvHead][strips][rows] (base-2 maximum, sum)
  float* offsets;  // [numDue][layer][kvHead][rows]
  int* counters;   // [numDue][layer][kvHead][rowBlocks], zero between launches
  float* scores;   // [numDue][layer][kvHead][maxCandidates]
  int maxPages;
  int numLanes;
  int numLayers;
  int numQueryHeads;
  int numKvHeads;
  int ringRows;
  int strips;
  int maxCandidates;
  float scale;
};

// Strips that a lane's candidates take.
__device__ __forceinline__ int stripCount(int first, int candidates) {
  return (first % kPageTokens + candidates + kStripRows - 1) / kStripRows;
}

// Operands with a permuted inner dimension: thread t of a quad holds the 16-byte pieces t, t+4,
// t+8, ... of a row, so that both operands are read 16 bytes at a time. Words 2e, 2e+1 of piece
// 4j+t are the k-pairs of mma step 2j+e; the sum over k is the same in another order as long as A
// and B agree.
template <int kHeadDim>
struct PermutedRow {
  static constexpr int kPieces = kHeadDim / 32;
  uint4 piece[kPieces];
};

template <int kHeadDim>
__device__ __forceinline__ void loadPermuted(PermutedRow<kHeadDim>& row, const bf16* source,
                                             bool valid, int laneId) {
#pragma unroll
  for (int j = 0; j < PermutedRow<kHeadDim>::kPieces; j++) {
    row.piece[j] = valid ? __ldg(reinterpret_cast<const uint4*>(source) + 4 * j + (laneId & 3))
                         : make_uint4(0u, 0u, 0u, 0u);
  }
}

// Byte offset of 16-byte piece `piece` of row `row` in a shared tile: odd rows swap the halves of
// each 128 bytes, which makes the permuted 16-byte reads of a warp free of bank conflicts.
template <int kHeadDim>
__device__ __forceinline__ unsigned tileOffset(int row, int piece) {
  return row * kHeadDim * 2 + ((piece ^ ((row & 1) << 2)) << 4);
}

__device__ __forceinline__ uint4 loadShared16(unsigned address) {
  uint4 v;
  asm volatile("ld.shared.v4.u32 {%0,%1,%2,%3}, [%4];"
               : "=r"(v.x), "=r"(v.y), "=r"(v.z), "=r"(v.w)
               : "r"(address)
               : "memory");
  return v;
}

// 16 rows as A operand, made of the permuted rows g and g+8. The four words of a step stand
// together once and for all, because the instruction takes consecutive registers.
template <int kHeadDim>
struct PermutedTile {
  unsigned step[kHeadDim / 16][4];

  __device__ __forceinline__ void set(const PermutedRow<kHeadDim>& low,
                                      const PermutedRow<kHeadDim>& high) {
#pragma unroll
    for (int j = 0; j < kHeadDim / 32; j++) {
      step[2 * j][0] = low.piece[j].x, step[2 * j][1] = high.piece[j].x;
      step[2 * j][2] = low.piece[j].y, step[2 * j][3] = high.piece[j].y;
      step[2 * j + 1][0] = low.piece[j].z, step[2 * j + 1][1] = high.piece[j].z;
      step[2 * j + 1][2] = low.piece[j].w, step[2 * j + 1][3] = high.piece[j].w;
    }
  }

  // Fixes the words in their places by a shuffle onto themselves. Without it ptxas keeps them as
  // they were loaded and gathers them with four moves before every mma of an inner loop.
  __device__ __forceinline__ void settle(int laneId) {
#pragma unroll
    for (int k = 0; k < kHeadDim / 16; k++) {
#pragma unroll
      for (int i = 0; i < 4; i++) step[k][i] = __shfl_sync(kFullMask, step[k][i], laneId);
    }
  }

  // Two mma steps of piece j with the same piece of 8 columns as B.
  __device__ __forceinline__ void multiply(float (&c)[4], int j, const uint4& column) const {
    const unsigned* even = step[2 * j];
    const unsigned* odd = step[2 * j + 1];
    mmaBf16(c, even[0], even[1], even[2], even[3], column.x, column.y);
    mmaBf16(c, odd[0], odd[1], odd[2], odd[3], column.z, column.w);
  }
};

// Selector row r = ringSlot * group + head of the group, as stored by the decode step.
template <int kHeadDim>
__device__ __forceinline__ const bf16* selectorRow(const RpcScore& a, int layer, int lane,
                                                   int kvHead, int group, int row) {
  long long slot = (static_cast<long long>(layer) * a.numLanes + lane) * a.ringRows + row / group;
  return a.ring + (slot * a.numQueryHeads + kvHead * group + row % group) * kHeadDim;
}

}  // namespace tracemill
