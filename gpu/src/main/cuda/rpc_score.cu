// RPC importance scores of all layers and due lanes, in two passes over the candidate keys (rpc:
// steps 1 to 3 of the score).
//   z[r][j] = scale * q[r] . k[j];  r over the R x group selector rows of one KV head, j over the
//       candidates only
//   score[j] = sum_r weight(r) * exp(z[r][j] - max_j z[r]) / sum_j exp(z[r][j] - max_j z[r])
// summed over the group's heads and the ring; rpc_select.cu adds the KV heads and divides. weight
// by age in the ring.
// Two forms of both passes: by mma.sync on any device (rpc_stats_warps.cuh, rpc_columns_warps.cuh),
// with offsets of the selector rows between them, and for warpgroups on sm_90a
// (rpc_stats_wgmma.cuh, rpc_columns_wgmma.cuh), with the strips' (maximum, sum) alone.
// Strips start at the page of the first candidate; nothing depends on other lanes. Shapes:
// rpc_score.cuh. rows = R * group.
// Shared memory: stats 4 * 64 * d * 2 bytes (d 128: 65,536); columns 256 * (2 * d + 8) bytes (d
// 128: 67,584); dynamic.
// Launch: the first form grid (strips, layers * Hkv, numDue * rowBlocks | numDue), block 256, with
// strips >= ceil((63 + candidates) / 512) for every due lane and rowBlocks = ceil(rows / 256).
// Launch: rpc_score_stats_wgmma grid (multiprocessors), block 544; rpc_score_columns_wgmma grid
// (multiprocessors), block 512; the result does not depend on the grid.
// CPU twin: RPC score of the CPU backend (fp32), tolerance of bf16 products accumulated in fp32.
#include "rpc_columns_warps.cuh"
#include "rpc_columns_wgmma.cuh"
#include "rpc_score.cuh"
#include "rpc_stats_warps.cuh"
#include "rpc_stats_wgmma.cuh"

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
