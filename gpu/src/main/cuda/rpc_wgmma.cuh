// Tensor-core products of a warpgroup whose 64-row operand stands in registers (sm_90a), for the
// RPC scoring passes.
//
// The 16 columns of a step are four words of two bf16 per thread: with g = lane / 4, t = lane % 4
// and warp w of the warpgroup holding rows 16 w ... 16 w + 15, a[0] = row g, columns 2t, 2t+1; a[1]
// = row g + 8, the same columns; a[2], a[3] = the same rows, columns 2t+8, 2t+9. The other operand
// is in shared memory (wgmma_operand of tensor_core.cuh), the sums lie as that file says: d[4j],
// d[4j+1] = row g, columns 8j+2t, 8j+2t+1; d[4j+2], d[4j+3] = row g + 8.
#pragma once

#include "tensor_core.cuh"

namespace tracemill {

#if TRACEMILL_WGMMA
#define TM_OUT4(i) "+f"(d[i]), "+f"(d[i + 1]), "+f"(d[i + 2]), "+f"(d[i + 3])
#define TM_OUT8(i) TM_OUT4(i), TM_OUT4(i + 4)
#define TM_OUT16(i) TM_OUT8(i), TM_OUT8(i + 8)
#define TM_REG0 "%0, %1, %2, %3, %4, %5, %6, %7, %8, %9, %10, %11, %12, %13, %14, %15"
#define TM_REG1 "%16, %17, %18, %19, %20, %21, %22, %23, %24, %25, %26, %27"
#define TM_REG2 "%28, %29, %30, %31"

// d = a . b (+ d unless accumulate is 0): 64 rows, COLUMNS columns, 16 terms of the sum.
template <int COLUMNS>
__device__ __forceinline__ void wgmma_held(float (&d)[COLUMNS / 2], const unsigned (&a)[4], u64 b,
                                           int accumulate);

template <>
__device__ __forceinline__ void wgmma_held<56>(float (&d)[28], const unsigned (&a)[4], u64 b,
                                               int accumulate) {
  asm volatile(
      "{\n .reg .pred p;\n setp.ne.b32 p, %33, 0;\n"
      " wgmma.mma_async.sync.aligned.m64n56k16.f32.bf16.bf16 {" TM_REG0 ", " TM_REG1
      "}, {%28, %29, %30, %31}, %32, p, 1, 1, 0;\n}"
      : TM_OUT16(0), TM_OUT8(16), TM_OUT4(24)
      : "r"(a[0]), "r"(a[1]), "r"(a[2]), "r"(a[3]), "l"(b), "r"(accumulate));
}

template <>
__device__ __forceinline__ void wgmma_held<64>(float (&d)[32], const unsigned (&a)[4], u64 b,
                                               int accumulate) {
  asm volatile(
      "{\n .reg .pred p;\n setp.ne.b32 p, %37, 0;\n"
      " wgmma.mma_async.sync.aligned.m64n64k16.f32.bf16.bf16 {" TM_REG0 ", " TM_REG1 ", " TM_REG2
      "}, {%32, %33, %34, %35}, %36, p, 1, 1, 0;\n}"
      : TM_OUT16(0), TM_OUT16(16)
      : "r"(a[0]), "r"(a[1]), "r"(a[2]), "r"(a[3]), "l"(b), "r"(accumulate));
}

#undef TM_OUT4
#undef TM_OUT8
#undef TM_OUT16
#undef TM_REG0
#undef TM_REG1
#undef TM_REG2

// d = a . b over all steps of a head; `b` holds rows of 128 bytes (64 columns), the next 64 columns
// `halfBytes` further on. Returns when the sums are there.
template <int COLUMNS, int STEPS>
__device__ __forceinline__ void multiply_held(float (&d)[COLUMNS / 2],
                                              const unsigned (&a)[STEPS][4], u32 b, u32 halfBytes) {
  wgmma_begin();
#pragma unroll
  for (int step = 0; step < STEPS; ++step) {
    wgmma_held<COLUMNS>(d, a[step], wgmma_operand(b + step / 4 * halfBytes) + 2 * (step % 4),
                        step > 0);
  }
  wgmma_commit();
  wgmma_wait<0>();
  // What follows may not move ahead of the wait.
#pragma unroll
  for (int i = 0; i < COLUMNS / 2; ++i) asm volatile("" : "+f"(d[i])::"memory");
}
#endif  // TRACEMILL_WGMMA

}  // namespace tracemill
