// The ring of key pages that both RPC scoring passes of sm_90a read, and the warp that fills it.
//
// A stage is one page, 64 keys of one KV head, in the layout that wgmma calls the 128-byte swizzle:
// 16-byte piece p of row r stands in half p / 8 of the tile, at r * 128 + ((p % 8) ^ (r % 8)) * 16.
//   full[s]:  32 arrivals, each lane's copies; the readers' fence then orders them before wgmma.
//   empty[s]: one arrival per warp that reads the page, after its product.
// Shared memory: 8 * 128 * d bytes from a multiple of 1,024 on, then 128 bytes of barriers.
#pragma once

#include "rpc_score_runs.cuh"
#include "rpc_wgmma.cuh"

namespace tracemill {

constexpr int kRingStages = 8;
constexpr int kRingBarrierBytes = 2 * kRingStages * 8;

#if TRACEMILL_WGMMA
// A place in the ring. Page number n of a CTA passes through stage n % 8.
template <int kHeadDim>
struct KeyRing {
  static constexpr int kTileBytes = kPageTokens * kHeadDim * 2;
  static constexpr int kHalfBytes = kPageTokens * 128;
  static constexpr int kBytes = kRingStages * kTileBytes + kRingBarrierBytes;
  u32 tiles;
  int page = 0;

  __device__ __forceinline__ explicit KeyRing(u32 base) : tiles(base) {}
  __device__ __forceinline__ u32 tile() const { return tiles + page % kRingStages * kTileBytes; }
  __device__ __forceinline__ u32 full(int s) const {
    return tiles + kRingStages * kTileBytes + s * 8;
  }
  __device__ __forceinline__ u32 empty(int s) const { return full(kRingStages + s); }
  __device__ __forceinline__ u32 parity() const { return page / kRingStages & 1; }

  // By one thread, before the barrier of the CTA that comes first.
  __device__ __forceinline__ void create(int readingWarps) const {
    for (int s = 0; s < kRingStages; s++) {
      barrier_init(full(s), 32);
      barrier_init(empty(s), readingWarps);
    }
    barrier_init_fence();
  }
  // Returns when the page is there for the tensor cores.
  __device__ __forceinline__ void waitForPage() const {
    barrier_wait(full(page % kRingStages), parity());
    shared_fence_for_wgmma();
  }
  __device__ __forceinline__ void release(int laneId) const {
    if (laneId == 0) barrier_arrive(empty(page % kRingStages));
  }
};

// What the copying warp of a pass goes through: pages of one KV head of one layer of one due lane.
template <int kHeadDim>
struct KeyPages {
  static constexpr int kRowPieces = kHeadDim / 8;
  static constexpr int kRowsAtOnce = 32 / kRowPieces;
  const bf16* pool;
  const int* table;  // of the page of the first candidate
  int numKvHeads;
  int kvHead;
  int rows;  // from the start of that page to the last candidate

  __device__ __forceinline__ KeyPages(const RpcScore& a, const ScoreRun& run) {
    const int* due = a.due + run.dueIndex * kDueWords;
    pool = reinterpret_cast<const bf16*>(a.layerPool[run.layer]);
    table = a.pageTable + static_cast<long long>(due[0]) * a.maxPages + due[1] / kPageTokens;
    numKvHeads = a.numKvHeads;
    kvHead = run.kvHead;
    rows = due[1] % kPageTokens + due[2];
  }
  __device__ __forceinline__ int count() const { return (rows + kPageTokens - 1) / kPageTokens; }

  // Copies a page into the next stage. Rows from the last candidate on become zeros, unread.
  __device__ __forceinline__ void copy(KeyRing<kHeadDim>& ring, int page, int laneId) const {
    int row = laneId / kRowPieces;
    int piece = laneId % kRowPieces;
    u32 target = ring.tile() + piece / 8 * KeyRing<kHeadDim>::kHalfBytes + row * 128;
    u32 chunk = ((piece % 8) ^ row) << 4;
    const char* source = reinterpret_cast<const char*>(
                             pool + poolRow<kHeadDim>(table[page], 0, numKvHeads, kvHead, 0)) +
                         laneId * 16;
    int valid = rows - page * kPageTokens - row;
    barrier_wait(ring.empty(ring.page % kRingStages), ring.parity() ^ 1);
#pragma unroll
    for (int i = 0; i < kPageTokens / kRowsAtOnce; i++) {
      copyAsync16(target + i * kRowsAtOnce * 128 + (chunk ^ (i * kRowsAtOnce % 8 << 4)),
                  source + i * 512, i * kRowsAtOnce < valid ? 16 : 0);
    }
    arrive_after_copies(ring.full(ring.page % kRingStages));
    ring.page++;
  }
};
#endif  // TRACEMILL_WGMMA

}  // namespace tracemill
