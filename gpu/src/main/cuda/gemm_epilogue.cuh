// What happens to a finished tile of y = x . W^T: partial sums of a split k range are added in the
// order of k, then the sum is stored, added to the residual stream, or gated by SiLU.
//
// Split k without flags or atomics: the workspace holds kAbsent everywhere between launches. Each
// pair that works on a split block of rows writes its partial sums there. Later it takes its share
// of the block's outputs, reads every contributor's words until they are no longer kAbsent, adds
// them in the order of k, puts kAbsent back and writes the outputs. Contributors wait for one
// another, so all thread blocks of the grid must be resident at once: one per multiprocessor.
#pragma once

#include "async_copy.cuh"
#include "gemm_layout.cuh"

namespace tracemill {

enum Epilogue : int {
  kStore = 0,     // float y[M][N] = sum (+ bias)
  kResidual = 1,  // float y[M][N] += sum (+ bias)
  kSiluMul = 2,   // bfloat16 y[M][N / 2] = silu(gate) * up
};

struct GemmArguments {
  const unsigned short* packed;
  const unsigned short* x;
  void* y;
  const float* bias;
  const int* num_rows;
  float4* workspace;
  int n;
  int k;
  int epilogue;
};

__device__ __forceinline__ unsigned short to_bfloat16(float value) {
  unsigned short bits;
  asm("cvt.rn.bf16.f32 %0, %1;" : "=h"(bits) : "f"(value));
  return bits;
}

__device__ __forceinline__ float silu_mul(float gate, float up) {
  return gate / (1.0f + __expf(-gate)) * up;
}

// Four sums of a thread: rows `row` and row + 8 of the packed weights, tokens `token` and token
// + 1. x = (row, token), y = (row, token + 1), z = (row + 8, token), w = (row + 8, token + 1).
struct Quad {
  const GemmArguments& arguments;
  int row;
  int token;
  int num_rows;

