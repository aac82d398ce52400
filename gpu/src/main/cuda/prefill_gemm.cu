// Prefill matrix product: y[m][n] = sum_k x[m][k] * W[n][k] for many tokens, bound by arithmetic.
//
// Shapes, outputs and packed weights as in skinny_gemm.cu; M = *num_rows, any size. Rows of x at
// and beyond *num_rows are not read, rows of y there are not written.
//
// Work: persistent pairs of thread blocks walk over output tiles of 256 weight rows x 256 tokens
// (prefill_gemm_m128: x 128), tokens fastest, so that neighbours in time share weights in the L2. k
// is never split: each output is one chain of sums in ascending k, so a row's result is the same
// bits for every M, chunk and both kernels. Warps and shared memory: gemm_body.cuh.
//
// Launch: grid = an even number of thread blocks, at most one per multiprocessor; block = 384;
// dynamic shared memory = the most that a block may opt in to. No workspace.
//
// CPU twin: the matrix product of io.tracemill.engine.cpu (fp32 sums over bfloat16 weights).

#include "gemm_body.cuh"

namespace tracemill {

// TILES = 2: the pair's ranks take 128 tokens each; TILES = 1: 128 weight rows each.
template <int TILES, int TOKENS>
struct PrefillSchedule {
  static constexpr bool kSplits = false;
  int pair;
  int tile;
  int tiles;
  int token_tiles;
  int stride;
  int slabs;
  int rank_tokens;

  __device__ PrefillSchedule(int n, int k, int num_rows, int index, int pairs, int rank)
      : pair(index),
        tile(index),
        token_tiles((num_rows + TILES * TOKENS - 1) / (TILES * TOKENS)),
        stride(pairs),
        slabs(slabs_of(k)),
        rank_tokens(TILES == 2 ? rank * TOKENS : 0) {
    tiles = blocks_of(n) * token_tiles;
  }
  __device__ bool next(Segment& segment) {
    if (tile >= tiles) {
      return false;
    }
    segment.block = tile / token_tiles;
    segment.token_base = (tile - segment.block * token_tiles) * (TILES * TOKENS) + rank_tokens;
    segment.slab_begin = 0;
    segment.slab_end = slabs;
    segment.first_pair = pair;
    segment.last_pair = pair;
    tile += stride;
    return true;
  }
};

template <int TILES, int TOKENS>
__device__ __forceinline__ void prefill_gemm(const GemmArguments& arguments) {
  extern __shared__ __align__(1024) unsigned char shared[];
  const int pair = blockIdx.x >> 1;
  const int rank = blockIdx.x & 1;
  Ring<TILES, TOKENS> ring(shared_address(shared), dynamic_shared_bytes());
  if (threadIdx.x == 0) {
    ring.init();
  }
  __syncthreads();
  allow_dependents();
  wait_for_inputs();
  PrefillSchedule<TILES, TOKENS> schedule(arguments.n, arguments.k, *arguments.num_rows, pair,
                                          gridDim.x >> 1, rank);
  if (threadIdx.x >= kConsumerThreads) {
    take_registers<TILES, TOKENS>(false);
    produce<TILES, TOKENS>(arguments, ring, schedule, rank, threadIdx.x - kConsumerThreads, 0);
  } else {
    take_registers<TILES, TOKENS>(true);
    consume<TILES, TOKENS>(arguments, ring, schedule, rank, threadIdx.x);
  }
}

}  // namespace tracemill

#define TRACEMILL_PREFILL_KERNEL(NAME, TILES, TOKENS)                                          \
  extern "C" __global__ void __launch_bounds__(tracemill::kThreads, 1)                         \
      NAME(const unsigned short* packed, const unsigned short* x, void* y, const float* bias,  \
           const int* num_rows, int n, int k, int epilogue) {                                  \
    tracemill::GemmArguments arguments{packed, x, y, bias, num_rows, nullptr, n, k, epilogue}; \
    tracemill::prefill_gemm<TILES, TOKENS>(arguments);                                         \
  }

// The second is for at most 128 tokens, where the first would leave half of its tiles empty.
#if TRACEMILL_WGMMA
TRACEMILL_PREFILL_KERNEL(prefill_gemm, 2, 128)
#else
TRACEMILL_PREFILL_KERNEL(prefill_gemm, 1, 128)
#endif
TRACEMILL_PREFILL_KERNEL(prefill_gemm_m128, 1, 128)
