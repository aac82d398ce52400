// RPC importance scores of all layers and due lanes, in two passes over the candidate keys (rpc:
// steps 1 to 3 of the score).
//   z[r][j] = scale * q[r] . k[j];  r over the R x group selector rows of one KV head, j over the
//       candidates only
//   score[j] = sum_r weight(r) * exp(z[r][j] - max_j z[r]) / sum_j exp(z[r][j] - max_j z[r])
// summed over the group's heads and the ring; rpc_select.cu adds the KV heads and divides. weight
// by age in the ring.
// rpc_score_stats: a CTA takes 512 cache rows of one (due lane, layer, KV head) and 256 selector
// rows; a warp holds 32 selector rows in registers as A; key pages (64 rows) pass through a ring of
// 4 shared stages as B; every thread keeps its own running (maximum, sum) of 4 rows; the last CTA
// of a row block merges the strips in ascending order into offset[r] = max + log2(sum) -
// log2(weight), so that pass 2 is exp2(z - offset) (weight 0: +inf). rpc_score_columns: a CTA takes
// the same 512 rows; a warp holds 32 keys in registers as A, the selector rows stand in shared
// memory as B; the sum over selector rows stays in the thread (then over the quad), in fixed order.
// Strips start at the page of the first candidate; nothing depends on other lanes. Shapes:
// rpc_score.cuh. rows = R * group.
// Shared memory: stats 4 * 64 * d * 2 bytes (d 128: 65,536); columns 256 * (2 * d + 8) bytes (d
// 128: 67,584); dynamic.
// Launch: both grid (strips, layers * Hkv, numDue * rowBlocks | numDue), block 256, with strips >=
// ceil((63 + candidates) / 512) for every due lane and rowBlocks = ceil(rows / 256).
// On sm_90a the same two passes exist for warpgroups (rpc_stats_wgmma.cuh, rpc_columns_wgmma.cuh),
// with the strips' (maximum, sum) between them alone: no offsets, no counters.
// Launch: rpc_score_stats_wgmma grid (multiprocessors), block 544; rpc_score_columns_wgmma grid
// (multiprocessors), block 512; the result does not depend on the grid.
// CPU twin: RPC score of the CPU backend (fp32), tolerance of bf16 products accumulated in fp32.
#include "rpc_columns_wgmma.cuh"
#include "rpc_score.cuh"
#include "rpc_stats_wgmma.cuh"

