// Pass 1 of the RPC scores for warpgroups (sm_90a): the (reference, sum) of each selector row over
// each strip of 512 cache rows, as rpc_score.cu defines them.
//
// The product stands with selector rows as its 64-row operand, so that the keys of a selector row
// lie in a quad of threads and its running sum stays in a register. Two warpgroups hold two tiles
// of 64 selector rows each, in registers (2 * d / 4 words a thread), for all strips of a problem;
// warp 8 copies key pages into the ring of rpc_key_ring.cuh. A warpgroup always has the product of
// its other tile under way while it takes the exponentials of one: with one product after the other
// all warpgroups fall into step, tensor cores and exponentials are busy in turn, and a page costs
// their sum. Per page of 64 keys and 256 rows each is busy for 1,024 cycles, and 16 KB from memory
// take about 1,270.
// The reference of a sum is the maximum of its strip's first page, in the thread, and moves up only
// when a logit exceeds it by 16 (base 2): so the exponentials need not wait for the maximum of
// their tile, which is taken beside them, and nothing is rescaled otherwise.
// The strips are merged by the second pass, in ascending order; no counters, nothing depends on
// which CTA took a strip.
// Shared memory: 8 * 128 * d + 1,152 bytes, dynamic (1,024 of them for alignment).
#pragma once

#include "rpc_key_ring.cuh"

namespace tracemill {

constexpr int kStatsWarps = 8;  // that multiply
constexpr int kStripPages = kStripRows / kPageTokens;
constexpr float kHeadroom = 16.0f;  // of logits above their reference, base 2

#if TRACEMILL_WGMMA
// Consecutive strips of a problem that share a block of selector rows.
struct StripRun {
  int rowBlock;
  int begin;  // pages
  int end;
  int units;  // of the run

  __device__ __forceinline__ StripRun(const ScoreRun& run, int unit, int pages) {
    int strips = (pages + kStripPages - 1) / kStripPages;
    int first = unit % strips;
    rowBlock = unit / strips;
    units = min(run.end - unit, strips - first);
    begin = first * kStripPages;
    end = min((first + units) * kStripPages, pages);
  }
};

// A tile of 64 selector rows: 16 of this warp, of which a thread has rows g and g + 8.
template <int kHeadDim>
struct SelectorTile {
  unsigned q[kHeadDim / 16][4];
  float s[32];
  float reference[2];
  float sum[2];
  int warpRow;

