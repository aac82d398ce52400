// Decode matrix product: y[m][n] = sum_k x[m][k] * W[n][k] for a few tokens m, weights streamed once.
//
// Shapes: x bfloat16 [M][K] row-major, W packed (gemm_layout.cuh), M = *num_rows <= the TOKENS of the
// kernel's name. Rows of x at and beyond *num_rows are neither read nor written. K % 8 == 0.
// Outputs by `epilogue`:
//   0  float y[M][N] = sum + bias[n]           (bias may be null; QKV, lm_head)
//   1  float y[M][N] += sum + bias[n]          (O and down, onto the residual stream)
//   2  bfloat16 y[M][N / 2] = silu(gate) * up  (gate and up interleaved by pack_weights, N = 2 * inter)
//
// Work: persistent; the slabs of all blocks are dealt out evenly to pairs of thread blocks
// (gemm_layout.cuh, Partition), so a block of rows may be split over k. The split depends on N, K and
// the grid alone and partial sums are added in the order of k by the last arriver: a row's result is
// the same bits for every M, kernel and neighbour.
// Thread block, warps, shared memory: gemm_body.cuh. After its own last slab the producer asks the L2
// for the first slabs that this thread block will read of the next weight matrix.
//
// Launch: grid = an even number of thread blocks, at most one per multiprocessor, the same for every
// kernel of a model; block = 384; dynamic shared memory = the most the device lets a block opt in to.
// workspace: grid * 2 * 128 * TOKENS floats (M = 192 and 256: grid * 2 * 128 * TOKENS as well), 16-byte
// aligned, contents irrelevant. counters: 4 * ceil(N / 256) ints, zero before the first launch and left
// at zero by each. Kernels of one stream may share both.
//
// CPU twin: the matrix product of io.tracemill.engine.cpu (fp32 sums over bfloat16 weights).

#include "gemm_body.cuh"

namespace tracemill {

// This pair's share of the partition, one segment per block of rows that it touches.
template <int TILES, int TOKENS>
struct DecodeSchedule {
  static constexpr bool kKnownBeforeInputs = true;
  Partition partition;
  int position;
  int end;
  int token_base;

  __device__ DecodeSchedule(const Partition& p, int pair, int rank)
      : partition(p), position(0), end(0), token_base(TILES == 2 ? rank * TOKENS : 0) {
    if (pair < p.pairs) {
      position = p.begin(pair);
      end = p.begin(pair + 1);
    }
  }
  __device__ bool next(Segment& segment) {
    if (position >= end) {
      return false;
    }
    segment.block = position / partition.slabs;
    int first = segment.block * partition.slabs;
    segment.slab_begin = position - first;
    segment.slab_end = min(partition.slabs, end - first);
    segment.token_base = token_base;
    segment.first_pair = partition.pair_of(first);
    segment.last_pair = partition.pair_of(first + partition.slabs - 1);
    position = first + segment.slab_end;
    return true;
  }
};

template <int TILES, int TOKENS>
__device__ __forceinline__ void skinny_gemm(const GemmArguments& arguments,
                                            const void* next_packed, int next_n, int next_k,
                                            int prefetch_slabs) {
  extern __shared__ __align__(1024) unsigned char shared[];
  const int pair = blockIdx.x >> 1;
  const int rank = blockIdx.x & 1;
  const int pairs = gridDim.x >> 1;
  Ring<TILES, TOKENS> ring(shared_address(shared), dynamic_shared_bytes());
  if (threadIdx.x == 0) {
    ring.init();
  }
  __syncthreads();
#if TRACEMILL_BULK_COPY
  if constexpr (TILES == 2) {
    cluster_sync();
  }
#endif
  allow_dependents();
  DecodeSchedule<TILES, TOKENS> schedule(Partition(arguments.n, arguments.k, pairs), pair, rank);
  if (threadIdx.x >= kConsumerThreads) {
    take_registers<TILES, TOKENS>(false);
    const int thread = threadIdx.x - kConsumerThreads;
    produce<TILES, TOKENS>(arguments, ring, schedule, rank, thread);
#if TRACEMILL_BULK_COPY
    if (next_packed != nullptr && thread == 0) {
      Partition next(next_n, next_k, pairs);
      if (pair < next.pairs) {
        int first = next.begin(pair);
        int last = min(first + prefetch_slabs, next.begin(pair + 1));
        for (int slab = first; slab < last; ++slab) {
          bulk_prefetch(static_cast<const char*>(next_packed) +
                            static_cast<long long>(slab) * kSlabBytes + rank * kHalfSlabBytes,
                        kHalfSlabBytes);
        }
      }
    }
#endif
  } else {
    take_registers<TILES, TOKENS>(true);
    wait_for_inputs();
    consume<TILES, TOKENS>(arguments, ring, schedule, pair, rank, threadIdx.x);
  }
#if TRACEMILL_BULK_COPY
  if constexpr (TILES == 2) {
    cluster_sync();
  }
#endif
}

}  // namespace tracemill

#define TRACEMILL_SKINNY_PARAMETERS                                                          \
  const unsigned short *packed, const unsigned short *x, void *y, const float *bias,         \
      const int *num_rows, float *workspace, int *counters, int n, int k, int epilogue,      \
      const void *next_packed, int next_n, int next_k, int prefetch_slabs
#define TRACEMILL_SKINNY_BODY(TILES, TOKENS)                                                 \
  tracemill::GemmArguments arguments{                                                        \
      packed, x, y, bias, num_rows, reinterpret_cast<float4*>(workspace), counters, n, k,    \
      epilogue};                                                                             \
  tracemill::skinny_gemm<TILES, TOKENS>(arguments, next_packed, next_n, next_k,              \
                                        prefetch_slabs);
#define TRACEMILL_SKINNY_KERNEL(TOKENS)                                                      \
  extern "C" __global__ void __launch_bounds__(tracemill::kThreads, 1)                       \
      skinny_gemm_m##TOKENS(TRACEMILL_SKINNY_PARAMETERS) {                                   \
    TRACEMILL_SKINNY_BODY(1, TOKENS)                                                         \
  }

TRACEMILL_SKINNY_KERNEL(8)
TRACEMILL_SKINNY_KERNEL(16)
TRACEMILL_SKINNY_KERNEL(32)
TRACEMILL_SKINNY_KERNEL(64)
TRACEMILL_SKINNY_KERNEL(128)

// 256 tokens: clusters with multicast where wgmma exists, the plain pipeline elsewhere.
extern "C" __global__ void __launch_bounds__(tracemill::kThreads, 1)
#if TRACEMILL_WGMMA
    __cluster_dims__(2, 1, 1)
#endif
        skinny_gemm_m256(TRACEMILL_SKINNY_PARAMETERS) {
#if TRACEMILL_WGMMA
  TRACEMILL_SKINNY_BODY(2, 128)
#else
  TRACEMILL_SKINNY_BODY(1, 256)
#endif
}
