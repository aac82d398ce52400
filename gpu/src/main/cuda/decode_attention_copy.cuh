// What the decode attention reads (paged_attention_decode.cu): the walk of a CTA over the chunks of
// the work list, and the copies of a warp's slices of 16 cache rows into its ring.
#pragma once

#include "attention_state.cuh"
#include "device_math.cuh"
#include "warp_mma.cuh"

namespace tracemill {

constexpr int kSliceRows = 16;    // cache rows that one warp takes at a time: the M of one mma
constexpr int kGroupColumns = 8;  // query heads of one KV head, padded to the N of one mma
constexpr int kCombineWarps = 4;
constexpr int kFullBarrier = 1;  // an item's results stand in the combine buffer
constexpr int kFreeBarrier = 2;  // the combine buffer may be written

struct DecodeAttention {
  const bf16* query;     // [rows][Hq][d]
  const bf16* pool;      // this layer's pages
  const int* work;       // [items][8], attention_work_list.cu
  const int* workCount;  // [4]
  float* partial;        // [items * Hkv][group][d]
  float2* partialStats;  // [items * Hkv][group] (base-2 maximum, sum)
  bf16* out;             // [rows][Hq * d]
  int numQueryHeads;
  int numKvHeads;
  float scale;
};

template <int kHeadDim, int kWarps, int kStages>
struct DecodeShape {
  static constexpr int kRowBytes = kHeadDim * 2;
  static constexpr int kTileBytes = kSliceRows * kRowBytes;  // K or V of one slice
  static constexpr int kStageBytes = 2 * kTileBytes;
  static constexpr int kRingBytes = kWarps * kStages * kStageBytes;
  static constexpr int kPitch = kHeadDim + 4;  // floats; spreads the merge buffer's banks
  static constexpr int kCombineBytes = kWarps * kGroupColumns * (kPitch + 2) * 4;
  static constexpr int kSharedBytes = kRingBytes + kCombineBytes;
};

// Walks the chunks that a CTA attends to: items blockIdx, blockIdx + grid, ... of the list's
// entries times KV heads, and within an item the chunks of its entry.
struct ChunkWalk {
  WorkCount count;
  int total;  // items
  int item;
  int part;

  __device__ __forceinline__ ChunkWalk(const DecodeAttention& a, WorkCount counted)
      : count(counted), total(counted.entries() * a.numKvHeads), item(blockIdx.x), part(0) {}
  __device__ __forceinline__ bool inside() const { return item < total; }
  __device__ __forceinline__ bool last(const DecodeAttention& a) const {
    return part + 1 == count.chunksOf(item / a.numKvHeads);
  }
  __device__ __forceinline__ void next(const DecodeAttention& a) {
    if (last(a)) {
      item += gridDim.x;
      part = 0;
    } else {
      part++;
    }
  }
  __device__ __forceinline__ const int4* descriptor(const DecodeAttention& a) const {
    return reinterpret_cast<const int4*>(a.work) + 2 * count.descriptor(item / a.numKvHeads, part);
  }
};

// Which slice of which chunk a warp copies next. Walks the same sequence as the computation, some
// stages ahead; the descriptor of the chunk after the present one is already under way, so that
// opening a chunk does not wait for memory.
struct SliceCursor {
  ChunkWalk ahead;  // the chunk after the present one
  bool open;
  int kvHead;
  int slice;
  int slices;
  int rows;
  int4 pages;
  int nextRows;
  int4 nextPages;
};

constexpr int kNoRows = 1 << 30;  // past the end: no slice is ever due

__device__ __forceinline__ void fetchNext(SliceCursor& cursor, const DecodeAttention& a) {
  cursor.nextRows = kNoRows;
  if (cursor.ahead.inside()) {
    const int4* descriptor = cursor.ahead.descriptor(a);
    cursor.nextRows = __ldcg(&descriptor->y) & 0xffff;
    cursor.nextPages = __ldcg(descriptor + 1);
  }
}

// Goes on to the next chunk in which this warp has a slice.
__device__ __forceinline__ void openNext(SliceCursor& cursor, const DecodeAttention& a, int warp) {
  do {
    cursor.open = cursor.ahead.inside();
    cursor.rows = cursor.nextRows;
    cursor.pages = cursor.nextPages;
    cursor.slices = (cursor.rows + kSliceRows - 1) / kSliceRows;
    cursor.slice = warp;
    cursor.kvHead = cursor.ahead.item % a.numKvHeads;
    if (cursor.open) cursor.ahead.next(a);
    fetchNext(cursor, a);
  } while (cursor.slice >= cursor.slices);
}

// Starts the copy of the cursor's slice into `stage` (K rows, then V rows; 16-byte pieces
// XOR-swizzled by row) and advances.
template <int kHeadDim, int kWarps>
__device__ __forceinline__ void copySlice(SliceCursor& cursor, const DecodeAttention& a,
                                          unsigned stage, int warp, int laneId) {
  constexpr int kPieces = kHeadDim / 8;  // 16-byte pieces of a row
  constexpr int kRowsPerTurn = 32 / kPieces;
  constexpr int kTurns = kSliceRows / kRowsPerTurn;
  if (cursor.open) {
    int pageIndex = cursor.slice >> 2;
    int page = pageIndex == 0   ? cursor.pages.x
               : pageIndex == 1 ? cursor.pages.y
               : pageIndex == 2 ? cursor.pages.z
                                : cursor.pages.w;
    int rowInTurn = laneId / kPieces;
    int piece = laneId % kPieces;
    int left = cursor.rows - cursor.slice * kSliceRows - rowInTurn;
    const char* keys = reinterpret_cast<const char*>(
        a.pool +
        poolRow<kHeadDim>(page, 0, a.numKvHeads, cursor.kvHead, (cursor.slice & 3) * kSliceRows));
    const char* values = keys + static_cast<long long>(a.numKvHeads) * kPageTokens * kHeadDim * 2;
    unsigned target = stage + rowInTurn * kHeadDim * 2;
#pragma unroll
    for (int turn = 0; turn < kTurns; turn++) {
      int row = turn * kRowsPerTurn;
      unsigned swizzled = target + row * kHeadDim * 2 + ((piece ^ ((row + rowInTurn) & 7)) << 4);
      int valid = row < left ? 16 : 0;
      int offset = turn * 512 + laneId * 16;
      copyAsync16EvictFirst(swizzled, keys + offset, valid);
      copyAsync16EvictFirst(swizzled + kSliceRows * kHeadDim * 2, values + offset, valid);
    }
    cursor.slice += kWarps;
    if (cursor.slice >= cursor.slices) openNext(cursor, a, warp);
  }
  commitCopies();
}

}  // namespace tracemill