namespace tracemill {

constexpr int kStatsStages = 4;

__device__ __forceinline__ int stripCount(int first, int candidates) {
  return (first % kPageTokens + candidates + kStripRows - 1) / kStripRows;
}

template <int kHeadDim>
__device__ __forceinline__ void scoreStats(const RpcScore& a) {
  constexpr int kPieces = PermutedRow<kHeadDim>::kPieces;
  constexpr int kTileBytes = kPageTokens * kHeadDim * 2;
  constexpr int kRowPieces = kHeadDim / 8;
  extern __shared__ __align__(128) char scoreShared[];
  __shared__ int ticket;
  unsigned ring = sharedAddress(scoreShared);
  int group = a.numQueryHeads / a.numKvHeads;
  int rows = a.ringRows * group;
  int rowBlocks = (rows + kRowBlock - 1) / kRowBlock;
  int dueIndex = blockIdx.z / rowBlocks;
  int rowBlock = blockIdx.z % rowBlocks;
  int layer = blockIdx.y / a.numKvHeads;
  int kvHead = blockIdx.y % a.numKvHeads;
  const int* due = a.due + dueIndex * kDueWords;
  int lane = due[0];
  int first = due[1];
  int candidates = due[2];
  int strips = stripCount(first, candidates);
  int strip = blockIdx.x;
  if (strip >= strips) return;
  int end = first + candidates;
  int stripStart = first / kPageTokens * kPageTokens + strip * kStripRows;
  int pages = (min(stripStart + kStripRows, end) - stripStart + kPageTokens - 1) / kPageTokens;
  const bf16* pool = reinterpret_cast<const bf16*>(a.layerPool[layer]);
  const int* table =
      a.pageTable + static_cast<long long>(lane) * a.maxPages + stripStart / kPageTokens;
  int warp = threadIdx.x >> 5;
  int laneId = threadIdx.x & 31;

  auto copyTile = [&](int page) {
    unsigned stage = ring + page % kStatsStages * kTileBytes;
    const char* source = reinterpret_cast<const char*>(
        pool + poolRow<kHeadDim>(table[page], 0, a.numKvHeads, kvHead, 0));
    int valid = min(kPageTokens, end - stripStart - page * kPageTokens);
#pragma unroll
    for (int i = threadIdx.x; i < kPageTokens * kRowPieces; i += 256) {
      copyAsync16(stage + tileOffset<kHeadDim>(i / kRowPieces, i % kRowPieces), source + i * 16,
                  i / kRowPieces < valid ? 16 : 0);
    }
  };
  for (int page = 0; page < kStatsStages - 1; page++) {
    if (page < pages) copyTile(page);
    commitCopies();
  }
  int warpRow = rowBlock * kRowBlock + warp * 32;
  PermutedTile<kHeadDim> q[2];
#pragma unroll
  for (int m = 0; m < 2; m++) {
    PermutedRow<kHeadDim> half[2];
#pragma unroll
    for (int k = 0; k < 2; k++) {
      int row = warpRow + m * 16 + k * 8 + (laneId >> 2);
      loadPermuted<kHeadDim>(
          half[k], selectorRow<kHeadDim>(a, layer, lane, kvHead, group, min(row, rows - 1)),
          row < rows, laneId);
    }
    q[m].set(half[0], half[1]);
  }
  float scaleLog2 = a.scale * kLog2e;
  float maximum[4];
  float sum[4];
#pragma unroll
  for (int k = 0; k < 4; k++) {
    maximum[k] = kNoMaximum;
    sum[k] = 0.0f;
  }
  bool busy = warpRow < rows;
  for (int page = 0; page < pages; page++) {
    waitCopies<kStatsStages - 2>();
    __syncthreads();
    if (page + kStatsStages - 1 < pages) copyTile(page + kStatsStages - 1);
    commitCopies();
    if (!busy) continue;
    unsigned stage = ring + page % kStatsStages * kTileBytes;
    int slot = stripStart + page * kPageTokens;
    bool masked = slot < first || slot + kPageTokens > end;
#pragma unroll 1
    for (int key = 0; key < kPageTokens; key += 16) {
      float s[2][2][4];  // [m tile][n tile]
#pragma unroll
      for (int m = 0; m < 2; m++) {
#pragma unroll
        for (int n = 0; n < 2; n++) s[m][n][0] = s[m][n][1] = s[m][n][2] = s[m][n][3] = 0.0f;
      }
#pragma unroll
      for (int j = 0; j < kPieces; j++) {
#pragma unroll
        for (int n = 0; n < 2; n++) {
          uint4 column = loadShared16(
              stage + tileOffset<kHeadDim>(key + n * 8 + (laneId >> 2), 4 * j + (laneId & 3)));
          q[0].multiply(s[0][n], j, column);
          q[1].multiply(s[1][n], j, column);
        }
      }
      if (masked) {
#pragma unroll
        for (int n = 0; n < 2; n++) {
#pragma unroll
          for (int c = 0; c < 2; c++) {
            int at = slot + key + n * 8 + 2 * (laneId & 3) + c;
            if (at < first || at >= end) {
#pragma unroll
              for (int m = 0; m < 2; m++) s[m][n][c] = s[m][n][c + 2] = negativeInfinity();
            }
          }
        }
      }
#pragma unroll
      for (int k = 0; k < 4; k++) {
        int m = k >> 1;
        int c = (k & 1) * 2;
        float top =
            fmaxf(fmaxf(s[m][0][c], s[m][0][c + 1]), fmaxf(s[m][1][c], s[m][1][c + 1])) * scaleLog2;
        float next = fmaxf(maximum[k], top);
        float terms = (exp2Fast(fmaf(s[m][0][c], scaleLog2, -next)) +
                       exp2Fast(fmaf(s[m][0][c + 1], scaleLog2, -next))) +
                      (exp2Fast(fmaf(s[m][1][c], scaleLog2, -next)) +
                       exp2Fast(fmaf(s[m][1][c + 1], scaleLog2, -next)));
        sum[k] = fmaf(sum[k], exp2Fast(maximum[k] - next), terms);
        maximum[k] = next;
      }
    }
  }
  long long problem =
      (static_cast<long long>(dueIndex) * a.numLayers + layer) * a.numKvHeads + kvHead;
  float2* stats = a.stats + problem * a.strips * rows;
#pragma unroll
  for (int k = 0; k < 4; k++) {
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
      stats[static_cast<long long>(strip) * rows + row] = make_float2(maximum[k], sum[k]);
    }
  }
  __syncthreads();
  if (threadIdx.x == 0) {
    int* counter = a.counters + problem * rowBlocks + rowBlock;
    int arrived = addRelease(counter, 1);
    if (arrived == strips - 1) {
      acquireFence();
      *counter = 0;
    }
    ticket = arrived;
  }
  __syncthreads();
  if (ticket != strips - 1) return;
  int row = rowBlock * kRowBlock + threadIdx.x;
  if (row >= rows) return;
  float top = negativeInfinity();
  for (int i = 0; i < strips; i++)
    top = fmaxf(top, loadFromL2(stats + static_cast<long long>(i) * rows + row).x);
  float all = 0.0f;
  for (int i = 0; i < strips; i++) {
    float2 part = loadFromL2(stats + static_cast<long long>(i) * rows + row);
    all += part.y * exp2Fast(part.x - top);
  }
  int newest = due[5];
  int age = (newest - row / group + a.ringRows) % a.ringRows;
  float weight = a.weights[a.ringRows - 1 - age];
  a.offsets[problem * rows + row] =
      weight > 0.0f ? top + log2Fast(all) - log2Fast(weight) : -negativeInfinity();
}

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

