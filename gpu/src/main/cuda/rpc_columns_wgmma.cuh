// Pass 2 of the RPC scores for warpgroups (sm_90a): the score of each candidate, as rpc_score.cu
// defines it.
//
// The product stands with keys as its 64-row operand, so that the sum over selector rows stays in a
// thread, then a quad, in fixed order. Warp 8 copies key pages, last one first, into the ring of
// rpc_key_ring.cuh; each of two warpgroups takes every other page. Up to 256 selector rows stand
// in shared memory, in the same swizzle, in chunks of 64 or 112 (whichever pads less): a
// warpgroup has the product with the next chunk, or page, under way while it takes the exponentials
// of one. Per page and 224 rows the tensor cores and the exponentials are busy for 896 cycles each,
// shared memory for 930, and 16 KB from memory take about 1,270.
// offset[r] = max + log2(sum) - log2(weight) is merged here from the strips, in ascending order
// (weight 0: +inf). More rows than stand at once: the run is gone through once per block of rows,
// and a thread adds to the scores that were left before.
// It may start while the first pass drains: nothing but the strips' (reference, sum) comes from
// there, and the scores are not written before those are read.
// Shared memory: 1536 * d + 2,176 bytes, dynamic (1,024 of them for alignment).
#pragma once

#include "rpc_key_ring.cuh"

namespace tracemill {

constexpr int kColumnWarps = 8;  // that multiply
constexpr int kColumnThreads = 32 * kColumnWarps;
constexpr int kColumnGroups = kColumnWarps / 4;

#if TRACEMILL_WGMMA
// Merges the strips of one row; what a score takes off the row's logits.
__device__ __forceinline__ float rowOffset(const RpcScore& a, const float2* stats, int strips,
                                           int rows, int row, int group, int newest) {
  constexpr int kAtOnce = 8;
  const float2* parts = stats + row;
  float top = kNoMaximum;
  float all = 0.0f;
  for (int base = 0; base < strips; base += kAtOnce) {
    float2 part[kAtOnce];
#pragma unroll
    for (int i = 0; i < kAtOnce; i++) {
      part[i] = base + i < strips ? loadFromL2(parts + static_cast<long long>(base + i) * rows)
                                  : make_float2(kNoMaximum, 0.0f);
    }
    float next = top;
#pragma unroll
    for (int i = 0; i < kAtOnce; i++) next = fmaxf(next, part[i].x);
    all *= exp2Fast(top - next);
#pragma unroll
    for (int i = 0; i < kAtOnce; i++) all = fmaf(part[i].y, exp2Fast(part[i].x - next), all);
    top = next;
  }
  int age = (newest - row / group + a.ringRows) % a.ringRows;
  float weight = a.weights[a.ringRows - 1 - age];
  return weight > 0.0f ? top + log2Fast(all) - log2Fast(weight) : -negativeInfinity();
}

// Columns of a chunk of `rows` selector rows: the wider form, unless it pads more.
__device__ __forceinline__ int chunkColumns(int rows) {
  return (rows + 111) / 112 * 112 <= (rows + 63) / 64 * 64 ? 112 : 64;
}

// A number that is the same in all threads of the warp anyhow; so the compiler knows it, and
// computes operand addresses once per warp beside the exponentials.
__device__ __forceinline__ u32 sameInWarp(u32 x) { return __reduce_max_sync(kFullMask, x); }

// Where the parts of shared memory stand.
template <int kHeadDim>
struct ColumnShared {
  static constexpr u32 kHalfBytes = kRowBlock * 128;  // 64 columns of all selector rows
  u32 selectors;
  KeyRing<kHeadDim> ring;
  float* offsets;