  __device__ __forceinline__ float* at(int half, int odd) const {
    return static_cast<float*>(arguments.y) + static_cast<long long>(token + odd) * arguments.n +
           row + 8 * half;
  }
  // What the sums are added to: the bias, and the residual stream.
  __device__ __forceinline__ float4 load() const {
    float old[4];
#pragma unroll
    for (int i = 0; i < 4; ++i) {
      const int half = i >> 1;
      const int odd = i & 1;
      const bool inside = row + 8 * half < arguments.n && token + odd < num_rows;
      old[i] = inside && arguments.bias != nullptr ? arguments.bias[row + 8 * half] : 0.0f;
      if (inside && arguments.epilogue == kResidual) {
        old[i] += *at(half, odd);
      }
    }
    return make_float4(old[0], old[1], old[2], old[3]);
  }
  __device__ __forceinline__ void store(float4 sum) const {
    const float value[4] = {sum.x, sum.y, sum.z, sum.w};
#pragma unroll
    for (int i = 0; i < 4; ++i) {
      if (row + 8 * (i >> 1) < arguments.n && token + (i & 1) < num_rows) {
        *at(i >> 1, i & 1) = value[i];
      }
    }
  }
  __device__ __forceinline__ void store_gated(float4 sum) const {
    const int features = arguments.n / 2;
    const int feature = (row >> 4) * 8 + (row & 7);
    unsigned short* out = static_cast<unsigned short*>(arguments.y) +
                          static_cast<long long>(token) * features + feature;
    if (feature < features && token < num_rows) {
      out[0] = to_bfloat16(silu_mul(sum.x, sum.z));
    }
    if (feature < features && token + 1 < num_rows) {
      out[features] = to_bfloat16(silu_mul(sum.y, sum.w));
    }
  }
  __device__ __forceinline__ void write(float4 sum) const {
    if (arguments.epilogue == kSiluMul) {
      store_gated(sum);
    } else {
      store(sum);
    }
  }
};

// Writes one m64 tile straight from the accumulators, a piece's loads before its first store.
template <int TOKENS>
__device__ __forceinline__ void write_tile(const Quad& first, const float (&d)[TOKENS / 2]) {
  Quad quad = first;
  if (first.arguments.epilogue == kSiluMul) {
#pragma unroll
    for (int i = 0; i < TOKENS / 8; ++i) {
      quad.token = first.token + 8 * i;
      quad.store_gated(make_float4(d[4 * i], d[4 * i + 1], d[4 * i + 2], d[4 * i + 3]));
    }
    return;
  }
  constexpr int kPiece = TOKENS < 32 ? TOKENS / 8 : 4;
#pragma unroll
  for (int begin = 0; begin < TOKENS / 8; begin += kPiece) {
    float4 old[kPiece];
#pragma unroll
    for (int i = 0; i < kPiece; ++i) {
      quad.token = first.token + 8 * (begin + i);
      old[i] = quad.load();
    }
#pragma unroll
    for (int i = 0; i < kPiece; ++i) {
      const float* sum = d + 4 * (begin + i);
      quad.token = first.token + 8 * (begin + i);
      quad.store(
          make_float4(old[i].x + sum[0], old[i].y + sum[1], old[i].z + sum[2], old[i].w + sum[3]));
    }
  }
}

// A NaN that no arithmetic produces (results are the canonical 0x7FFFFFFF).
constexpr u32 kAbsent = 0xFFFFFFFFu;

__device__ __forceinline__ void store_shared_by_grid(float4* target, float4 v) {
  asm volatile("st.relaxed.gpu.global.v4.f32 [%0], {%1, %2, %3, %4};" ::"l"(target), "f"(v.x),
               "f"(v.y), "f"(v.z), "f"(v.w)
               : "memory");
}

__device__ __forceinline__ float4 load_shared_by_grid(const float4* source) {
  float4 v;
  asm volatile("ld.relaxed.gpu.global.v4.f32 {%0, %1, %2, %3}, [%4];"
               : "=f"(v.x), "=f"(v.y), "=f"(v.z), "=f"(v.w)
               : "l"(source)
               : "memory");
  return v;
}

__device__ __forceinline__ float present(float value) {
  return __float_as_uint(value) == kAbsent ? __uint_as_float(0x7FFFFFFFu) : value;
}

__device__ __forceinline__ bool is_present(float4 v) {
  return __float_as_uint(v.x) != kAbsent && __float_as_uint(v.y) != kAbsent &&
         __float_as_uint(v.z) != kAbsent && __float_as_uint(v.w) != kAbsent;
}

// Where thread `thread` of a warpgroup keeps its share of a pair's partial sums of a block: unit is
// rank * 2 + warpgroup, a slot is [TILES * TOKENS / 8][128 threads] float4. A pair can begin one
// split block and end another, so it has two slots, told apart by whether it begins the block.
template <int TILES, int TOKENS>
__device__ __forceinline__ int partial_slot(const Segment& segment, int pair, int unit,
                                            int thread) {
  constexpr int kSlot = TILES * (TOKENS / 8) * 128;
  const int begins = pair == segment.first_pair ? 1 : 0;
  return ((pair * 2 + begins) * 4 + unit) * kSlot + thread;
}

template <int TILES, int TOKENS>
__device__ __forceinline__ void leave_partial(const float (&d)[TILES][TOKENS / 2], float4* slot) {
  constexpr int kVectors = TOKENS / 8;
#pragma unroll
  for (int i = 0; i < TILES * kVectors; ++i) {
    const float* from = d[i / kVectors] + 4 * (i % kVectors);
    store_shared_by_grid(slot + i * 128, make_float4(present(from[0]), present(from[1]),
                                                     present(from[2]), present(from[3])));
  }
}

// One thread's view of a split block: who contributed what, and where the sums go.
template <int TILES, int TOKENS>
struct SplitBlock {
  static constexpr int kVectors = TOKENS / 8;
  static constexpr int kAll = TILES * kVectors;
  const Quad& first;
  const Segment& segment;
  int unit;
  int thread;

