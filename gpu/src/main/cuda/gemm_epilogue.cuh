// What happens to a finished tile of y = x . W^T: partial sums of a split k range are added in the
// order of k, then the sum is stored, added to the residual stream, or gated by SiLU.
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
  int* counters;
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

// Writes one m64 tile. row is this thread's first packed row (the other is 8 below), token its
// first token; accumulators lie as tensor_core.cuh says.
template <int TOKENS>
__device__ __forceinline__ void write_tile(const GemmArguments& arguments,
                                           const float (&d)[TOKENS / 2], int row, int token,
                                           int num_rows) {
  if (arguments.epilogue == kSiluMul) {
    int features = arguments.n / 2;
    int feature = (row >> 4) * 8 + (row & 7);
    if (feature >= features) {
      return;
    }
    unsigned short* out = static_cast<unsigned short*>(arguments.y) +
                          static_cast<long long>(token) * features + feature;
#pragma unroll
    for (int j = 0; j < TOKENS / 8; ++j) {
#pragma unroll
      for (int odd = 0; odd < 2; ++odd) {
        if (token + 8 * j + odd < num_rows) {
          out[static_cast<long long>(8 * j + odd) * features] =
              to_bfloat16(silu_mul(d[4 * j + odd], d[4 * j + 2 + odd]));
        }
      }
    }
    return;
  }
  bool valid[2] = {row < arguments.n, row + 8 < arguments.n};
  float bias[2] = {0.0f, 0.0f};
  if (arguments.bias != nullptr) {
    bias[0] = valid[0] ? arguments.bias[row] : 0.0f;
    bias[1] = valid[1] ? arguments.bias[row + 8] : 0.0f;
  }
  float* out = static_cast<float*>(arguments.y) + static_cast<long long>(token) * arguments.n + row;
  bool add = arguments.epilogue == kResidual;
  // Groups of tokens: all loads of a group are under way before its first store.
  constexpr int kGroup = TOKENS < 32 ? TOKENS / 8 : 4;
#pragma unroll
  for (int group = 0; group < TOKENS / 8; group += kGroup) {
    float old[kGroup * 4];
#pragma unroll
    for (int i = 0; i < kGroup * 4; ++i) {
      int t = 8 * (group + i / 4) + (i & 1);
      int half = (i >> 1) & 1;
      bool active = add && valid[half] && token + t < num_rows;
      old[i] = active ? out[static_cast<long long>(t) * arguments.n + 8 * half] : 0.0f;
    }
#pragma unroll
    for (int i = 0; i < kGroup * 4; ++i) {
      int t = 8 * (group + i / 4) + (i & 1);
      int half = (i >> 1) & 1;
      if (valid[half] && token + t < num_rows) {
        float sum = d[4 * group + i] + bias[half];
        out[static_cast<long long>(t) * arguments.n + 8 * half] = old[i] + sum;
      }
    }
  }
}

// Adds the partial sums of a block whose k range was split over several pairs. Every contributor
// leaves its sums in the workspace; the last to arrive adds all of them, its own included, in the
// order of k, and gets true. The counter is left at zero for the next launch.
//
// Workspace of one contributor: [TILES * TOKENS / 8][128 threads] float4, see slot_of.
template <int TILES, int TOKENS>
__device__ __forceinline__ bool reduce_partials(const GemmArguments& arguments,
                                                float (&d)[TILES][TOKENS / 2],
                                                const Segment& segment, int pair, int unit,
                                                int thread, int barrier, u32 last_flag) {
  constexpr int kVectors = TOKENS / 8;
  constexpr int kSlot = TILES * kVectors * 128;
  auto slot_of = [&](int contributor) {
    int kind = contributor == segment.first_pair ? 1 : 0;
    return arguments.workspace +
           (static_cast<long long>(contributor * 2 + kind) * 4 + unit) * kSlot + thread;
  };
  float4* mine = slot_of(pair);
#pragma unroll
  for (int tile = 0; tile < TILES; ++tile) {
#pragma unroll
    for (int v = 0; v < kVectors; ++v) {
      mine[(tile * kVectors + v) * 128] = make_float4(d[tile][4 * v], d[tile][4 * v + 1],
                                                      d[tile][4 * v + 2], d[tile][4 * v + 3]);
    }
  }
  __threadfence();
  named_barrier(barrier, 128);
  int* counter = arguments.counters + segment.block * 4 + unit;
  if (thread == 0) {
    int contributors = segment.last_pair - segment.first_pair + 1;
    bool last = atomicAdd(counter, 1) == contributors - 1;
    if (last) {
      *counter = 0;
    }
    asm volatile("st.shared.u32 [%0], %1;" ::"r"(last_flag), "r"(last ? 1 : 0) : "memory");
  }
  named_barrier(barrier, 128);
  u32 last;
  asm volatile("ld.shared.u32 %0, [%1];" : "=r"(last) : "r"(last_flag) : "memory");
  if (last == 0) {
    return false;
  }
  __threadfence();
  constexpr int kMostLoads = TILES * TOKENS >= 256 ? 4 : 8;
  constexpr int kGroup = TILES * kVectors < kMostLoads ? TILES * kVectors : kMostLoads;
#pragma unroll
  for (int group = 0; group < TILES * kVectors; group += kGroup) {
    float4 sum[kGroup];
#pragma unroll
    for (int i = 0; i < kGroup; ++i) {
      sum[i] = make_float4(0.0f, 0.0f, 0.0f, 0.0f);
    }
    for (int contributor = segment.first_pair; contributor <= segment.last_pair; ++contributor) {
      const float4* slot = slot_of(contributor);
      float4 part[kGroup];
#pragma unroll
      for (int i = 0; i < kGroup; ++i) {
        part[i] = __ldcg(slot + (group + i) * 128);
      }
#pragma unroll
      for (int i = 0; i < kGroup; ++i) {
        sum[i].x += part[i].x;
        sum[i].y += part[i].y;
        sum[i].z += part[i].z;
        sum[i].w += part[i].w;
      }
    }
#pragma unroll
    for (int i = 0; i < kGroup; ++i) {
      int tile = (group + i) / kVectors;
      int v = (group + i) % kVectors;
      d[tile][4 * v] = sum[i].x;
      d[tile][4 * v + 1] = sum[i].y;
      d[tile][4 * v + 2] = sum[i].z;
      d[tile][4 * v + 3] = sum[i].w;
    }
  }
  return true;
}

}  // namespace tracemill
