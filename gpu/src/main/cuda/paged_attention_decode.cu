// Grouped-query decode attention over KV pages, one query token per batch row; attention_merge.cu
// finishes rows of several chunks.
//   out[m][h] = sum_j softmax_j(scale * q[m][h] . K[j][h/group]) V[j][h/group], j = 0 .. kvLen[lane
//       of m] (own row included)
//   query [rows][Hq][d] bf16; pool [page][K|V][kvHead][64][d] bf16 (one layer); out [rows][Hq*d]
//       bf16;
//   group = Hq/Hkv in 1..8; d 64 or 128; rows <= 256
// Work items are the entries of attention_work_list.cu times the KV heads: a group of chunks of 256
// cache rows, or one chunk. A persistent CTA takes items blockIdx, blockIdx + grid, ... Inside a
// chunk attending warp w (of 4) takes the 16-row slices w, w+4, w+8, w+12; each warp copies its own
// slices with cp.async through a private ring that runs ahead over chunk boundaries, so no barrier
// stands between copy and use. Slice: S^T[16 keys][8 queries] by mma with the keys as A; base-2
// online softmax; O^T[d][8] += V^T P^T. Four more warps combine the 4 warps' results of a chunk in
// warp order while the next chunk runs, and the chunks of a group by the tree of
// attention_state.cuh: to the output row if the row has one chunk, otherwise to
// partial[chunk * Hkv + kvHead][group][d] and partialStats (maximum, sum) of the entry's first
// chunk. Merging in the last CTA to arrive was measured too and lost: its fence waits for the
// copies in flight (docs/kernels-attention.md). Every boundary is a function of the cache row index
// alone, so a row's result does not depend on the batch or on the grid. The work list must have
// room for at least 256 descriptors (the first is read before the count is known). Shared memory
// (dynamic; cuFuncSetAttribute needed above 48 KB): d 128: 115,456 bytes (3 stages), d 64: 107,264
// bytes (6 stages). The _small kernels, with 2 and 3 stages, give the same bits in 82,688 and
// 58,112 bytes for devices with 100 KB per CTA. Launch: grid = 2 * number of multiprocessors, block
// 256. CPU twin: decode attention of the CPU backend (fp32 softmax over bf16 K and V);
// probabilities are rounded to bf16 here.
#include "paged_attention_decode.cuh"

#define TRACEMILL_DECODE_KERNEL(NAME, DIM, WARPS, STAGES, MIN_BLOCKS)                       \
  extern "C" __global__ void __launch_bounds__(WARPS * 32 + 128, MIN_BLOCKS)                \
      NAME(const unsigned short* query, const unsigned short* pool, const int* work,        \
           const int* workCount, float* partial, float2* partialStats, unsigned short* out, \
           int numQueryHeads, int numKvHeads, float scale) {                                \
    tracemill::DecodeAttention a{query,        pool, work,          workCount,  partial,    \
                                 partialStats, out,  numQueryHeads, numKvHeads, scale};     \
    tracemill::attendDecode<DIM, WARPS, STAGES>(a);                                         \
  }

TRACEMILL_DECODE_KERNEL(paged_attention_decode_d128, 128, 4, 3, 2)
TRACEMILL_DECODE_KERNEL(paged_attention_decode_d64, 64, 4, 6, 2)
TRACEMILL_DECODE_KERNEL(paged_attention_decode_d128_small, 128, 4, 2, 1)
TRACEMILL_DECODE_KERNEL(paged_attention_decode_d64_small, 64, 4, 3, 1)