  __device__ __forceinline__ Quad quad(int v) const {
    return Quad{first.arguments, first.row + (v / kVectors) * 64, first.token + (v % kVectors) * 8,
                first.num_rows};
  }
  __device__ __forceinline__ float4* partial(int pair, int v) const {
    return first.arguments.workspace + partial_slot<TILES, TOKENS>(segment, pair, unit, thread) +
           v * 128;
  }
  // Sums and writes quads begin ... end - 1, QUADS of them and PAIRS contributors in flight at a
  // time.
  template <int QUADS, int PAIRS>
  __device__ __forceinline__ void finish(int begin, int end) const {
    const float4 absent = make_float4(__uint_as_float(kAbsent), __uint_as_float(kAbsent),
                                      __uint_as_float(kAbsent), __uint_as_float(kAbsent));
    for (int v = begin; v < end; v += QUADS) {
      float4 sum[QUADS];
#pragma unroll
      for (int q = 0; q < QUADS; ++q) {
        sum[q] = make_float4(0.0f, 0.0f, 0.0f, 0.0f);
        if (first.arguments.epilogue != kSiluMul && v + q < end) {
          sum[q] = quad(v + q).load();
        }
      }
      for (int from = segment.first_pair; from <= segment.last_pair; from += PAIRS) {
        float4 part[PAIRS][QUADS];
        bool complete;
        do {
          complete = true;
#pragma unroll
          for (int p = 0; p < PAIRS; ++p) {
#pragma unroll
            for (int q = 0; q < QUADS; ++q) {
              part[p][q] = make_float4(0.0f, 0.0f, 0.0f, 0.0f);
              if (from + p <= segment.last_pair && v + q < end) {
                part[p][q] = load_shared_by_grid(partial(from + p, v + q));
              }
            }
          }
#pragma unroll
          for (int p = 0; p < PAIRS; ++p) {
#pragma unroll
            for (int q = 0; q < QUADS; ++q) {
              complete = complete && is_present(part[p][q]);
            }
          }
        } while (!complete);
#pragma unroll
        for (int p = 0; p < PAIRS; ++p) {
#pragma unroll
          for (int q = 0; q < QUADS; ++q) {
            if (from + p <= segment.last_pair && v + q < end) {
              sum[q].x += part[p][q].x;
              sum[q].y += part[p][q].y;
              sum[q].z += part[p][q].z;
              sum[q].w += part[p][q].w;
              store_shared_by_grid(partial(from + p, v + q), absent);
            }
          }
        }
      }
#pragma unroll
      for (int q = 0; q < QUADS; ++q) {
        if (v + q < end) {
          quad(v + q).write(sum[q]);
        }
      }
    }
  }
};

// Finishes this pair's share of a split block: of the TILES * TOKENS / 8 quads of every thread
// those from kAll * index / count up to kAll * (index + 1) / count. first is the thread's first
// quad.
template <int TILES, int TOKENS>
__device__ __forceinline__ void finish_share(const Quad& first, const Segment& segment, int pair,
                                             int unit, int thread) {
  using Split = SplitBlock<TILES, TOKENS>;
  const Split split{first, segment, unit, thread};
  const int count = segment.last_pair - segment.first_pair + 1;
  const int index = pair - segment.first_pair;
  const int begin = Split::kAll * index / count;
  const int end = Split::kAll * (index + 1) / count;
  // Few contributors leave each a large share, many a small one: 8 to 24 loads in flight either
  // way. A round of loads takes 2 to 3 us behind the weights that other thread blocks stream, so
  // 128 tokens want few of them; two tiles measured best with two quads at a time.
  if constexpr (TOKENS >= 32) {
    if (count <= 2) {
      split.template finish<4, 2>(begin, end);
    } else if (count <= 6) {
      split.template finish<TILES == 1 && TOKENS >= 128 ? 4 : 2, 6>(begin, end);
    } else {
      split.template finish<1, 8>(begin, end);
    }
  } else {
    split.template finish<1, 8>(begin, end);
  }
}

}  // namespace tracemill