  __device__ __forceinline__ explicit ColumnShared(char* shared)
      : selectors((sharedAddress(shared) + 1023) & ~1023u),
        ring(selectors + kRowBlock * kHeadDim * 2),
        offsets(reinterpret_cast<float*>(shared + (ring.tiles - sharedAddress(shared)) +
                                         KeyRing<kHeadDim>::kBytes)) {}
};

// Puts selector rows [begin, begin + count) and their offsets into shared memory, zeros up to
// `padded`. A thread merges the offset of a row, which waits for the first pass, while its copies
// are under way.
template <int kHeadDim>
__device__ __forceinline__ void placeSelectors(const RpcScore& a, const ScoreRun& run, int begin,
                                               int count, int padded,
                                               const ColumnShared<kHeadDim>& shared, int rows) {
  static_assert(kColumnThreads == kRowBlock, "a thread merges the offset of one row");
  constexpr int kRowPieces = kHeadDim / 8;
  const int* due = a.due + run.dueIndex * kDueWords;
  int group = a.numQueryHeads / a.numKvHeads;
  int lane = due[0];
  for (int i = threadIdx.x; i < padded * kRowPieces; i += kColumnThreads) {
    int row = i / kRowPieces;
    int piece = i % kRowPieces;
    const bf16* source =
        selectorRow<kHeadDim>(a, run.layer, lane, run.kvHead, group, begin + min(row, count - 1)) +
        piece * 8;
    copyAsync16(shared.selectors + piece / 8 * ColumnShared<kHeadDim>::kHalfBytes + row * 128 +
                    (((piece % 8) ^ (row % 8)) << 4),
                source, row < count ? 16 : 0);
  }
  commitCopies();
  wait_for_inputs();
  int thread = threadIdx.x;
  if (thread < padded) {
    long long problem =
        (static_cast<long long>(run.dueIndex) * a.numLayers + run.layer) * a.numKvHeads +
        run.kvHead;
    int strips = (due[1] % kPageTokens + due[2] + kStripRows - 1) / kStripRows;
    shared.offsets[thread] = thread < count ? rowOffset(a, a.stats + problem * a.strips * rows,
                                                        strips, rows, begin + thread, group, due[5])
                                            : -negativeInfinity();
  }
  waitCopies<0>();
}

// A warpgroup's pages of a run, each with every chunk of the selector rows that are in place.
template <int kHeadDim, int kChunk>
struct ColumnPages {
  static constexpr int kSteps = kHeadDim / 16;
  const ColumnShared<kHeadDim>& shared;
  float* scores;  // of the row of page 0 that this thread has first
  int first;      // candidates of that row's column of pages: [first, end), in rows
  int end;
  int lastPage;
  int pages;
  int chunks;
  float scaleLog2;
  bool adds;
  int laneId;
  float sum[2];

  // Shared addresses.
  struct Operands {
    u32 keys;
    u32 selectors;
  };

  // A page and a chunk of it: `page` counts from the run's last page down.
  struct Place {
    KeyRing<kHeadDim> ring;
    int page;
    int chunk = 0;

    __device__ __forceinline__ void advance(int chunks) {
      if (++chunk < chunks) return;
      chunk = 0;
      page += kColumnGroups;
      ring.page += kColumnGroups;
    }
  };

  // The operands of a place, when its keys are there; a page is waited for once. Beyond the last
  // place: whatever its stage holds, for a product that nobody uses, so that the loop has one form.
  __device__ __forceinline__ Operands prepare(const Place& at) const {
    if (at.page < pages && at.chunk == 0) at.ring.waitForPage();
    return {sameInWarp(at.ring.tile()), sameInWarp(shared.selectors + at.chunk * kChunk * 128)};
  }

  __device__ __forceinline__ void start(float (&s)[kChunk / 2], const Operands& of) const {
    start_shared<kChunk, kSteps>(s, of.keys, KeyRing<kHeadDim>::kHalfBytes, of.selectors,
                                 ColumnShared<kHeadDim>::kHalfBytes);
  }

