// Grouped-query decode attention over KV pages, one query token per batch row; attention_merge.cu finishes rows of several chunks.
//   out[m][h] = sum_j softmax_j(scale * q[m][h] . K[j][h/group]) V[j][h/group], j = 0 .. kvLen[lane of m] (own row included)
//   query [rows][Hq][d] bf16; pool [page][K|V][kvHead][64][d] bf16 (one layer); out [rows][Hq*d] bf16;
//   group = Hq/Hkv in 1..8; d 64 or 128; rows <= 256
// Work items come from attention_work_list.cu: (chunk of 256 cache rows, kvHead) = descriptor * Hkv + kvHead. A persistent CTA
// takes items blockIdx, blockIdx + grid, ... Inside a chunk attending warp w (of 8) takes the 16-row slices w, w+8; each warp
// copies its own slices with cp.async through a private ring (3 stages at d 128, 6 at d 64) that runs ahead over item boundaries,
// so no barrier stands between copy and use. Slice: S^T[16 keys][8 queries] by mma with the keys as A; base-2 online softmax;
// O^T[d][8] += V^T P^T. Four more warps combine the 8 warps' results of an item in warp order while the next item runs: to the
// output row if the row has one chunk, otherwise to partial[chunk * Hkv + kvHead][group][d] and partialStats (maximum, sum).
// Merging in the last CTA to arrive was measured too and lost: its fence waits for the copies in flight (docs/kernels-attention.md).
// Every boundary is a function of the cache row index alone, so a row's result does not depend on the batch or on the grid.
// Shared memory: d 128: 230,912 bytes, d 64: 214,528 bytes, dynamic (cuFuncSetAttribute needed above 48 KB).
// Launch: grid = number of multiprocessors, block 384.
// CPU twin: decode attention of the CPU backend (fp32 softmax over bf16 K and V); probabilities are rounded to bf16 here.
#include "paged_attention_decode.cuh"

#define TRACEMILL_DECODE_KERNEL(NAME, DIM, WARPS, STAGES, HINT, MIN_BLOCKS)                        \
  extern "C" __global__ void __launch_bounds__(WARPS * 32 + 128, MIN_BLOCKS)                       \
      NAME(const unsigned short* query, const unsigned short* pool, const int* work,               \
           const int* workCount, float* partial, float2* partialStats, unsigned short* out,        \
           int numQueryHeads, int numKvHeads, float scale) {                                       \
    tracemill::DecodeAttention a{query,        pool, work,          workCount,  partial,           \
                                 partialStats, out,  numQueryHeads, numKvHeads, scale};            \
    tracemill::attendDecode<DIM, WARPS, STAGES, HINT>(a);                                          \
  }

TRACEMILL_DECODE_KERNEL(paged_attention_decode_d128, 128, 8, 3, 0, 1)
TRACEMILL_DECODE_KERNEL(paged_attention_decode_d64, 64, 8, 6, 0, 1)
