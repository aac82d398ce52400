// Pass 2 of the RPC scores for warpgroups (sm_90a): the score of each candidate, as rpc_score.cu
// defines it.
//
// The product stands with keys as its 64-row operand, so that the sum over selector rows stays in a
// thread, then a quad, in fixed order. Each of four warpgroups takes every fourth page of the CTA's
// run and holds its 64 keys in registers, read from global memory 16 bytes at a time while the page
// before is multiplied: no ring, no barriers but those around new selector rows. Up to four chunks
// of 56 or 64 selector rows (whichever pads less) stand in shared memory with the columns permuted
// to agree with the order in which a thread has its keys: thread t of a quad has the 16-byte pieces
// 4j + t, words 2e, 2e+1 of it are its four columns of step 2j + e; so 16-byte chunk 4j + 2e + f of
// a selector row is made of word 2e + f of each of the pieces 4j ... 4j+3. The chunks stand as
// wgmma's 128-byte swizzle, 64 columns of all rows, then the other 64. Per page and 224 rows the
// tensor cores and the exponentials are busy for 896 cycles each, and 16 KB from memory take about
// 1,270; the warpgroups run apart, so that they overlap.
// offset[r] = max + log2(sum) - log2(weight) is merged here from the strips, in ascending order
// (weight 0: +inf). More than 4 chunks of rows: the run is gone through once per block of rows, and
// a thread adds to the scores that it left before.
// It may start while the first pass drains: nothing but the strips' (maximum, sum) comes from
// there, and the scores are not written before those are read. Shared memory: 256 * (2 * d + 8)
// bytes, dynamic (1,024 of them for alignment).
#pragma once

#include "rpc_score_runs.cuh"
#include "rpc_wgmma.cuh"

namespace tracemill {

constexpr int kColumnThreads = 512;
constexpr int kChunksHeld = 4;

#if TRACEMILL_WGMMA
// Selector rows [begin, begin + count) of a problem; rows up to `padded` become zeros.
struct SelectorBlock {
  int begin;
  int count;
  int padded;
};

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

// Puts a block of selector rows and their offsets into shared memory: half the threads merge the
// offsets, which wait for the first pass, while the others copy.
template <int kHeadDim>
__device__ __forceinline__ void placeSelectors(const RpcScore& a, const ScoreRun& run,
                                               const SelectorBlock& block, u32 selectors,
                                               float* offsets, int rows) {
  constexpr int kSpans = kHeadDim / 32;  // 64 bytes, four 16-byte pieces
  constexpr int kCopiers = kColumnThreads - kRowBlock;
  const int* due = a.due + run.dueIndex * kDueWords;
  int group = a.numQueryHeads / a.numKvHeads;
  int thread = threadIdx.x;
  if (thread < kRowBlock) {
    wait_for_inputs();
    long long problem =
        (static_cast<long long>(run.dueIndex) * a.numLayers + run.layer) * a.numKvHeads +
        run.kvHead;
    int strips = (due[1] % kPageTokens + due[2] + kStripRows - 1) / kStripRows;
    if (thread < block.padded) {
      offsets[thread] = thread < block.count
                            ? rowOffset(a, a.stats + problem * a.strips * rows, strips, rows,
                                        block.begin + thread, group, due[5])
                            : -negativeInfinity();
    }
    return;
  }
#pragma unroll 2
  for (int i = thread - kRowBlock; i < block.padded * kSpans; i += kCopiers) {
    int row = i / kSpans;
    int span = i % kSpans;
    uint4 piece[4];
    const uint4* source =
        reinterpret_cast<const uint4*>(selectorRow<kHeadDim>(
            a, run.layer, due[0], run.kvHead, group, block.begin + min(row, block.count - 1))) +
        span * 4;
#pragma unroll
    for (int t = 0; t < 4; t++)
      piece[t] = row < block.count ? __ldg(source + t) : make_uint4(0u, 0u, 0u, 0u);
    u32 target = selectors + span / 2 * (kRowBlock * 128) + row * 128;
    auto store = [&](int chunk, unsigned x, unsigned y, unsigned z, unsigned w) {
      u32 place = target + (((span % 2 * 4 + chunk) ^ (row & 7)) << 4);
      asm volatile("st.shared.v4.u32 [%0], {%1, %2, %3, %4};" ::"r"(place), "r"(x), "r"(y), "r"(z),
                   "r"(w)
                   : "memory");
    };
    store(0, piece[0].x, piece[1].x, piece[2].x, piece[3].x);
    store(1, piece[0].y, piece[1].y, piece[2].y, piece[3].y);
    store(2, piece[0].z, piece[1].z, piece[2].z, piece[3].z);
    store(3, piece[0].w, piece[1].w, piece[2].w, piece[3].w);
  }
}

// The pages of a run that one warpgroup takes, last one first, and the scores of a block of rows.
template <int kHeadDim, int kChunk>
struct ColumnRun {
  const RpcScore& a;
  const int* table;  // of the page of the first candidate
  const bf16* pool;
  float* scores;
  int first;
  int end;
  int kvHead;
  int row;  // of this thread in a page, and row + 8
  int laneId;

  __device__ __forceinline__ ColumnRun(const RpcScore& score, const ScoreRun& run) : a(score) {
    const int* due = a.due + run.dueIndex * kDueWords;
    first = due[1];
    end = first + due[2];
    table = a.pageTable + static_cast<long long>(due[0]) * a.maxPages + first / kPageTokens;
    pool = reinterpret_cast<const bf16*>(a.layerPool[run.layer]);
    kvHead = run.kvHead;
    scores = a.scores +
             ((static_cast<long long>(run.dueIndex) * a.numLayers + run.layer) * a.numKvHeads +
              run.kvHead) *
                 a.maxCandidates;
    laneId = threadIdx.x & 31;
    row = (threadIdx.x >> 5 & 3) * 16 + (laneId >> 2);
  }

