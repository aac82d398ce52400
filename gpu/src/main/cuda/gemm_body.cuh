// The one pipeline behind skinny_gemm and prefill_gemm: y[M][N] = x[M][K] . W[N][K]^T with bfloat16
// inputs, packed weights (gemm_layout.cuh) and fp32 sums.
//
// A thread block has 384 threads. Warps 8-11 produce: one thread streams the weights, all of them
// the tokens, into a ring of stages (one stage = one slab of 64 columns). Warps 0-3 and 4-7 are two
// consumer warpgroups; each multiplies TILES m64 tiles of weight rows with TOKENS tokens.
// Two neighbouring thread blocks are a pair and share a block of 256 weight rows:
//   TILES = 1: rank r = blockIdx.x % 2 takes rows 128 r ... 128 r + 127 and all tokens of the tile.
//   TILES = 2: both take all 256 rows, rank r takes tokens TOKENS * r onward.
// The sum over k of an output runs in steps of 16 in ascending order whatever TOKENS is.
//
// Shared memory: as many stages as the launch's dynamic size holds, at most 4 (64 KB of
// weights under way per multiprocessor saturate the memory; more ran slower), each
// TILES * 16384 + TOKENS * 128 bytes, plus 1024 for alignment and 512 for barriers.
#pragma once

#include "async_copy.cuh"
#include "gemm_epilogue.cuh"
#include "gemm_layout.cuh"
#include "tensor_core.cuh"

namespace tracemill {

constexpr int kThreads = 384;
constexpr int kConsumerThreads = 256;
constexpr int kMaxStages = 4;
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
  __device__ void advance() {
    if (++stage == stages) {
      stage = 0;
      parity ^= 1;
    }
  }
  __device__ int previous() const { return (stage == 0 ? stages : stage) - 1; }
  __device__ void init() {
    for (int s = 0; s < stages; ++s) {
#if TRACEMILL_BULK_COPY
      barrier_init(full(s), 1 + kTokenLoaders);
#else
      barrier_init(full(s), 128);
#endif
      barrier_init(empty(s), 8);
    }
#if TRACEMILL_BULK_COPY
    barrier_init_fence();
#endif
  }
  __device__ void wait_full() const { barrier_wait(full(stage), parity); }
  __device__ void wait_empty() const { barrier_wait(empty(stage), parity ^ 1); }
  __device__ void release(int s) const { barrier_arrive(empty(s)); }
};

// Byte offset of this rank's part of a slab, given the slab's place in the packed matrix.
template <int TILES>
__device__ __forceinline__ long long weight_offset(int unit, int rank) {
  return static_cast<long long>(unit) * kSlabBytes + (TILES == 2 ? 0 : rank * kHalfSlabBytes);
}

#if TRACEMILL_BULK_COPY
// One thread: announces and starts the copy of this rank's part of a slab of weights.
template <int TILES, int TOKENS>
__device__ __forceinline__ void send_weights(const GemmArguments& arguments,
                                             const Ring<TILES, TOKENS>& ring, int unit, int stage,
                                             int rank, u64 policy) {
  using R = Ring<TILES, TOKENS>;
  const char* source =
      reinterpret_cast<const char*>(arguments.packed) + weight_offset<TILES>(unit, rank);
  barrier_arrive_expect(ring.full(stage), R::kWeightBytes);
  bulk_copy(ring.weights + stage * R::kWeightBytes, source, R::kWeightBytes, ring.full(stage),
            policy);
}
#endif

