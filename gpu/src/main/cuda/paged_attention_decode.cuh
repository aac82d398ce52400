// Body of the decode attention; paged_attention_decode.cu describes it and makes the kernels.
#pragma once

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
  const int* workCount;  // [1]
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

// Which slice of which item a warp copies next. Walks the same sequence as the computation, some
// stages ahead; the descriptor of the item after the present one is already under way, so that
// opening an item does not wait for memory.
struct SliceCursor {
  int item;
  int kvHead;
  int slice;
  int slices;
  int rows;
  int4 pages;
  int nextRows;
  int4 nextPages;
};

__device__ __forceinline__ const int4* descriptorOf(const DecodeAttention& a, int item) {
  return reinterpret_cast<const int4*>(a.work) + 2 * (item / a.numKvHeads);
}

__device__ __forceinline__ void fetchNext(SliceCursor& cursor, const DecodeAttention& a, int item,
                                          int total) {
  cursor.nextRows = 1 << 30;  // past the end: no slice is ever due
  if (item < total) {
    const int4* descriptor = descriptorOf(a, item);
    cursor.nextRows = __ldcg(&descriptor->y);
    cursor.nextPages = __ldcg(descriptor + 1);
  }
}

// Goes on to the next item in which this warp has a slice.
__device__ __forceinline__ void openNext(SliceCursor& cursor, const DecodeAttention& a, int total,
                                         int warp) {
  do {
    cursor.item += gridDim.x;
    cursor.rows = cursor.nextRows == 1 << 30 ? 1 << 30 : cursor.nextRows & 0xffff;
    cursor.pages = cursor.nextPages;
    cursor.slices = (cursor.rows + kSliceRows - 1) / kSliceRows;
    cursor.slice = warp;
    cursor.kvHead = cursor.item % a.numKvHeads;
    fetchNext(cursor, a, cursor.item + gridDim.x, total);
  } while (cursor.slice >= cursor.slices);
}

// Starts the copy of the cursor's slice into `stage` (K rows, then V rows; 16-byte pieces
// XOR-swizzled by row) and advances.
template <int kHeadDim, int kWarps>
__device__ __forceinline__ void copySlice(SliceCursor& cursor, const DecodeAttention& a, int total,
                                          unsigned stage, int warp, int laneId) {
  constexpr int kPieces = kHeadDim / 8;  // 16-byte pieces of a row
  constexpr int kRowsPerTurn = 32 / kPieces;
  constexpr int kTurns = kSliceRows / kRowsPerTurn;
  if (cursor.item < total) {
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
    if (cursor.slice >= cursor.slices) openNext(cursor, a, total, warp);
  }
  commitCopies();
}

