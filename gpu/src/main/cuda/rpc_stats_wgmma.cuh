// Pass 1 of the RPC scores for warpgroups (sm_90a): the (maximum, sum) of each selector row over
// each strip of 512 cache rows, as rpc_score.cu defines them.
//
// The product stands with selector rows as its 64-row operand, so that the keys of a selector row
// lie in a quad of threads and its running (maximum, sum) stays in two registers. Warpgroups 0-3
// hold 64 selector rows each, in registers (d / 4 words a thread), for all strips of a problem;
// warp 16 copies key pages, one tile of 64 keys a stage, into a ring of 8 stages in the layout that
// wgmma calls the 128-byte swizzle (16-byte piece p of row r stands in half p / 8 of the tile, at
// r * 128 + ((p % 8) ^ (r % 8)) * 16). All four warpgroups multiply each tile and run apart by up
// to 8 tiles, so that the exponentials of some overlap the products of others: per tile of 64 keys
// and 256 rows the tensor cores are busy for 1,024 cycles, the exponentials for 1,024, and 16 KB
// from memory take about 1,270.
//   full[s]:  32 arrivals, each lane's copies; the readers' fence then orders them before wgmma.
//   empty[s]: 16 arrivals, one per warp of the four warpgroups, after its warpgroup's product. A
//             warpgroup without selector rows takes part, so that the counts are always the same.
// The strips are merged by the second pass, in ascending order; no counters, nothing depends on
// which CTA took a strip.
// Shared memory: 8 * 128 * d + 1,152 bytes, dynamic (1,024 of them for alignment).
#pragma once

#include "rpc_score_runs.cuh"
#include "rpc_wgmma.cuh"

namespace tracemill {

constexpr int kStatsWarps = 16;  // that multiply
constexpr int kRingStages = 8;

#if TRACEMILL_WGMMA
template <int kHeadDim>
struct KeyRing {
  static constexpr int kTileBytes = kPageTokens * kHeadDim * 2;
  static constexpr int kHalfBytes = kPageTokens * 128;
  u32 tiles;
  int stage = 0;
  u32 parity = 0;

  __device__ __forceinline__ explicit KeyRing(u32 base) : tiles((base + 1023) & ~1023u) {}
  __device__ __forceinline__ u32 tile() const { return tiles + stage * kTileBytes; }
  __device__ __forceinline__ u32 full(int s) const {
    return tiles + kRingStages * kTileBytes + s * 8;
  }
  __device__ __forceinline__ u32 empty(int s) const { return full(kRingStages + s); }
  __device__ __forceinline__ void advance() {
    if (++stage == kRingStages) {
      stage = 0;
      parity ^= 1;
    }
  }
};

// A strip's place in a lane's cache: its first page begins at slot `slot`.
struct Strip {
  int slot;
  int pages;