// Fills the ring. thread counts within the producer warps; the weights of the first `slabs_sent`
// slabs are under way already.
template <int TILES, int TOKENS, class Schedule>
__device__ __forceinline__ void produce(const GemmArguments& arguments, Ring<TILES, TOKENS> ring,
                                        Schedule schedule, int rank, int thread, int slabs_sent) {
  using R = Ring<TILES, TOKENS>;
  constexpr int kChunks = TOKENS * 8 / R::kTokenLoaders;
  constexpr int kRowStep = R::kTokenLoaders / 8;
  const int num_slabs = slabs_of(arguments.k);
#if TRACEMILL_BULK_COPY
  const u64 policy = evict_first_policy();
#endif
  wait_for_inputs();

  const int num_rows = *arguments.num_rows;
  const int row = thread >> 3;
  const int column = (thread & 7) * 8;
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
        send_weights(arguments, ring, segment.block * num_slabs + slab, ring.stage, rank, policy);
      }
#else
      const char* weights = reinterpret_cast<const char*>(arguments.packed) +
                            weight_offset<TILES>(segment.block * num_slabs + slab, rank) +
                            thread * 16;
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
                                        Schedule schedule, int rank, int thread) {
  using R = Ring<TILES, TOKENS>;
  const int pair = blockIdx.x >> 1;
  const int group = thread >> 7;
  const int warp = (thread >> 5) & 3;
  const int lane = thread & 31;
  const bool releases = lane == 0;
  const int unit = rank * 2 + group;
  const int num_rows = *arguments.num_rows;
  auto first_quad = [&](const Segment& of) {
    return Quad{arguments,
                of.block * kBlockRows + (TILES == 2 ? 0 : rank * kHalfRows) + group * TILES * 64 +
                    warp * 16 + (lane >> 2),
                of.token_base + 2 * (lane & 3), num_rows};
  };
  float d[TILES][TOKENS / 2];
  int num_split = 0;
  Segment segment;
  bool more = schedule.next(segment);
  while (more) {
    // Also so that the sums are dead while partial ones are added below: loads then have registers.
#pragma unroll
    for (int tile = 0; tile < TILES; ++tile) {
#pragma unroll
      for (int i = 0; i < TOKENS / 2; ++i) {
        d[tile][i] = 0.0f;
      }
    }
#if TRACEMILL_WGMMA
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
          wgmma_step<TOKENS>(d[tile], a + 2 * step, b + 2 * step, 1);
        }
      }
      wgmma_commit();
      if (slab > segment.slab_begin) {
        wgmma_wait<1>();
        if (releases) {
          ring.release(ring.previous());
        }
      }
      ring.advance();
    }
    wgmma_wait<0>();
    if (releases) {
      ring.release(ring.previous());
    }
#else
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
        ring.release(ring.stage);
      }
      ring.advance();
    }
#endif
    const bool whole = !Schedule::kSplits || segment.first_pair == segment.last_pair;
    if (whole) {
#pragma unroll
      for (int tile = 0; tile < TILES; ++tile) {
        Quad quad = first_quad(segment);
        quad.row += tile * 64;
        write_tile<TOKENS>(quad, d[tile]);
      }
    } else {
      const int slot = partial_slot<TILES, TOKENS>(segment, pair, unit, thread & 127);
      leave_partial<TILES, TOKENS>(d, arguments.workspace + slot);
      ++num_split;
    }
    more = schedule.next(segment);
    if constexpr (Schedule::kSplits) {
      // After a whole block the other contributors have long left theirs.
      if (num_split > 0 && (whole || !more)) {
        // The split segments are the first of a schedule.
        Schedule from_start(arguments, rank);
        Segment split;
        for (; num_split > 0; --num_split) {
          from_start.next(split);
          finish_share<TILES, TOKENS>(first_quad(split), split, pair, unit, thread & 127);
        }
      }
    }
  }
}

// Moves registers from the producers, who need few, to the consumers of large tiles.
template <int TILES, int TOKENS>
__device__ __forceinline__ void take_registers(bool consumer) {
#if TRACEMILL_WGMMA
  if constexpr (TILES * TOKENS >= 128) {
    if (consumer) {
      asm volatile("setmaxnreg.inc.sync.aligned.u32 232;");
    } else {
      asm volatile("setmaxnreg.dec.sync.aligned.u32 40;");
    }
  }
#endif
}

}  // namespace tracemill
