// Pass 1 of the RPC scores by mma.sync, for devices before sm_90: offsets of the selector rows, as
// rpc_score.cu defines them. A CTA takes 512 cache rows of one (due lane, layer, KV head) and 256
// selector rows; a warp holds 32 selector rows in registers as A; key pages (64 rows) pass through
// a ring of 4 shared stages as B; every thread keeps its own running (maximum, sum) of 4 rows; the
// last CTA of a row block merges the strips in ascending order into offset[r] = max + log2(sum) -
// log2(weight), so that pass 2 is exp2(z - offset) (weight 0: +inf).
// Shared memory: 4 * 64 * d * 2 bytes, dynamic.
#pragma once

#include "rpc_score.cuh"

namespace tracemill {

constexpr int kStatsStages = 4;

template <int kHeadDim>
__device__ __forceinline__ void scoreStats(const RpcScore& a) {
  constexpr int kPieces = PermutedRow<kHeadDim>::kPieces;
  constexpr int kTileBytes = kPageTokens * kHeadDim * 2;
  constexpr int kRowPieces = kHeadDim / 8;
  extern __shared__ __align__(128) char scoreShared[];
  __shared__ int ticket;
  unsigned ring = sharedAddress(scoreShared);
  int group = a.numQueryHeads / a.numKvHeads;
  int rows = a.ringRows * group;
  int rowBlocks = (rows + kRowBlock - 1) / kRowBlock;
  int dueIndex = blockIdx.z / rowBlocks;
  int rowBlock = blockIdx.z % rowBlocks;
  int layer = blockIdx.y / a.numKvHeads;
  int kvHead = blockIdx.y % a.numKvHeads;
  const int* due = a.due + dueIndex * kDueWords;
  int lane = due[0];
  int first = due[1];
  int candidates = due[2];
  int strips = stripCount(first, candidates);
  int strip = blockIdx.x;
  if (strip >= strips) return;
  int end = first + candidates;
  int stripStart = first / kPageTokens * kPageTokens + strip * kStripRows;
  int pages = (min(stripStart + kStripRows, end) - stripStart + kPageTokens - 1) / kPageTokens;
  const bf16* pool = reinterpret_cast<const bf16*>(a.layerPool[layer]);
  const int* table =
      a.pageTable + static_cast<long long>(lane) * a.maxPages + stripStart / kPageTokens;
  int warp = threadIdx.x >> 5;
  int laneId = threadIdx.x & 31;

  auto copyTile = [&](int page) {
    unsigned stage = ring + page % kStatsStages * kTileBytes;
    const char* source = reinterpret_cast<const char*>(
        pool + poolRow<kHeadDim>(table[page], 0, a.numKvHeads, kvHead, 0));
    int valid = min(kPageTokens, end - stripStart - page * kPageTokens);
#pragma unroll
    for (int i = threadIdx.x; i < kPageTokens * kRowPieces; i += 256) {
      copyAsync16(stage + tileOffset<kHeadDim>(i / kRowPieces, i % kRowPieces), source + i * 16,
                  i / kRowPieces < valid ? 16 : 0);
    }
  };
  for (int page = 0; page < kStatsStages - 1; page++) {
    if (page < pages) copyTile(page);
    commitCopies();
  }
  int warpRow = rowBlock * kRowBlock + warp * 32;
  PermutedTile<kHeadDim> q[2];
#pragma unroll
  for (int m = 0; m < 2; m++) {
    PermutedRow<kHeadDim> half[2];
#pragma unroll
    for (int k = 0; k < 2; k++) {
      int row = warpRow + m * 16 + k * 8 + (laneId >> 2);
      loadPermuted<kHeadDim>(
          half[k], selectorRow<kHeadDim>(a, layer, lane, kvHead, group, min(row, rows - 1)),
          row < rows, laneId);
    }
    q[m].set(half[0], half[1]);
  }
  float scaleLog2 = a.scale * kLog2e;
  float maximum[4];
  float sum[4];
#pragma unroll
  for (int k = 0; k < 4; k++) {
    maximum[k] = kNoMaximum;
    sum[k] = 0.0f;
  }
  bool busy = warpRow < rows;
  for (int page = 0; page < pages; page++) {
    waitCopies<kStatsStages - 2>();
    __syncthreads();
    if (page + kStatsStages - 1 < pages) copyTile(page + kStatsStages - 1);
    commitCopies();
    if (!busy) continue;
    unsigned stage = ring + page % kStatsStages * kTileBytes;
    int slot = stripStart + page * kPageTokens;
    bool masked = slot < first || slot + kPageTokens > end;
#pragma unroll 1
    for (int key = 0; key < kPageTokens; key += 16) {
      float s[2][2][4];  // [m tile][n tile]
#pragma unroll
      for (int m = 0; m < 2; m++) {
#pragma unroll
        for (int n = 0; n < 2; n++) s[m][n][0] = s[m][n][1] = s[m][n][2] = s[m][n][3] = 0.0f;
      }
#pragma unroll
      for (int j = 0; j < kPieces; j++) {
#pragma unroll
        for (int n = 0; n < 2; n++) {
          uint4 column = loadShared16(
              stage + tileOffset<kHeadDim>(key + n * 8 + (laneId >> 2), 4 * j + (laneId & 3)));
          q[0].multiply(s[0][n], j, column);
          q[1].multiply(s[1][n], j, column);
        }
      }
      if (masked) {
#pragma unroll
        for (int n = 0; n < 2; n++) {
#pragma unroll
          for (int c = 0; c < 2; c++) {
            int at = slot + key + n * 8 + 2 * (laneId & 3) + c;
            if (at < first || at >= end) {
#pragma unroll
              for (int m = 0; m < 2; m++) s[m][n][c] = s[m][n][c + 2] = negativeInfinity();
            }
          }
        }
      }
#pragma unroll
      for (int k = 0; k < 4; k++) {
        int m = k >> 1;
        int c = (k & 1) * 2;
        float top =
            fmaxf(fmaxf(s[m][0][c], s[m][0][c + 1]), fmaxf(s[m][1][c], s[m][1][c + 1])) * scaleLog2;
        float next = fmaxf(maximum[k], top);
        float terms = (exp2Fast(fmaf(s[m][0][c], scaleLog2, -next)) +
                       exp2Fast(fmaf(s[m][0][c + 1], scaleLog2, -next))) +
                      (exp2Fast(fmaf(s[m][1][c], scaleLog2, -next)) +
                       exp2Fast(fmaf(s[m][1][c + 1], scaleLog2, -next)));
        sum[k] = fmaf(sum[k], exp2Fast(maximum[k] - next), terms);
        maximum[k] = next;
      }
    }
  }
  long long problem =
      (static_cast<long long>(dueIndex) * a.numLayers + layer) * a.numKvHeads + kvHead;
  float2* stats = a.stats + problem * a.strips * rows;
#pragma unroll
  for (int k = 0; k < 4; k++) {
#pragma unroll
    for (int step = 1; step <= 2; step <<= 1) {
      float otherMax = __shfl_xor_sync(kFullMask, maximum[k], step);
      float otherSum = __shfl_xor_sync(kFullMask, sum[k], step);
      float next = fmaxf(maximum[k], otherMax);
      sum[k] = sum[k] * exp2Fast(maximum[k] - next) + otherSum * exp2Fast(otherMax - next);
      maximum[k] = next;
    }
    int row = warpRow + k * 8 + (laneId >> 2);
    if ((laneId & 3) == 0 && row < rows) {
      stats[static_cast<long long>(strip) * rows + row] = make_float2(maximum[k], sum[k]);
    }
  }
  __syncthreads();
  if (threadIdx.x == 0) {
    int* counter = a.counters + problem * rowBlocks + rowBlock;
    int arrived = addRelease(counter, 1);
    if (arrived == strips - 1) {
      acquireFence();
      *counter = 0;
    }
    ticket = arrived;
  }
  __syncthreads();
  if (ticket != strips - 1) return;
  int row = rowBlock * kRowBlock + threadIdx.x;
  if (row >= rows) return;
  float top = negativeInfinity();
  for (int i = 0; i < strips; i++)
    top = fmaxf(top, loadFromL2(stats + static_cast<long long>(i) * rows + row).x);
  float all = 0.0f;
  for (int i = 0; i < strips; i++) {
    float2 part = loadFromL2(stats + static_cast<long long>(i) * rows + row);
    all += part.y * exp2Fast(part.x - top);
  }
  int newest = due[5];
  int age = (newest - row / group + a.ringRows) % a.ringRows;
  float weight = a.weights[a.ringRows - 1 - age];
  a.offsets[problem * rows + row] =
      weight > 0.0f ? top + log2Fast(all) - log2Fast(weight) : -negativeInfinity();
}

}  // namespace tracemill