  __device__ __forceinline__ Strip(int first, int end, int strip) {
    slot = first / kPageTokens * kPageTokens + strip * kStripRows;
    pages = (min(slot + kStripRows, end) - slot + kPageTokens - 1) / kPageTokens;
  }
};

// The copying warp. Rows from the lane's last candidate on become zeros and are not read.
template <int kHeadDim>
__device__ __forceinline__ void produceKeys(const RpcScore& a, KeyRing<kHeadDim> ring,
                                            ScoreRuns<kStripRows, false> runs, int rowBlocks,
                                            int laneId) {
  constexpr int kRowPieces = kHeadDim / 8;
  constexpr int kRowsAtOnce = 32 / kRowPieces;
  constexpr int kTurns = kPageTokens / kRowsAtOnce;
  int piece = laneId % kRowPieces;
  int row = laneId / kRowPieces;
  u32 target = piece / 8 * KeyRing<kHeadDim>::kHalfBytes + row * 128;
  u32 chunk = ((piece % 8) ^ row) << 4;
  ScoreRun run;
  while (runs.next(run)) {
    const int* due = a.due + run.dueIndex * kDueWords;
    const int* table = a.pageTable + static_cast<long long>(due[0]) * a.maxPages;
    int first = due[1];
    int end = first + due[2];
    const bf16* pool = reinterpret_cast<const bf16*>(a.layerPool[run.layer]);
    int strips = run.units / rowBlocks;
    for (int unit = run.begin; unit < run.end; unit++) {
      Strip strip(first, end, unit % strips);
      for (int page = 0; page < strip.pages; page++) {
        int slot = strip.slot + page * kPageTokens;
        const char* source =
            reinterpret_cast<const char*>(pool + poolRow<kHeadDim>(table[slot / kPageTokens], 0,
                                                                   a.numKvHeads, run.kvHead, 0)) +
            laneId * 16;
        int valid = end - slot - row;
        barrier_wait(ring.empty(ring.stage), ring.parity ^ 1);
        u32 tile = ring.tile() + target;
#pragma unroll
        for (int i = 0; i < kTurns; i++) {
          u32 swizzled = chunk ^ (i * kRowsAtOnce % 8 << 4);
          copyAsync16(tile + i * kRowsAtOnce * 128 + swizzled, source + i * 512,
                      i * kRowsAtOnce < valid ? 16 : 0);
        }
        arrive_after_copies(ring.full(ring.stage));
        ring.advance();
      }
    }
  }
}

// 16 selector rows of this warp from row `row` on, as the operand in registers.
template <int kHeadDim>
__device__ __forceinline__ void holdSelectors(unsigned (&q)[kHeadDim / 16][4], const RpcScore& a,
                                              const ScoreRun& run, int row, int rows, int laneId) {
  int group = a.numQueryHeads / a.numKvHeads;
  int lane = a.due[run.dueIndex * kDueWords];
#pragma unroll
  for (int half = 0; half < 2; half++) {
    int r = row + half * 8 + (laneId >> 2);
    const unsigned* words = reinterpret_cast<const unsigned*>(selectorRow<kHeadDim>(
                                a, run.layer, lane, run.kvHead, group, min(r, rows - 1))) +
                            (laneId & 3);
#pragma unroll
    for (int step = 0; step < kHeadDim / 16; step++) {
      q[step][half] = r < rows ? __ldg(words + step * 8) : 0u;
      q[step][2 + half] = r < rows ? __ldg(words + step * 8 + 4) : 0u;
    }
  }
}

// Takes one tile of 64 keys into the running (maximum, sum) of row g (k = 0) or g + 8 (k = 1).
__device__ __forceinline__ void takeTile(const float (&s)[32], int k, float scaleLog2,
                                         float& maximum, float& sum) {
  float top[4];
#pragma unroll
  for (int j = 0; j < 4; j++) top[j] = fmaxf(s[4 * j + 2 * k], s[4 * j + 2 * k + 1]);
#pragma unroll
  for (int j = 4; j < 8; j++)
    top[j - 4] = fmaxf(top[j - 4], fmaxf(s[4 * j + 2 * k], s[4 * j + 2 * k + 1]));
  float next = fmaxf(maximum, fmaxf(fmaxf(top[0], top[1]), fmaxf(top[2], top[3])) * scaleLog2);
  float terms[4];
#pragma unroll
  for (int j = 0; j < 8; j++) {
    float pair = exp2Fast(fmaf(s[4 * j + 2 * k], scaleLog2, -next)) +
                 exp2Fast(fmaf(s[4 * j + 2 * k + 1], scaleLog2, -next));
    terms[j & 3] = j < 4 ? pair : terms[j & 3] + pair;
  }
  sum = fmaf(sum, exp2Fast(maximum - next), (terms[0] + terms[1]) + (terms[2] + terms[3]));
  maximum = next;
}

// A warp of the multiplying warpgroups.
template <int kHeadDim>
__device__ __forceinline__ void takeStats(const RpcScore& a, KeyRing<kHeadDim> ring,
                                          ScoreRuns<kStripRows, false> runs, int rows,
                                          int rowBlocks, int warp, int laneId) {
  float scaleLog2 = a.scale * kLog2e;
  unsigned q[kHeadDim / 16][4];
  ScoreRun run;
  while (runs.next(run)) {
    const int* due = a.due + run.dueIndex * kDueWords;
    int first = due[1];
    int end = first + due[2];
    int strips = run.units / rowBlocks;
    float2* stats =
        a.stats + ((static_cast<long long>(run.dueIndex) * a.numLayers + run.layer) * a.numKvHeads +
                   run.kvHead) *
                      a.strips * rows;
    for (int unit = run.begin; unit < run.end; unit++) {
      int index = unit % strips;
      int warpRow = unit / strips * kRowBlock + warp * 16;
      if (unit == run.begin || index == 0)
        holdSelectors<kHeadDim>(q, a, run, warpRow, rows, laneId);
      bool multiplies = (warpRow & ~63) < rows;  // the same in the four warps of a warpgroup
      Strip strip(first, end, index);
      float maximum[2] = {kNoMaximum, kNoMaximum};
      float sum[2] = {0.0f, 0.0f};
      for (int page = 0; page < strip.pages; page++) {
        float s[32];
        barrier_wait(ring.full(ring.stage), ring.parity);
        if (multiplies) {
          shared_fence_for_wgmma();
          multiply_held<64>(s, q, ring.tile(), KeyRing<kHeadDim>::kHalfBytes);
        }
        if (laneId == 0) barrier_arrive(ring.empty(ring.stage));
        ring.advance();
        if (warpRow >= rows) continue;
        int slot = strip.slot + page * kPageTokens;
        if (slot < first || slot + kPageTokens > end) {
#pragma unroll
          for (int i = 0; i < 32; i++) {
            int at = slot + i / 4 * 8 + 2 * (laneId & 3) + (i & 1);
            if (at < first || at >= end) s[i] = negativeInfinity();
          }
        }
        takeTile(s, 0, scaleLog2, maximum[0], sum[0]);
        takeTile(s, 1, scaleLog2, maximum[1], sum[1]);
      }
#pragma unroll
      for (int k = 0; k < 2; k++) {
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
          stats[static_cast<long long>(index) * rows + row] = make_float2(maximum[k], sum[k]);
        }
      }
    }
  }
}
#endif  // TRACEMILL_WGMMA

template <int kHeadDim>
__device__ __forceinline__ void scoreStatsByWarpgroups(const RpcScore& a, int numDue) {
#if TRACEMILL_WGMMA
  extern __shared__ __align__(128) char scoreShared[];
  begin_dependent();
  KeyRing<kHeadDim> ring(sharedAddress(scoreShared));
  int rows = a.ringRows * (a.numQueryHeads / a.numKvHeads);
  int rowBlocks = (rows + kRowBlock - 1) / kRowBlock;
  if (threadIdx.x == 0) {
    for (int s = 0; s < kRingStages; s++) {
      barrier_init(ring.full(s), 32);
      barrier_init(ring.empty(s), kStatsWarps);
    }
    barrier_init_fence();
  }
  __syncthreads();
  ScoreRuns<kStripRows, false> runs;
  runs.start(a, numDue, rowBlocks);
  int warp = __shfl_sync(kFullMask, threadIdx.x >> 5, 0);
  int laneId = threadIdx.x & 31;
  if (warp == kStatsWarps) {
    produceKeys<kHeadDim>(a, ring, runs, rowBlocks, laneId);
  } else {
    takeStats<kHeadDim>(a, ring, runs, rows, rowBlocks, warp, laneId);
  }
#endif
}

}  // namespace tracemill
