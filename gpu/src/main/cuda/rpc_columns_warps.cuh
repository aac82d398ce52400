// Pass 2 of the RPC scores by mma.sync, for devices before sm_90: scores of the candidates, as
// rpc_score.cu defines them. A CTA takes 512 cache rows; a warp holds 32 keys in registers as A,
// the selector rows stand in shared memory as B, 256 at a time; the sum over selector rows stays in
// the thread (then over the quad), in fixed order. Shared memory: 256 * (2 * d + 8) bytes, dynamic.
#pragma once

#include "rpc_score.cuh"

namespace tracemill {

template <int kHeadDim>
__device__ __forceinline__ void scoreColumns(const RpcScore& a) {
  constexpr int kPieces = PermutedRow<kHeadDim>::kPieces;
  constexpr int kRowPieces = kHeadDim / 8;
  extern __shared__ __align__(128) char scoreShared[];
  unsigned selectors = sharedAddress(scoreShared);
  float* offsets = reinterpret_cast<float*>(scoreShared + kRowBlock * kHeadDim * 2);
  int* rowOffsets = reinterpret_cast<int*>(offsets + kRowBlock);  // elements from the lane's ring
  int group = a.numQueryHeads / a.numKvHeads;
  int rows = a.ringRows * group;
  int rowBlocks = (rows + kRowBlock - 1) / kRowBlock;
  int dueIndex = blockIdx.z;
  int layer = blockIdx.y / a.numKvHeads;
  int kvHead = blockIdx.y % a.numKvHeads;
  const int* due = a.due + dueIndex * kDueWords;
  int lane = due[0];
  int first = due[1];
  int candidates = due[2];
  int strip = blockIdx.x;
  if (strip >= stripCount(first, candidates)) return;
  int end = first + candidates;
  int stripStart = first / kPageTokens * kPageTokens + strip * kStripRows;
  const bf16* pool = reinterpret_cast<const bf16*>(a.layerPool[layer]);
  const int* table = a.pageTable + static_cast<long long>(lane) * a.maxPages;
  int warp = threadIdx.x >> 5;
  int laneId = threadIdx.x & 31;
  long long problem =
      (static_cast<long long>(dueIndex) * a.numLayers + layer) * a.numKvHeads + kvHead;
  float scaleLog2 = a.scale * kLog2e;
  float* scores = a.scores + problem * a.maxCandidates;

  for (int turn = 0; turn < kStripRows / 256; turn++) {
    int slot = stripStart + turn * 256 + warp * 32;
    bool busy = slot < end && slot + 32 > first;
    PermutedTile<kHeadDim> keys[2];
    int readable = min(slot, end - 1) / 32 *
                   32;  // rows outside the candidates are read as zeros from some page of the lane
    const bf16* page = pool + poolRow<kHeadDim>(table[readable / kPageTokens], 0, a.numKvHeads,
                                                kvHead, readable % kPageTokens);
#pragma unroll
    for (int m = 0; m < 2; m++) {
      PermutedRow<kHeadDim> half[2];
#pragma unroll
      for (int k = 0; k < 2; k++) {
        int row = m * 16 + k * 8 + (laneId >> 2);
        loadPermuted<kHeadDim>(half[k], page + row * kHeadDim, slot + row < end, laneId);
      }
      keys[m].set(half[0], half[1]);
      keys[m].settle(laneId);
    }
    float sum[4] = {0.0f, 0.0f, 0.0f, 0.0f};
    for (int block = 0; block < rowBlocks; block++) {
      int blockRows = min(kRowBlock, rows - block * kRowBlock);
      int paddedRows = (blockRows + 15) / 16 * 16;
      if (turn == 0 || rowBlocks > 1) {
        __syncthreads();
        const bf16* base = selectorRow<kHeadDim>(a, layer, lane, kvHead, group, 0);
        for (int i = threadIdx.x; i < paddedRows; i += 256) {
          int row = block * kRowBlock + min(i, blockRows - 1);
          rowOffsets[i] =
              static_cast<int>(selectorRow<kHeadDim>(a, layer, lane, kvHead, group, row) - base);
          offsets[i] = i < blockRows ? a.offsets[problem * rows + row] : -negativeInfinity();
        }
        __syncthreads();
        for (int i = threadIdx.x; i < paddedRows * kRowPieces; i += 256) {
          int row = i / kRowPieces;
          copyAsync16(selectors + tileOffset<kHeadDim>(row, i % kRowPieces),
                      base + rowOffsets[row] + i % kRowPieces * 8, row < blockRows ? 16 : 0);
        }
        commitCopies();
        waitCopies<0>();
        __syncthreads();
      }
      if (!busy) continue;
#pragma unroll 1
      for (int n = 0; n < paddedRows; n += 16) {
        float s[2][2][4];  // [n tile][m tile]
#pragma unroll
        for (int i = 0; i < 2; i++) {
#pragma unroll
          for (int m = 0; m < 2; m++) s[i][m][0] = s[i][m][1] = s[i][m][2] = s[i][m][3] = 0.0f;
        }
#pragma unroll
        for (int j = 0; j < kPieces; j++) {
#pragma unroll
          for (int i = 0; i < 2; i++) {
            uint4 column = loadShared16(
                selectors + tileOffset<kHeadDim>(n + i * 8 + (laneId >> 2), 4 * j + (laneId & 3)));
            keys[0].multiply(s[i][0], j, column);
            keys[1].multiply(s[i][1], j, column);
          }
        }
#pragma unroll
        for (int i = 0; i < 2; i++) {
          float2 offset = *reinterpret_cast<const float2*>(offsets + n + i * 8 + 2 * (laneId & 3));
#pragma unroll
          for (int k = 0; k < 4; k++) {
            float left = exp2Fast(fmaf(s[i][k >> 1][(k & 1) * 2], scaleLog2, -offset.x));
            float right = exp2Fast(fmaf(s[i][k >> 1][(k & 1) * 2 + 1], scaleLog2, -offset.y));
            sum[k] += left + right;
          }
        }
      }
    }
    if (busy) {
#pragma unroll
      for (int k = 0; k < 4; k++) {
        sum[k] += __shfl_xor_sync(kFullMask, sum[k], 1);
        sum[k] += __shfl_xor_sync(kFullMask, sum[k], 2);
        int at = slot + k * 8 + (laneId >> 2);
        if ((laneId & 3) == 0 && at >= first && at < end) scores[at - first] = sum[k];
      }
    }
  }
}

}  // namespace tracemill
