// Decode matrix product: y[m][n] = sum_k x[m][k] * W[n][k] for a few tokens m, weights streamed
// once.
//
// Shapes: x bfloat16 [M][K] row-major, 16-byte aligned, K % 8 == 0; W packed (gemm_layout.cuh);
// M = *num_rows, at most the number in the kernel's name. Rows of x at and beyond *num_rows are not
// read, rows of y there are not written. bias: float [N] or null. y by `epilogue`:
//   0  float y[M][N] = bias[n] + sum           QKV, lm_head
//   1  float y[M][N] += bias[n] + sum          O and down, onto the residual stream
//   2  bfloat16 y[M][N / 2] = silu(gate) * up  gate and up interleaved by pack_weights, N = 2 *
//   inter
//
// Work: persistent; blocks of 256 weight rows are dealt out to pairs of thread blocks, those that
// do not come out even are split over k (gemm_layout.cuh, Partition). The split depends on N, K and
// the grid alone and partial sums are added in the order of k (gemm_epilogue.cuh): a row's result
// is the same bits for every M, kernel and neighbour. Warps and shared memory: gemm_body.cuh.
//
// Launch: grid = an even number of thread blocks, at most one per multiprocessor, the same for
// every kernel of a model; block = 384; dynamic shared memory = the most that a block may opt in
// to, which keeps to one thread block per multiprocessor. A programmatic dependent launch is
// allowed: weights are read before the previous kernel ends, everything else after. workspace: grid
// * 256 * TOKENS floats, 16-byte aligned, every byte 0xFF before the first launch and again after
// each. Kernels of one stream may share it, of any TOKENS; after a failed launch it must be filled
// with 0xFF anew.
//
// CPU twin: the matrix product of io.tracemill.engine.cpu (fp32 sums over bfloat16 weights).

#include "gemm_body.cuh"

namespace tracemill {

// This pair's share of the partition: its run of split slabs, one segment per block of rows that it
// touches, then its whole blocks. Sums of the split come early, so others wait little for them.
template <int TILES, int TOKENS>
struct DecodeSchedule {
  static constexpr bool kSplits = true;
  Partition partition;
  int pair;
  int position = 0;
  int end = 0;
  int block;
  int block_end;
  int token_base;

  __device__ DecodeSchedule(const GemmArguments &arguments, int rank)
      : partition(arguments.n, arguments.k, gridDim.x >> 1),
        pair(blockIdx.x >> 1),
        block(partition.split_blocks + pair * partition.blocks_per_pair),
        block_end(block + partition.blocks_per_pair),
        token_base(TILES == 2 ? rank * TOKENS : 0) {
    if (pair < static_cast<int>(partition.pairs)) {
      position = partition.begin(pair);
      end = partition.begin(pair + 1);
    }
  }
  __device__ int size() const { return end - position + (block_end - block) * partition.slabs; }
  // Place in the packed matrix of the i-th slab of the share.
  __device__ int unit(int i) const {
    const int split = end - position;
    return i < split ? position + i : block * partition.slabs + i - split;
  }
  __device__ bool next(Segment &segment) {
    segment.token_base = token_base;
    if (position < end) {
      segment.block = position / partition.slabs;
      const int first = segment.block * partition.slabs;
      segment.slab_begin = position - first;
      segment.slab_end = min(partition.slabs, end - first);
      segment.first_pair = partition.pair_of(first);
      segment.last_pair = partition.pair_of(first + partition.slabs - 1);
      position = first + segment.slab_end;
      return true;
    }
    segment.block = block++;
    segment.slab_begin = 0;
    segment.slab_end = partition.slabs;
    segment.first_pair = pair;
    segment.last_pair = pair;
    return segment.block < block_end;
  }
};

template <int TILES, int TOKENS>
__device__ __forceinline__ void skinny_gemm(const GemmArguments &arguments) {
  extern __shared__ __align__(1024) unsigned char shared[];
  const int rank = blockIdx.x & 1;
  const bool leads = threadIdx.x == kConsumerThreads;
  Ring<TILES, TOKENS> ring(shared_address(shared), dynamic_shared_bytes());
  DecodeSchedule<TILES, TOKENS> schedule(arguments, rank);
  // Weights do not depend on earlier kernels: fill the ring before anything waits.
  int slabs_sent = 0;
  if (leads) {
    ring.init();
  }
#if TRACEMILL_BULK_COPY
  if (leads) {
    const u64 policy = evict_first_policy();
    slabs_sent = min(ring.stages, schedule.size());
    for (int i = 0; i < slabs_sent; ++i) {
      send_weights(arguments, ring, schedule.unit(i), i, rank, policy);
    }
  }
#endif
  __syncthreads();
  allow_dependents();
  if (threadIdx.x >= kConsumerThreads) {
    take_registers<TILES, TOKENS>(false);
    const int thread = threadIdx.x - kConsumerThreads;
    produce<TILES, TOKENS>(arguments, ring, schedule, rank, thread, slabs_sent);
  } else {
    take_registers<TILES, TOKENS>(true);
    wait_for_inputs();
    consume<TILES, TOKENS>(arguments, ring, schedule, rank, threadIdx.x);
  }
}

}  // namespace tracemill

#define TRACEMILL_SKINNY_PARAMETERS                                                  \
  const unsigned short *packed, const unsigned short *x, void *y, const float *bias, \
      const int *num_rows, float *workspace, int n, int k, int epilogue
#define TRACEMILL_SKINNY_BODY(TILES, TOKENS)                                                \
  tracemill::GemmArguments arguments{                                                       \
      packed, x, y, bias, num_rows, reinterpret_cast<float4 *>(workspace), n, k, epilogue}; \
  tracemill::skinny_gemm<TILES, TOKENS>(arguments);
#define TRACEMILL_SKINNY_KERNEL(TOKENS)                                \
  extern "C" __global__ void __launch_bounds__(tracemill::kThreads, 1) \
      skinny_gemm_m##TOKENS(TRACEMILL_SKINNY_PARAMETERS) {             \
    TRACEMILL_SKINNY_BODY(1, TOKENS)                                   \
  }

TRACEMILL_SKINNY_KERNEL(8)
TRACEMILL_SKINNY_KERNEL(16)
TRACEMILL_SKINNY_KERNEL(32)
TRACEMILL_SKINNY_KERNEL(64)
TRACEMILL_SKINNY_KERNEL(128)

// Above 128 tokens: 256-row tiles for wgmma; mma.sync leaves registers for 128 rows only.
extern "C" __global__ void __launch_bounds__(tracemill::kThreads, 1)
    skinny_gemm_m192(TRACEMILL_SKINNY_PARAMETERS) {
#if TRACEMILL_WGMMA
  TRACEMILL_SKINNY_BODY(2, 96)
#else
  TRACEMILL_SKINNY_BODY(1, 192)
#endif
}

extern "C" __global__ void __launch_bounds__(tracemill::kThreads, 1)
    skinny_gemm_m256(TRACEMILL_SKINNY_PARAMETERS) {
#if TRACEMILL_WGMMA
  TRACEMILL_SKINNY_BODY(2, 128)
#else
  TRACEMILL_SKINNY_BODY(1, 256)
#endif
}