  __device__ __forceinline__ void take(const float (&s)[kChunk / 2], const Place& at) {
    if (at.chunk == chunks - 1) at.ring.release(laneId);
    if (at.chunk == 0) sum[0] = sum[1] = 0.0f;
    const float* offset = shared.offsets + at.chunk * kChunk + 2 * (laneId & 3);
#pragma unroll
    for (int j = 0; j < kChunk / 8; j++) {
      float2 o = *reinterpret_cast<const float2*>(offset + j * 8);
#pragma unroll
      for (int k = 0; k < 2; k++) {
        sum[k] += exp2Fast(fmaf(s[4 * j + 2 * k], scaleLog2, -o.x)) +
                  exp2Fast(fmaf(s[4 * j + 2 * k + 1], scaleLog2, -o.y));
      }
    }
    if (at.chunk < chunks - 1) return;
#pragma unroll
    for (int k = 0; k < 2; k++) {
      float all = sum[k];
      all += __shfl_xor_sync(kFullMask, all, 1);
      all += __shfl_xor_sync(kFullMask, all, 2);
      int row = (lastPage - at.page) * kPageTokens + k * 8;
      if ((laneId & 3) == 0 && row >= first && row < end) {
        scores[row] = adds ? scores[row] + all : all;
      }
    }
  }
};

template <int kHeadDim, int kChunk>
__device__ __forceinline__ void scoreColumnRun(const RpcScore& a, const ScoreRun& run, int rows,
                                               const ColumnShared<kHeadDim>& shared,
                                               KeyRing<kHeadDim>& ring) {
  constexpr int kBlock = kRowBlock / kChunk * kChunk;
  const int* due = a.due + run.dueIndex * kDueWords;
  int laneId = threadIdx.x & 31;
  int warpgroup = threadIdx.x >> 7;
  int row = (threadIdx.x >> 5 & 3) * 16 + (laneId >> 2);
  int first = due[1] % kPageTokens;
  float* scores = a.scores +
                  ((static_cast<long long>(run.dueIndex) * a.numLayers + run.layer) * a.numKvHeads +
                   run.kvHead) *
                      a.maxCandidates +
                  row - first;
  int pages = run.end - run.begin;
  for (int begin = 0; begin < rows; begin += kBlock) {
    int count = min(kBlock, rows - begin);
    int chunks = (count + kChunk - 1) / kChunk;
    named_barrier(1, kColumnThreads);
    placeSelectors<kHeadDim>(a, run, begin, count, chunks * kChunk, shared, rows);
    shared_fence_for_wgmma();
    named_barrier(1, kColumnThreads);
    ColumnPages<kHeadDim, kChunk> work{shared,      scores, first - row, first + due[2] - row,
                                       run.end - 1, pages,  chunks,      a.scale * kLog2e,
                                       begin > 0,   laneId, {0.0f, 0.0f}};
    typename ColumnPages<kHeadDim, kChunk>::Place started{ring, warpgroup};
    started.ring.page += warpgroup;
    auto taken = started;
    ring.page += pages;
    if (warpgroup >= pages) continue;
    float even[kChunk / 2];
    float odd[kChunk / 2];
    work.start(even, work.prepare(started));
    started.advance(chunks);
    while (taken.page < pages) {
      auto next = work.prepare(started);
      finish(even);
      work.start(odd, next);
      work.take(even, taken);
      taken.advance(chunks);
      started.advance(chunks);
      next = work.prepare(started);
      finish(odd);
      work.start(even, next);
      if (taken.page < pages) work.take(odd, taken);
      taken.advance(chunks);
      started.advance(chunks);
    }
    finish(even);
  }
}

template <int kHeadDim, int kChunk>
__device__ __forceinline__ void scoreColumnRuns(const RpcScore& a, int numDue, int rows,
                                                const ColumnShared<kHeadDim>& shared) {
  // One thread keeps the place in the work, in shared memory: the registers are full.
  __shared__ ScoreRuns<kPageTokens, true> runs;
  __shared__ ScoreRun run;
  __shared__ bool more;
  KeyRing<kHeadDim> ring = shared.ring;
  if (threadIdx.x == 0) runs.start(a, numDue, 1);
  while (true) {
    named_barrier(1, kColumnThreads);
    if (threadIdx.x == 0) more = runs.next(run);
    named_barrier(1, kColumnThreads);
    if (!more) break;
    scoreColumnRun<kHeadDim, kChunk>(a, run, rows, shared, ring);
  }
}

// The copying warp. `block`: selector rows in place at a time.
template <int kHeadDim>
__device__ __forceinline__ void copyColumnPages(const RpcScore& a, int numDue, int rows, int block,
                                                KeyRing<kHeadDim> ring, int laneId) {
  ScoreRuns<kPageTokens, true> runs;
  runs.start(a, numDue, 1);
  ScoreRun run;
  while (runs.next(run)) {
    KeyPages<kHeadDim> keys(a, run);
    for (int begin = 0; begin < rows; begin += block) {
      for (int page = run.end - 1; page >= run.begin; page--) keys.copy(ring, page, laneId);
    }
  }
}
#endif  // TRACEMILL_WGMMA

template <int kHeadDim>
__device__ __forceinline__ void scoreColumnsByWarpgroups(const RpcScore& a, int numDue) {
#if TRACEMILL_WGMMA
  extern __shared__ __align__(128) char scoreShared[];
  allow_dependents();
  ColumnShared<kHeadDim> shared(scoreShared);
  int rows = a.ringRows * (a.numQueryHeads / a.numKvHeads);
  int columns = chunkColumns(rows);
  if (threadIdx.x == 0) shared.ring.create(4);
  __syncthreads();
  if (__shfl_sync(kFullMask, threadIdx.x >> 5, 0) == kColumnWarps) {
    copyColumnPages<kHeadDim>(a, numDue, rows, kRowBlock / columns * columns, shared.ring,
                              threadIdx.x & 31);
  } else if (columns == 112) {
    scoreColumnRuns<kHeadDim, 112>(a, numDue, rows, shared);
  } else {
    scoreColumnRuns<kHeadDim, 64>(a, numDue, rows, shared);
  }
  wait_for_inputs();  // also in a CTA without work
#endif
}

}  // namespace tracemill