// Keys of the slice as the A operand, the group's queries as B; running maximum and sum per query
// column; then the values transposed as A and the probabilities as B. `left` rows of the slice are
// valid.
template <int kHeadDim>
__device__ __forceinline__ void attendSlice(unsigned stage, int laneId, int left, float scaleLog2,
                                            const unsigned (&q)[kHeadDim / 16][2],
                                            float (&o)[kHeadDim / 16][4], float& max0, float& max1,
                                            float& sum0, float& sum1) {
  constexpr int kSteps = kHeadDim / 16;
  constexpr int kRowBytes = kHeadDim * 2;
  unsigned swizzle = laneId & 7;
  unsigned keyRow = stage + ((laneId & 7) + ((laneId >> 3) & 1) * 8) * kRowBytes;
  float even[4] = {0.0f, 0.0f, 0.0f, 0.0f};
  float odd[4] = {0.0f, 0.0f, 0.0f, 0.0f};
#pragma unroll
  for (int k = 0; k < kSteps; k++) {
    unsigned keys[4];
    loadMatrix4(keys, keyRow + (((2 * k + (laneId >> 4)) ^ swizzle) << 4));
    mmaBf16((k & 1) ? odd : even, keys[0], keys[1], keys[2], keys[3], q[k][0], q[k][1]);
  }
  float s[4];
#pragma unroll
  for (int i = 0; i < 4; i++) s[i] = (even[i] + odd[i]) * scaleLog2;
  int key = laneId >> 2;
  if (key >= left) s[0] = s[1] = negativeInfinity();
  if (key + 8 >= left) s[2] = s[3] = negativeInfinity();
  float new0 = fmaxf(s[0], s[2]);
  float new1 = fmaxf(s[1], s[3]);
#pragma unroll
  for (int step = 4; step <= 16; step <<= 1) {
    new0 = fmaxf(new0, __shfl_xor_sync(kFullMask, new0, step));
    new1 = fmaxf(new1, __shfl_xor_sync(kFullMask, new1, step));
  }
  new0 = fmaxf(new0, max0);
  new1 = fmaxf(new1, max1);
  float shrink0 = exp2Fast(max0 - new0);
  float shrink1 = exp2Fast(max1 - new1);
  max0 = new0;
  max1 = new1;
  float p0 = exp2Fast(s[0] - new0);
  float p1 = exp2Fast(s[1] - new1);
  float p2 = exp2Fast(s[2] - new0);
  float p3 = exp2Fast(s[3] - new1);
  sum0 = sum0 * shrink0 + (p0 + p2);
  sum1 = sum1 * shrink1 + (p1 + p3);
  unsigned b0 = transposeMatrix(packBf16(p0, p1));
  unsigned b1 = transposeMatrix(packBf16(p2, p3));
  unsigned valueRow =
      stage + kSliceRows * kRowBytes + ((laneId & 7) + (laneId >> 4) * 8) * kRowBytes;
#pragma unroll
  for (int m = 0; m < kSteps; m++) {
    o[m][0] *= shrink0;
    o[m][1] *= shrink1;
    o[m][2] *= shrink0;
    o[m][3] *= shrink1;
    unsigned values[4];
    loadMatrix4Transposed(values, valueRow + (((2 * m + ((laneId >> 3) & 1)) ^ swizzle) << 4));
    mmaBf16(o[m], values[0], values[1], values[2], values[3], b0, b1);
  }
}

template <int kHeadDim>
struct OutputPiece {
  static constexpr int kCount =
      kHeadDim / 32;  // floats of a head row that one thread of a warp holds
  float v[kCount];
};

template <int kHeadDim>
__device__ __forceinline__ void storeOutput(bf16* row, int laneId, const OutputPiece<kHeadDim>& o,
                                            float inverse) {
  if constexpr (kHeadDim == 128) {
    *reinterpret_cast<uint2*>(row + laneId * 4) = make_uint2(
        packBf16(o.v[0] * inverse, o.v[1] * inverse), packBf16(o.v[2] * inverse, o.v[3] * inverse));
  } else {
    *reinterpret_cast<unsigned*>(row + laneId * 2) = packBf16(o.v[0] * inverse, o.v[1] * inverse);
  }
}

template <int kHeadDim>
__device__ __forceinline__ void storePartial(float* row, int laneId,
                                             const OutputPiece<kHeadDim>& o) {
  if constexpr (kHeadDim == 128) {
    *(reinterpret_cast<float4*>(row) + laneId) = make_float4(o.v[0], o.v[1], o.v[2], o.v[3]);
  } else {
    *(reinterpret_cast<float2*>(row) + laneId) = make_float2(o.v[0], o.v[1]);
  }
}

template <int kHeadDim>
__device__ __forceinline__ void loadQuery(const DecodeAttention& a, int row, int kvHead, int group,
                                          int laneId, unsigned (&q)[kHeadDim / 16][2]) {
  int column = laneId >> 2;
  const bf16* queryRow = a.query + (static_cast<long long>(row) * a.numQueryHeads + kvHead * group +
                                    (column < group ? column : 0)) *
                                       kHeadDim;
#pragma unroll
  for (int k = 0; k < kHeadDim / 16; k++) {
    const unsigned* source = reinterpret_cast<const unsigned*>(queryRow + k * 16) + (laneId & 3);
    q[k][0] = column < group ? __ldcg(source) : 0u;
    q[k][1] = column < group ? __ldcg(source + 4) : 0u;
  }
}

