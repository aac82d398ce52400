// The attending warps of the decode attention (paged_attention_decode.cu): scores, softmax and
// weighted values of a slice of 16 cache rows, and the loop over slices and chunks.
#pragma once

#include "decode_attention_copy.cuh"

namespace tracemill {

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

}  // namespace tracemill
