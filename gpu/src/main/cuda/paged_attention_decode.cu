// Grouped-query decode attention over KV pages, one query token per batch row.
//   out[m][h] = sum_j softmax_j(scale * q[m][h] . K[j][h/group]) V[j][h/group], j = 0 .. kvLen[lane of m] (own row included)
//   query [rows][Hq][d] bf16; pool [page][K|V][kvHead][64][d] bf16 (one layer); out [rows][Hq*d] bf16;
//   group = Hq/Hkv in 1..8; d 64 or 128; at most 131072 cache rows per lane; rows <= 256
// Work items come from attention_work_list.cu: (chunk of 256 cache rows, kvHead) = descriptor * Hkv + kvHead. A persistent CTA
// takes items blockIdx, blockIdx + grid, ... Inside a chunk warp w takes the 16-row slices w, w+8; each warp copies its own
// slices with cp.async through a private ring (3 stages at d 128, 6 at d 64) that runs ahead over item boundaries, so no barrier stands between
// copy and use. Slice: S^T[16 keys][8 queries] by mma with the keys as A; base-2 online softmax; O^T[d][8] += V^T P^T.
// The 8 warps' results are combined in warp order to one partial result per chunk (or the output row, if it has one chunk). Four
// more warps count the chunks that are done; the last CTA to arrive merges the partials of 16 chunks, then of all groups of 16,
// in ascending order, while its attending warps go on: a merge that held them up would make the CTA last again and again.
// Every boundary is a function of the row index alone, so a row's
// result does not depend on the batch, on the grid or on the order of arrival.
// Shared memory: d 128: 230,944 bytes, d 64: 214,560 bytes, dynamic (cuFuncSetAttribute needed above 48 KB).
// Launch: grid = number of multiprocessors, block 384.
// CPU twin: decode attention of the CPU backend (fp32 softmax over bf16 K and V); probabilities are rounded to bf16 here.
#include "paged_attention_decode.cuh"

#define TRACEMILL_DECODE_KERNEL(NAME, DIM, WARPS, STAGES, MIN_BLOCKS)                              \
  extern "C" __global__ void __launch_bounds__(WARPS * 32 + 128, MIN_BLOCKS)                             \
      NAME(const unsigned short* query, const unsigned short* pool, const int* work,               \
           const int* workCount, float* partial, float2* partialStats, int* counters,              \
           unsigned short* out, int mergeGroups, int numQueryHeads, int numKvHeads, float scale) { \
    tracemill::DecodeAttention a{query,    pool, work,        workCount,     partial,    partialStats, \
                                 counters, out,  mergeGroups, numQueryHeads, numKvHeads, scale};   \
    tracemill::attendDecode<DIM, WARPS, STAGES>(a);                                                \
  }

TRACEMILL_DECODE_KERNEL(paged_attention_decode_d128, 128, 8, 3, 1)
TRACEMILL_DECODE_KERNEL(paged_attention_decode_d64, 64, 8, 6, 1)