// The warps that copy and attend.
template <int kHeadDim, int kWarps, int kStages>
__device__ __forceinline__ void attendItems(const DecodeAttention& a, unsigned ring,
                                            float* combineOut, float2* combineStats, int4 words,
                                            int4 pages, int total, int warp, int laneId) {
  using Shape = DecodeShape<kHeadDim, kWarps, kStages>;
  constexpr int kSteps = kHeadDim / 16;
  int group = a.numQueryHeads / a.numKvHeads;
  float scaleLog2 = a.scale * kLog2e;
  SliceCursor cursor;
  cursor.item = static_cast<int>(blockIdx.x) - static_cast<int>(gridDim.x);
  cursor.nextRows = blockIdx.x < total ? words.y : 1 << 30;
  cursor.nextPages = pages;
  openNext(cursor, a, total, warp);
#pragma unroll
  for (int stage = 0; stage < kStages - 1; stage++) {
    // The row that the kernel before this one appends is in the last slice of its chunk.
    if (cursor.slice >= cursor.slices - 1) wait_for_inputs();
    copySlice<kHeadDim, kWarps>(cursor, a, total, ring + stage * Shape::kStageBytes, warp, laneId);
  }
  wait_for_inputs();
  int readStage = 0;
  int fillStage = kStages - 1;
  int item = blockIdx.x;
  int4 nextWords = words;
  unsigned q[kSteps][2];
  if (item < total) loadQuery<kHeadDim>(a, words.x & 0xffff, item % a.numKvHeads, group, laneId, q);
  if (item + gridDim.x < total) nextWords = __ldcg(descriptorOf(a, item + gridDim.x));

  for (; item < total; item += gridDim.x) {
    int rows = words.y & 0xffff;
    int slices = (rows + kSliceRows - 1) / kSliceRows;
    float o[kSteps][4];
#pragma unroll
    for (int m = 0; m < kSteps; m++) o[m][0] = o[m][1] = o[m][2] = o[m][3] = 0.0f;
    float max0 = negativeInfinity();
    float max1 = negativeInfinity();
    float sum0 = 0.0f;
    float sum1 = 0.0f;
    for (int slice = warp; slice < slices; slice += kWarps) {
      waitCopies<kStages - 2>();
      __syncwarp();
      copySlice<kHeadDim, kWarps>(cursor, a, total, ring + fillStage * Shape::kStageBytes, warp,
                                  laneId);
      fillStage = fillStage + 1 == kStages ? 0 : fillStage + 1;
      attendSlice<kHeadDim>(ring + readStage * Shape::kStageBytes, laneId,
                            rows - slice * kSliceRows, scaleLog2, q, o, max0, max1, sum0, sum1);
      readStage = readStage + 1 == kStages ? 0 : readStage + 1;
    }
    // The next item's queries and the descriptor after it are on their way while this item is
    // handed over.
    int next = item + gridDim.x;
    words = nextWords;
    if (next < total)
      loadQuery<kHeadDim>(a, words.x & 0xffff, next % a.numKvHeads, group, laneId, q);
    if (next + gridDim.x < total) nextWords = __ldcg(descriptorOf(a, next + gridDim.x));
#pragma unroll
    for (int step = 4; step <= 16; step <<= 1) {
      sum0 += __shfl_xor_sync(kFullMask, sum0, step);
      sum1 += __shfl_xor_sync(kFullMask, sum1, step);
    }
    syncNamed(kFreeBarrier, (kWarps + kCombineWarps) * 32);
    if (warp < slices) {
      int first = 2 * (laneId & 3);
      float* target = combineOut + (warp * kGroupColumns + first) * Shape::kPitch + (laneId >> 2);
#pragma unroll
      for (int m = 0; m < kSteps; m++) {
        target[m * 16] = o[m][0];
        target[m * 16 + Shape::kPitch] = o[m][1];
        target[m * 16 + 8] = o[m][2];
        target[m * 16 + 8 + Shape::kPitch] = o[m][3];
      }
      if (laneId < 4) {
        combineStats[warp * kGroupColumns + first] = make_float2(max0, sum0);
        combineStats[warp * kGroupColumns + first + 1] = make_float2(max1, sum1);
      }
    }
    syncNamed(kFullBarrier, (kWarps + kCombineWarps) * 32);
  }
}