  __device__ __forceinline__ int slotOf(int page) const {
    return first / kPageTokens * kPageTokens + page * kPageTokens + row;
  }

  // Rows from the last candidate on are zeros and not read.
  __device__ __forceinline__ void load(PermutedRow<kHeadDim> (&keys)[2], int page,
                                       int pageId) const {
    const bf16* source = pool + poolRow<kHeadDim>(pageId, 0, a.numKvHeads, kvHead, row);
    loadPermuted<kHeadDim>(keys[0], source, slotOf(page) < end, laneId);
    loadPermuted<kHeadDim>(keys[1], source + 8 * kHeadDim, slotOf(page) + 8 < end, laneId);
  }

  __device__ __forceinline__ void score(const PermutedTile<kHeadDim>& keys, int page, int chunks,
                                        u32 selectors, const float* offsets, bool adds) const {
    float scaleLog2 = a.scale * kLog2e;
    float sum[2] = {0.0f, 0.0f};
    for (int chunk = 0; chunk < chunks; chunk++) {
      float s[kChunk / 2];
      multiply_held<kChunk>(s, keys.step, selectors + chunk * kChunk * 128, kRowBlock * 128);
      const float* offset = offsets + chunk * kChunk + 2 * (laneId & 3);
#pragma unroll
      for (int j = 0; j < kChunk / 8; j++) {
        float2 o = *reinterpret_cast<const float2*>(offset + j * 8);
#pragma unroll
        for (int k = 0; k < 2; k++) {
          sum[k] += exp2Fast(fmaf(s[4 * j + 2 * k], scaleLog2, -o.x)) +
                    exp2Fast(fmaf(s[4 * j + 2 * k + 1], scaleLog2, -o.y));
        }
      }
    }
#pragma unroll
    for (int k = 0; k < 2; k++) {
      sum[k] += __shfl_xor_sync(kFullMask, sum[k], 1);
      sum[k] += __shfl_xor_sync(kFullMask, sum[k], 2);
      int at = slotOf(page) + k * 8;
      if ((laneId & 3) == 0 && at >= first && at < end) {
        scores[at - first] = adds ? scores[at - first] + sum[k] : sum[k];
      }
    }
  }
};

template <int kHeadDim, int kChunk>
__device__ __forceinline__ void scoreColumnRun(const RpcScore& a, const ScoreRun& run, int rows,
                                               u32 selectors, float* offsets) {
  constexpr int kBlock = kChunksHeld * kChunk;
  ColumnRun<kHeadDim, kChunk> work(a, run);
  int mine = run.end - 1 - (threadIdx.x >> 7);
  for (int begin = 0; begin < rows; begin += kBlock) {
    int count = min(kBlock, rows - begin);
    int chunks = (count + kChunk - 1) / kChunk;
    PermutedRow<kHeadDim> coming[2];
    int pageId = 0;  // of the page after the one that is coming
    if (mine >= run.begin) {
      work.load(coming, mine, __ldg(work.table + mine));
      if (mine - 4 >= run.begin) pageId = __ldg(work.table + mine - 4);
    }
    __syncthreads();
    placeSelectors<kHeadDim>(a, run, {begin, count, chunks * kChunk}, selectors, offsets, rows);
    shared_fence_for_wgmma();
    __syncthreads();
    for (int page = mine; page >= run.begin; page -= 4) {
      PermutedTile<kHeadDim> keys;
      keys.set(coming[0], coming[1]);
      keys.settle(work.laneId);
      if (page - 4 >= run.begin) {
        work.load(coming, page - 4, pageId);
        if (page - 8 >= run.begin) pageId = __ldg(work.table + page - 8);
      }
      work.score(keys, page, chunks, selectors, offsets, begin > 0);
    }
  }
}
#endif  // TRACEMILL_WGMMA

template <int kHeadDim>
__device__ __forceinline__ void scoreColumnsByWarpgroups(const RpcScore& a, int numDue) {
#if TRACEMILL_WGMMA
  extern __shared__ __align__(128) char scoreShared[];
  allow_dependents();
  unsigned base = sharedAddress(scoreShared);
  u32 selectors = (base + 1023) & ~1023u;
  float* offsets =
      reinterpret_cast<float*>(scoreShared + (selectors - base) + kRowBlock * kHeadDim * 2);
  int rows = a.ringRows * (a.numQueryHeads / a.numKvHeads);
  bool narrow = (rows + 55) / 56 * 56 < (rows + 63) / 64 * 64;
  // One thread keeps the place in the work, in shared memory: the registers are full.
  __shared__ ScoreRuns<kPageTokens, true> runs;
  __shared__ ScoreRun run;
  __shared__ bool more;
  if (threadIdx.x == 0) runs.start(a, numDue, 1);
  while (true) {
    __syncthreads();
    if (threadIdx.x == 0) more = runs.next(run);
    __syncthreads();
    if (!more) break;
    if (narrow) {
      scoreColumnRun<kHeadDim, 56>(a, run, rows, selectors, offsets);
    } else {
      scoreColumnRun<kHeadDim, 64>(a, run, rows, selectors, offsets);
    }
  }
  wait_for_inputs();  // also in a CTA without work
#endif
}

}  // namespace tracemill