#define TRACEMILL_RPC_SCORE_KERNEL(NAME, BODY)                                                     \
  extern "C" __global__ void __launch_bounds__(256, 2)                                             \
      NAME(const unsigned long long* layerPool, const int* pageTable, const unsigned short* ring,  \
           const float* weights, const int* due, float2* stats, float* offsets, int* counters,     \
           float* scores, int maxPages, int numLanes, int numLayers, int numQueryHeads,            \
           int numKvHeads, int ringRows, int strips, int maxCandidates, float scale) {             \
    tracemill::RpcScore a{layerPool,     pageTable,  ring,     weights,  due,           stats,     \
                          offsets,       counters,   scores,   maxPages, numLanes,      numLayers, \
                          numQueryHeads, numKvHeads, ringRows, strips,   maxCandidates, scale};    \
    BODY(a);                                                                                       \
  }

TRACEMILL_RPC_SCORE_KERNEL(rpc_score_stats_d64, tracemill::scoreStats<64>)
TRACEMILL_RPC_SCORE_KERNEL(rpc_score_stats_d128, tracemill::scoreStats<128>)
TRACEMILL_RPC_SCORE_KERNEL(rpc_score_columns_d64, tracemill::scoreColumns<64>)
TRACEMILL_RPC_SCORE_KERNEL(rpc_score_columns_d128, tracemill::scoreColumns<128>)

#if !defined(__CUDA_ARCH__) || TRACEMILL_WGMMA
#define TRACEMILL_RPC_SCORE_WGMMA_KERNEL(NAME, BODY, THREADS)                                      \
  extern "C" __global__ void __launch_bounds__(THREADS, 1)                                         \
      NAME(const unsigned long long* layerPool, const int* pageTable, const unsigned short* ring,  \
           const float* weights, const int* due, float2* stats, float* scores, int maxPages,       \
           int numLanes, int numLayers, int numQueryHeads, int numKvHeads, int ringRows,           \
           int strips, int maxCandidates, float scale, int numDue) {                               \
    tracemill::RpcScore a{layerPool,     pageTable,  ring,     weights,  due,           stats,     \
                          nullptr,       nullptr,    scores,   maxPages, numLanes,      numLayers, \
                          numQueryHeads, numKvHeads, ringRows, strips,   maxCandidates, scale};    \
    BODY(a, numDue);                                                                               \
  }

TRACEMILL_RPC_SCORE_WGMMA_KERNEL(rpc_score_stats_wgmma_d64, tracemill::scoreStatsByWarpgroups<64>,
                                 544)
TRACEMILL_RPC_SCORE_WGMMA_KERNEL(rpc_score_stats_wgmma_d128, tracemill::scoreStatsByWarpgroups<128>,
                                 544)
TRACEMILL_RPC_SCORE_WGMMA_KERNEL(rpc_score_columns_wgmma_d64,
                                 tracemill::scoreColumnsByWarpgroups<64>, 512)
TRACEMILL_RPC_SCORE_WGMMA_KERNEL(rpc_score_columns_wgmma_d128,
                                 tracemill::scoreColumnsByWarpgroups<128>, 512)
#endif
