// Body of the decode attention; paged_attention_decode.cu describes it and makes the kernels.
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

// A lane's share of a head's state: kHeadDim / 32 neighbouring columns.
template <int kHeadDim>
using HeadState = AttentionState<kHeadDim / 32>;

template <int kHeadDim>
__device__ __forceinline__ void storeOutput(bf16* row, int laneId,
                                            const HeadState<kHeadDim>& state) {
  float inverse = 1.0f / state.sum;
  const float* o = state.o;
  if constexpr (kHeadDim == 128) {
    *reinterpret_cast<uint2*>(row + laneId * 4) = make_uint2(
        packBf16(o[0] * inverse, o[1] * inverse), packBf16(o[2] * inverse, o[3] * inverse));
  } else {
    *reinterpret_cast<unsigned*>(row + laneId * 2) = packBf16(o[0] * inverse, o[1] * inverse);
  }
}

// Kept in the L2 for the merge, which is the next kernel, while keys and values pass through.
template <int kHeadDim>
__device__ __forceinline__ void storePartial(const DecodeAttention& a, long long index, int laneId,
                                             const HeadState<kHeadDim>& state) {
  float* row = a.partial + index * kHeadDim;
  const float* o = state.o;
  unsigned long long policy;
  asm volatile("createpolicy.fractional.L2::evict_last.b64 %0, 1.0;" : "=l"(policy));
  if constexpr (kHeadDim == 128) {
    asm volatile(
        "st.global.L2::cache_hint.v4.f32 [%0], {%1, %2, %3, %4}, %5;" ::"l"(row + laneId * 4),
        "f"(o[0]), "f"(o[1]), "f"(o[2]), "f"(o[3]), "l"(policy)
        : "memory");
  } else {
    asm volatile("st.global.L2::cache_hint.v2.f32 [%0], {%1, %2}, %3;" ::"l"(row + laneId * 2),
                 "f"(o[0]), "f"(o[1]), "l"(policy)
                 : "memory");
  }
  if (laneId == 0) a.partialStats[index] = make_float2(state.maximum, state.sum);
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

// The warps that copy and attend. words, pages: the first descriptor.
template <int kHeadDim, int kWarps, int kStages>
__device__ __forceinline__ void attendItems(const DecodeAttention& a, unsigned ring,
                                            float* combineOut, float2* combineStats, int4 words,
                                            int4 pages, const ChunkWalk& start, int warp,
                                            int laneId) {
  using Shape = DecodeShape<kHeadDim, kWarps, kStages>;
  constexpr int kSteps = kHeadDim / 16;
  int group = a.numQueryHeads / a.numKvHeads;
  float scaleLog2 = a.scale * kLog2e;
  SliceCursor cursor{start};
  cursor.nextRows = start.inside() ? words.y & 0xffff : kNoRows;
  cursor.nextPages = pages;
  openNext(cursor, a, warp);
#pragma unroll
  for (int stage = 0; stage < kStages - 1; stage++) {
    // The row that the kernel before this one appends is in the last slice of its chunk.
    if (cursor.slice >= cursor.slices - 1) wait_for_inputs();
    copySlice<kHeadDim, kWarps>(cursor, a, ring + stage * Shape::kStageBytes, warp, laneId);
  }
  wait_for_inputs();
  int readStage = 0;
  int fillStage = kStages - 1;
  ChunkWalk walk = start;
  int4 nextWords = words;
  unsigned q[kSteps][2];
  if (walk.inside()) {
    loadQuery<kHeadDim>(a, words.x & 0xffff, walk.item % a.numKvHeads, group, laneId, q);
  }
  ChunkWalk ahead = walk;
  if (ahead.inside()) ahead.next(a);
  if (ahead.inside()) nextWords = __ldcg(ahead.descriptor(a));

  while (walk.inside()) {
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
      copySlice<kHeadDim, kWarps>(cursor, a, ring + fillStage * Shape::kStageBytes, warp, laneId);
      fillStage = fillStage + 1 == kStages ? 0 : fillStage + 1;
      attendSlice<kHeadDim>(ring + readStage * Shape::kStageBytes, laneId,
                            rows - slice * kSliceRows, scaleLog2, q, o, max0, max1, sum0, sum1);
      readStage = readStage + 1 == kStages ? 0 : readStage + 1;
    }
    // The next chunk's queries and the descriptor after it are on their way while this chunk is
    // handed over.
    bool sameQueries = ahead.item == walk.item;
    walk = ahead;
    words = nextWords;
    if (walk.inside()) {
      if (!sameQueries) {
        loadQuery<kHeadDim>(a, words.x & 0xffff, walk.item % a.numKvHeads, group, laneId, q);
      }
      ahead.next(a);
      if (ahead.inside()) nextWords = __ldcg(ahead.descriptor(a));
    }
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

// Merges the chunks of a group as they come, by the tree of attention_state.cuh: one pair and what
// of the next pair is there are held.
template <int kHeadDim>
struct GroupState {
  HeadState<kHeadDim> single;
  HeadState<kHeadDim> pair;

  // Whether `state`, of the chunk `part` at first, is the whole group's afterwards.
  __device__ __forceinline__ bool take(HeadState<kHeadDim>& state, int part, bool last) {
    if (part & 1) {
      single.append(state);
      state = single;
    } else if (!last) {
      single = state;
      return false;
    }
    if (part & 2) {
      pair.append(state);
      state = pair;
    } else if (!last) {
      pair = state;
      return false;
    }
    return true;
  }
};

// The warps that combine the attending warps' results of a chunk, in warp order, and the chunks of
// a group, to the output row or to a partial result.
template <int kHeadDim, int kWarps, int kStages>
__device__ __forceinline__ void combineItems(const DecodeAttention& a, const float* combineOut,
                                             const float2* combineStats, int4 firstWords,
                                             ChunkWalk walk, int warp, int laneId) {
  using Shape = DecodeShape<kHeadDim, kWarps, kStages>;
  constexpr int kCount = kHeadDim / 32;
  constexpr int kHeads = kGroupColumns / kCombineWarps;
  int group = a.numQueryHeads / a.numKvHeads;
  int4 nextWords = firstWords;
  GroupState<kHeadDim> groups[kHeads];
  long long firstIndex = 0;
  while (walk.inside()) {
    int4 words = nextWords;
    int kvHead = walk.item % a.numKvHeads;
    int part = walk.part;
    bool last = walk.last(a);
    walk.next(a);
    if (walk.inside()) nextWords = __ldcg(walk.descriptor(a));
    int chunks = words.y >> 16;
    int slices = ((words.y & 0xffff) + kSliceRows - 1) / kSliceRows;
    int activeWarps = slices < kWarps ? slices : kWarps;
    if (part == 0) {
      firstIndex = static_cast<long long>(words.z + (words.x >> 16)) * a.numKvHeads + kvHead;
    }
    HeadState<kHeadDim> states[kHeads];
    syncNamed(kFreeBarrier, (kWarps + kCombineWarps) * 32);
    syncNamed(kFullBarrier, (kWarps + kCombineWarps) * 32);
#pragma unroll
    for (int h = 0; h < kHeads; h++) {
      int head = warp + h * kCombineWarps;
      if (head >= group) continue;
      HeadState<kHeadDim>& state = states[h];
      state.maximum = combineStats[head].x;
      for (int w = 1; w < activeWarps; w++) {
        state.maximum = fmaxf(state.maximum, combineStats[w * kGroupColumns + head].x);
      }
      state.sum = 0.0f;
#pragma unroll
      for (int k = 0; k < kCount; k++) state.o[k] = 0.0f;
      for (int w = 0; w < activeWarps; w++) {
        float2 stats = combineStats[w * kGroupColumns + head];
        float weight = exp2Fast(stats.x - state.maximum);
        state.sum += stats.y * weight;
        const float* source =
            combineOut + (w * kGroupColumns + head) * Shape::kPitch + laneId * kCount;
#pragma unroll
        for (int k = 0; k < kCount; k++) state.o[k] += weight * source[k];
      }
    }
#pragma unroll
    for (int h = 0; h < kHeads; h++) {
      int head = warp + h * kCombineWarps;
      if (head >= group) continue;
      if (chunks == 1) {
        long long row =
            static_cast<long long>(words.x & 0xffff) * a.numQueryHeads + kvHead * group + head;
        storeOutput<kHeadDim>(a.out + row * kHeadDim, laneId, states[h]);
      } else if (groups[h].take(states[h], part, last)) {
        storePartial<kHeadDim>(a, firstIndex * group + head, laneId, states[h]);
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
  // at least 256. Only where groups are fewer than thread blocks is it another one.
  const int4* first = reinterpret_cast<const int4*>(a.work) + 2 * (blockIdx.x / a.numKvHeads);
  int4 words = __ldcg(first);
  int4 pages = __ldcg(first + 1);
  ChunkWalk walk(a, WorkCount::load(a.workCount));
  if (walk.inside() && walk.descriptor(a) != first) {
    words = __ldcg(walk.descriptor(a));
    pages = __ldcg(walk.descriptor(a) + 1);
  }
  if (warp < kWarps) {
    unsigned ring = sharedAddress(shared) + warp * kStages * Shape::kStageBytes;
    attendItems<kHeadDim, kWarps, kStages>(a, ring, combineOut, combineStats, words, pages, walk,
                                           warp, laneId);
  } else {
    combineItems<kHeadDim, kWarps, kStages>(a, combineOut, combineStats, words, walk, warp - kWarps,
                                            laneId);
  }
}

}  // namespace tracemill
