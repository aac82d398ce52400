// The one pipeline behind skinny_gemm and prefill_gemm: y[M][N] = x[M][K] . W[N][K]^T with bfloat16
// inputs, packed weights (gemm_layout.cuh) and fp32 sums.
//
// A thread block has 384 threads. Warps 8-11 produce: one thread streams the weights, all of them
// the tokens, into a ring of stages (one stage = one slab of 64 columns). Warps 0-3 and 4-7 are two
// consumer warpgroups; each multiplies TILES m64 tiles of weight rows with TOKENS tokens.
// Two neighbouring thread blocks are a pair and share a block of 256 weight rows:
//   TILES = 1: rank r = blockIdx.x % 2 takes rows 128 r ... 128 r + 127 and all tokens of the tile.
//   TILES = 2: a cluster; both take all 256 rows, rank r takes tokens TOKENS * r onward; each reads
//              half of every slab and multicasts it to both, so weights leave the L2 once per pair.
// The sum over k of an output runs in steps of 16 in ascending order whatever TOKENS is.
//
// Shared memory: as many stages as the launch's dynamic size holds, at most 16, each
// TILES * 16384 + TOKENS * 128 bytes, plus 1024 for alignment and 512 for barriers.
#pragma once

#include "async_copy.cuh"
#include "gemm_epilogue.cuh"
#include "gemm_layout.cuh"
#include "tensor_core.cuh"

namespace tracemill {

constexpr int kThreads = 384;
constexpr int kConsumerThreads = 256;
constexpr int kMaxStages = 16;
constexpr int kReservedBytes = 1024 + 512;

__device__ __forceinline__ u32 dynamic_shared_bytes() {
  u32 bytes;
  asm volatile("mov.u32 %0, %%dynamic_smem_size;" : "=r"(bytes));
  return bytes;
}

template <int TILES, int TOKENS>
struct Ring {
  static constexpr int kWeightBytes = TILES * kHalfSlabBytes;
  static constexpr int kTokenBytes = TOKENS * kRowBytes;
  static constexpr bool kCluster = TILES == 2;
  static constexpr int kTokenLoaders = TOKENS * 8 < 128 ? TOKENS * 8 : 128;

  u32 weights;
  u32 tokens;
  u32 barriers;
  int stages;
  int stage = 0;
  u32 parity = 0;