  __device__ __forceinline__ void hold(const RpcScore& a, const ScoreRun& run, int row, int rows,
                                       int laneId) {
    warpRow = row;
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

  __device__ __forceinline__ void start(u32 keys) {
    start_held(s, q, keys, KeyRing<kHeadDim>::kHalfBytes);
  }

  // Logits of rows outside [from, to) of a page become -inf.
  __device__ __forceinline__ void mask(int from, int to, int laneId) {
#pragma unroll
    for (int i = 0; i < 32; i++) {
      int at = i / 4 * 8 + 2 * (laneId & 3) + (i & 1);
      if (at < from || at >= to) s[i] = negativeInfinity();
    }
  }

  __device__ __forceinline__ float top(int k) const {
    float part[4];
#pragma unroll
    for (int j = 0; j < 8; j++) {
      float pair = fmaxf(s[4 * j + 2 * k], s[4 * j + 2 * k + 1]);
      part[j & 3] = j < 4 ? pair : fmaxf(part[j & 3], pair);
    }
    return fmaxf(fmaxf(part[0], part[1]), fmaxf(part[2], part[3]));
  }

  __device__ __forceinline__ float terms(int k, float scaleLog2, float from) const {
    float part[4];
#pragma unroll
    for (int j = 0; j < 8; j++) {
      float pair = exp2Fast(fmaf(s[4 * j + 2 * k], scaleLog2, -from)) +
                   exp2Fast(fmaf(s[4 * j + 2 * k + 1], scaleLog2, -from));
      part[j & 3] = j < 4 ? pair : part[j & 3] + pair;
    }
    return (part[0] + part[1]) + (part[2] + part[3]);
  }

  // Takes the logits of a page into the sums; `opens`: the first page of a strip.
  __device__ __forceinline__ void take(float scaleLog2, bool opens) {
    if (!opens) {
      float more[2];
      bool above = false;
#pragma unroll
      for (int k = 0; k < 2; k++) {
        more[k] = terms(k, scaleLog2, reference[k]);
        above |= top(k) * scaleLog2 > reference[k] + kHeadroom;
      }
      if (!__any_sync(kFullMask, above)) {
        sum[0] += more[0];
        sum[1] += more[1];
        return;
      }
    }
#pragma unroll
    for (int k = 0; k < 2; k++) {
      float before = opens ? kNoMaximum : reference[k];
      reference[k] = fmaxf(before, top(k) * scaleLog2);
      sum[k] = fmaf(opens ? 0.0f : sum[k], exp2Fast(before - reference[k]),
                    terms(k, scaleLog2, reference[k]));
    }
  }

  // Merges the quads' sums of a strip, which the first lane of each writes.
  __device__ __forceinline__ void write(float2* stats, int rows, int laneId) {
#pragma unroll
    for (int k = 0; k < 2; k++) {
      float at = reference[k];
      float all = sum[k];
#pragma unroll
      for (int step = 1; step <= 2; step <<= 1) {
        float otherAt = __shfl_xor_sync(kFullMask, at, step);
        float other = __shfl_xor_sync(kFullMask, all, step);
        float next = fmaxf(at, otherAt);
        all = all * exp2Fast(at - next) + other * exp2Fast(otherAt - next);
        at = next;
      }
      int row = warpRow + k * 8 + (laneId >> 2);
      if ((laneId & 3) == 0 && row < rows) stats[row] = make_float2(at, all);
    }
  }
};

// What a page means to the tiles: its valid rows, its place in a strip, where the strip's sums go.
struct StatsPage {
  int from;
  int to;
  bool opens;
  bool closes;
  float2* stats;
};

template <int kHeadDim>
__device__ __forceinline__ void takePage(SelectorTile<kHeadDim>& tile, const StatsPage& page,
                                         float scaleLog2, int rows, int laneId) {
  if (tile.warpRow >= rows) return;
  if (page.from > 0 || page.to < kPageTokens) tile.mask(page.from, page.to, laneId);
  tile.take(scaleLog2, page.opens);
  if (page.closes) tile.write(page.stats, rows, laneId);
}

// The copying warp.
template <int kHeadDim>
__device__ __forceinline__ void copyStatsPages(const RpcScore& a, KeyRing<kHeadDim> ring,
                                               ScoreRuns<kStripRows, false> runs, int laneId) {
  ScoreRun run;
  while (runs.next(run)) {
    KeyPages<kHeadDim> keys(a, run);
    for (int unit = run.begin; unit < run.end;) {
      StripRun strips(run, unit, keys.count());
      for (int page = strips.begin; page < strips.end; page++) keys.copy(ring, page, laneId);
      unit += strips.units;
    }
  }
}

// A warp of the multiplying warpgroups.
template <int kHeadDim>
__device__ __forceinline__ void takeStats(const RpcScore& a, KeyRing<kHeadDim> ring,
                                          ScoreRuns<kStripRows, false> runs, int rows, int warp,
                                          int laneId) {
  float scaleLog2 = a.scale * kLog2e;
  SelectorTile<kHeadDim> even;
  SelectorTile<kHeadDim> odd;
  ScoreRun run;
  while (runs.next(run)) {
    const int* due = a.due + run.dueIndex * kDueWords;
    int first = due[1] % kPageTokens;
    int end = first + due[2];
    float2* stats =
        a.stats + ((static_cast<long long>(run.dueIndex) * a.numLayers + run.layer) * a.numKvHeads +
                   run.kvHead) *
                      a.strips * rows;
    for (int unit = run.begin; unit < run.end;) {
      StripRun strips(run, unit, (end + kPageTokens - 1) / kPageTokens);
      unit += strips.units;
      int warpRow = strips.rowBlock * kRowBlock + warp * 16;
      even.hold(a, run, warpRow, rows, laneId);
      odd.hold(a, run, warpRow + kStatsWarps * 16, rows, laneId);
      ring.waitForPage();
      even.start(ring.tile());
      finish(even.s);
      for (int at = strips.begin; at < strips.end; at++) {
        bool more = at + 1 < strips.end;
        StatsPage page{first - at * kPageTokens, end - at * kPageTokens, at % kStripPages == 0,
                       at % kStripPages == kStripPages - 1 || !more,
                       stats + static_cast<long long>(at / kStripPages) * rows};
        odd.start(ring.tile());
        takePage(even, page, scaleLog2, rows, laneId);
        KeyRing<kHeadDim> present = ring;
        if (more) {
          ring.page++;
          ring.waitForPage();
        }
        finish(odd.s);
        even.start(ring.tile());  // after the last page once more, which nobody uses
        if (more) present.release(laneId);
        takePage(odd, page, scaleLog2, rows, laneId);
        finish(even.s);
      }
      ring.release(laneId);
      ring.page++;
    }
  }
}
#endif  // TRACEMILL_WGMMA

template <int kHeadDim>
__device__ __forceinline__ void scoreStatsByWarpgroups(const RpcScore& a, int numDue) {
#if TRACEMILL_WGMMA
  extern __shared__ __align__(128) char scoreShared[];
  begin_dependent();
  KeyRing<kHeadDim> ring((sharedAddress(scoreShared) + 1023) & ~1023u);
  int rows = a.ringRows * (a.numQueryHeads / a.numKvHeads);
  if (threadIdx.x == 0) ring.create(kStatsWarps);
  __syncthreads();
  ScoreRuns<kStripRows, false> runs;
  runs.start(a, numDue, (rows + kRowBlock - 1) / kRowBlock);
  int warp = __shfl_sync(kFullMask, threadIdx.x >> 5, 0);
  int laneId = threadIdx.x & 31;
  if (warp == kStatsWarps) {
    copyStatsPages<kHeadDim>(a, ring, runs, laneId);
  } else {
    takeStats<kHeadDim>(a, ring, runs, rows, warp, laneId);
  }
#endif
}

}  // namespace tracemill