// The warps that combine the attending warps' results of an item, in warp order, to the output row
// or to the item's partial result.
template <int kHeadDim, int kWarps, int kStages>
__device__ __forceinline__ void combineItems(const DecodeAttention& a, const float* combineOut,
                                             const float2* combineStats, int4 firstWords, int total,
                                             int warp, int laneId) {
  using Shape = DecodeShape<kHeadDim, kWarps, kStages>;
  constexpr int kCount = OutputPiece<kHeadDim>::kCount;
  constexpr int kHeads = kGroupColumns / kCombineWarps;
  int group = a.numQueryHeads / a.numKvHeads;
  int4 nextWords = firstWords;
  for (int item = blockIdx.x; item < total; item += gridDim.x) {
    int4 words = nextWords;
    if (item + gridDim.x < total) nextWords = __ldcg(descriptorOf(a, item + gridDim.x));
    int kvHead = item % a.numKvHeads;
    int chunks = words.y >> 16;
    int slices = ((words.y & 0xffff) + kSliceRows - 1) / kSliceRows;
    int activeWarps = slices < kWarps ? slices : kWarps;
    OutputPiece<kHeadDim> merged[kHeads];
    float maximum[kHeads];
    float sum[kHeads];
    syncNamed(kFreeBarrier, (kWarps + kCombineWarps) * 32);
    syncNamed(kFullBarrier, (kWarps + kCombineWarps) * 32);
#pragma unroll
    for (int h = 0; h < kHeads; h++) {
      int head = warp + h * kCombineWarps;
      if (head >= group) continue;
      maximum[h] = combineStats[head].x;
      for (int w = 1; w < activeWarps; w++) {
        maximum[h] = fmaxf(maximum[h], combineStats[w * kGroupColumns + head].x);
      }
      sum[h] = 0.0f;
#pragma unroll
      for (int k = 0; k < kCount; k++) merged[h].v[k] = 0.0f;
      for (int w = 0; w < activeWarps; w++) {
        float2 stats = combineStats[w * kGroupColumns + head];
        float weight = exp2Fast(stats.x - maximum[h]);
        sum[h] += stats.y * weight;
        const float* source =
            combineOut + (w * kGroupColumns + head) * Shape::kPitch + laneId * kCount;
#pragma unroll
        for (int k = 0; k < kCount; k++) merged[h].v[k] += weight * source[k];
      }
    }
#pragma unroll
    for (int h = 0; h < kHeads; h++) {
      int head = warp + h * kCombineWarps;
      if (head >= group) continue;
      if (chunks == 1) {
        long long row =
            static_cast<long long>(words.x & 0xffff) * a.numQueryHeads + kvHead * group + head;
        storeOutput<kHeadDim>(a.out + row * kHeadDim, laneId, merged[h], 1.0f / sum[h]);
      } else {
        long long index = static_cast<long long>(words.z + (words.x >> 16)) * a.numKvHeads + kvHead;
        storePartial<kHeadDim>(a.partial + (index * group + head) * kHeadDim, laneId, merged[h]);
        if (laneId == 0) a.partialStats[index * group + head] = make_float2(maximum[h], sum[h]);
      }
    }
  }
}

template <int kHeadDim, int kWarps, int kStages>
__device__ __forceinline__ void attendDecode(const DecodeAttention& a) {
  using Shape = DecodeShape<kHeadDim, kWarps, kStages>;
  extern __shared__ __align__(128) char shared[];
  allow_dependents();
  int warp = threadIdx.x >> 5;
  int laneId = threadIdx.x & 31;
  float* combineOut = reinterpret_cast<float*>(shared + Shape::kRingBytes);
  float2* combineStats =
      reinterpret_cast<float2*>(combineOut + kWarps * kGroupColumns * Shape::kPitch);
  // The first descriptor is read beside the count, whether it is one or not: the list has room for
  // at least 256.
  int4 words = __ldcg(descriptorOf(a, blockIdx.x));
  int4 pages = __ldcg(descriptorOf(a, blockIdx.x) + 1);
  int total = a.workCount[0] * a.numKvHeads;
  if (warp < kWarps) {
    unsigned ring = sharedAddress(shared) + warp * kStages * Shape::kStageBytes;
    attendItems<kHeadDim, kWarps, kStages>(a, ring, combineOut, combineStats, words, pages, total,
                                           warp, laneId);
  } else {
    combineItems<kHeadDim, kWarps, kStages>(a, combineOut, combineStats, words, total,
                                            warp - kWarps, laneId);
  }
}

}  // namespace tracemill