  __device__ Ring(u32 base, u32 dynamic_bytes) {
    u32 aligned = (base + 1023) & ~1023u;
    int fit = (dynamic_bytes - kReservedBytes) / (kWeightBytes + kTokenBytes);
    stages = fit < kMaxStages ? fit : kMaxStages;
    weights = aligned;
    tokens = weights + stages * kWeightBytes;
    barriers = tokens + stages * kTokenBytes;
  }
  __device__ u32 full(int s) const { return barriers + s * 8; }
  __device__ u32 empty(int s) const { return barriers + kMaxStages * 8 + s * 8; }
  __device__ u32 flag(int group) const { return barriers + 2 * kMaxStages * 8 + group * 4; }
  __device__ void advance() {
    if (++stage == stages) {
      stage = 0;
      parity ^= 1;
    }
  }
  __device__ void init() {
    for (int s = 0; s < stages; ++s) {
#if TRACEMILL_BULK_COPY
      barrier_init(full(s), 1 + kTokenLoaders);
#else
      barrier_init(full(s), 128);
#endif
      barrier_init(empty(s), kCluster ? 16 : 8);
    }
#if TRACEMILL_BULK_COPY
    barrier_init_fence();
#endif
  }
  __device__ void wait_full() const { barrier_wait(full(stage), parity); }
  __device__ void wait_empty() const {
#if TRACEMILL_BULK_COPY
    if constexpr (kCluster) {
      while (!barrier_passed_cluster(empty(stage), parity ^ 1)) {
      }
      return;
    }
#endif
    barrier_wait(empty(stage), parity ^ 1);
  }
  __device__ void release(int s, u32 peer) const {
    barrier_arrive(empty(s));
#if TRACEMILL_BULK_COPY
    if constexpr (kCluster) {
      barrier_arrive_remote(empty(s), peer);
    }
#endif
  }
};

// Fills the ring. thread counts within the producer warps.
template <int TILES, int TOKENS, class Schedule>
__device__ __forceinline__ void produce(const GemmArguments& arguments, Ring<TILES, TOKENS> ring,
                                        const Schedule& start, int rank, int thread) {
  using R = Ring<TILES, TOKENS>;
  constexpr int kChunks = TOKENS * 8 / R::kTokenLoaders;
  constexpr int kRowStep = R::kTokenLoaders / 8;
  const int num_slabs = slabs_of(arguments.k);

#if TRACEMILL_BULK_COPY
  int slabs_sent = 0;
  const u64 policy = evict_first_policy();
  auto send_weights = [&](const Segment& segment, int slab, int stage) {
    const char* source = reinterpret_cast<const char*>(arguments.packed) +
                         (static_cast<long long>(segment.block) * num_slabs + slab) * kSlabBytes +
                         rank * kHalfSlabBytes;
    u32 barrier = ring.full(stage);
    barrier_arrive_expect(barrier, R::kWeightBytes);
    if constexpr (R::kCluster) {
      bulk_copy_multicast(ring.weights + stage * R::kWeightBytes + rank * kHalfSlabBytes, source,
                          kHalfSlabBytes, barrier, 3);
    } else {
      bulk_copy(ring.weights + stage * R::kWeightBytes, source, kHalfSlabBytes, barrier, policy);
    }
  };
  // Weights do not depend on earlier kernels: fill the ring before waiting for the activations.
  if (Schedule::kKnownBeforeInputs && thread == 0) {
    Schedule ahead = start;
    Segment segment;
    while (slabs_sent < ring.stages && ahead.next(segment)) {
      for (int slab = segment.slab_begin; slab < segment.slab_end && slabs_sent < ring.stages;
           ++slab) {
        send_weights(segment, slab, slabs_sent++);
      }
    }
  }
#endif
  wait_for_inputs();

  const int num_rows = *arguments.num_rows;
  const int row = thread >> 3;
  const int column = (thread & 7) * 8;
  Schedule schedule = start;
  Segment segment;
  int sent = 0;
  while (schedule.next(segment)) {
    const unsigned short* source =
        arguments.x + static_cast<long long>(segment.token_base + row) * arguments.k + column;
    const int rows_left = num_rows - segment.token_base - row;
    for (int slab = segment.slab_begin; slab < segment.slab_end; ++slab, ++sent) {
      if (sent >= ring.stages) {
        ring.wait_empty();
      }
#if TRACEMILL_BULK_COPY
      if (thread == 0 && sent >= slabs_sent) {
        send_weights(segment, slab, ring.stage);
      }
#else
      const char* weights = reinterpret_cast<const char*>(arguments.packed) +
                            (static_cast<long long>(segment.block) * num_slabs + slab) * kSlabBytes +
                            rank * kHalfSlabBytes + thread * 16;
#pragma unroll
      for (int i = 0; i < R::kWeightBytes / 2048; ++i) {
        copy_chunk(ring.weights + ring.stage * R::kWeightBytes + thread * 16 + i * 2048,
                   weights + i * 2048, 16);
      }
#endif
      const bool loads = thread < R::kTokenLoaders;
      if (loads) {
        const int k = slab * kSlabColumns;
        const bool inside = k + column < arguments.k;
#pragma unroll
        for (int i = 0; i < kChunks; ++i) {
          const int r = row + i * kRowStep;
          const bool valid = inside && i * kRowStep < rows_left;
          const unsigned short* from =
              valid ? source + static_cast<long long>(i * kRowStep) * arguments.k + k : arguments.x;
          copy_chunk(ring.tokens + ring.stage * R::kTokenBytes + r * kRowBytes +
                         (((thread & 7) ^ (r & 7)) << 4),
                     from, valid ? 16 : 0);
        }
      }
      if (loads || !TRACEMILL_BULK_COPY) {
        arrive_after_copies(ring.full(ring.stage));
      }
      ring.advance();
    }
  }
}

// Empties the ring and finishes the tiles. thread counts within the consumer warps.
template <int TILES, int TOKENS, class Schedule>
__device__ __forceinline__ void consume(const GemmArguments& arguments, Ring<TILES, TOKENS> ring,
                                        Schedule schedule, int pair, int rank, int thread) {
  using R = Ring<TILES, TOKENS>;
  const int group = thread >> 7;
  const int warp = (thread >> 5) & 3;
  const int lane = thread & 31;
  const bool releases = lane == 0;
  const int num_rows = *arguments.num_rows;
  float d[TILES][TOKENS / 2];
  Segment segment;
  while (schedule.next(segment)) {
#if TRACEMILL_WGMMA
    int previous = -1;
    for (int slab = segment.slab_begin; slab < segment.slab_end; ++slab) {
      ring.wait_full();
      shared_fence_for_wgmma();
      wgmma_begin();
      const u64 b = wgmma_operand(ring.tokens + ring.stage * R::kTokenBytes);
#pragma unroll
      for (int tile = 0; tile < TILES; ++tile) {
        const u64 a = wgmma_operand(ring.weights + ring.stage * R::kWeightBytes +
                                    (group * TILES + tile) * 64 * kRowBytes);
#pragma unroll
        for (int step = 0; step < 4; ++step) {
          wgmma_step<TOKENS>(d[tile], a + 2 * step, b + 2 * step,
                             slab > segment.slab_begin || step > 0);
        }
      }
      wgmma_commit();
      if (previous >= 0) {
        wgmma_wait<1>();
        if (releases) {
          ring.release(previous, rank ^ 1);
        }
      }
      previous = ring.stage;
      ring.advance();
    }
    wgmma_wait<0>();
    if (releases) {
      ring.release(previous, rank ^ 1);
    }
#else
#pragma unroll
    for (int tile = 0; tile < TILES; ++tile) {
#pragma unroll
      for (int i = 0; i < TOKENS / 2; ++i) {
        d[tile][i] = 0.0f;
      }
    }
    for (int slab = segment.slab_begin; slab < segment.slab_end; ++slab) {
      ring.wait_full();
#pragma unroll
      for (int tile = 0; tile < TILES; ++tile) {
        mma_slab<TOKENS>(d[tile],
                         ring.weights + ring.stage * R::kWeightBytes +
                             ((group * TILES + tile) * 64 + warp * 16) * kRowBytes,
                         ring.tokens + ring.stage * R::kTokenBytes, lane);
      }
      __syncwarp();
      if (releases) {
        ring.release(ring.stage, rank ^ 1);
      }
      ring.advance();
    }
#endif
    if (segment.first_pair != segment.last_pair &&
        !reduce_partials<TILES, TOKENS>(arguments, d, segment, pair, rank * 2 + group,
                                        thread & 127, 1 + group, ring.flag(group))) {
      continue;
    }
    int row = segment.block * kBlockRows + (R::kCluster ? 0 : rank * kHalfRows) +
              group * TILES * 64 + warp * 16 + (lane >> 2);
#pragma unroll
    for (int tile = 0; tile < TILES; ++tile) {
      write_tile<TOKENS>(arguments, d[tile], row + tile * 64,
                         segment.token_base + 2 * (lane & 3), num_rows);
    }
  }
}

// Moves registers from the producers, who need few, to the consumers of large tiles.
template <int TILES, int TOKENS>
__device__ __forceinline__ void take_registers(bool consumer) {
#if TRACEMILL_WGMMA
  if constexpr (TILES * TOKENS >= 256) {
    if (consumer) {
      asm volatile("setmaxnreg.inc.sync.aligned.u32 232;");
    } else {
      asm volatile("setmaxnreg.dec.sync.aligned.u32 40;");
    }
  }
#endif
}

}  // namespace tracemill
