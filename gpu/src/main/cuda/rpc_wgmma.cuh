// Tensor-core products of a warpgroup for the RPC scoring passes (sm_90a): started here, so that
// the sums of one tile are used while the next is multiplied.
//
// The 64-row operand in registers: the 16 columns of a step are four words of two bf16 per thread:
// with g = lane / 4, t = lane % 4 and warp w of the warpgroup holding rows 16 w ... 16 w + 15, a[0]
// = row g, columns 2t, 2t+1; a[1] = row g + 8, the same columns; a[2], a[3] = the same rows,
// columns 2t+8, 2t+9. Operands in shared memory: rows of 128 bytes (64 columns, wgmma_operand of
// tensor_core.cuh), the next 64 columns some bytes further on. The sums lie as that file says:
// d[4j], d[4j+1] = row g, columns 8j+2t, 8j+2t+1; d[4j+2], d[4j+3] = row g + 8.
#pragma once

#include "tensor_core.cuh"

namespace tracemill {

#if TRACEMILL_WGMMA
#define TM_OUT4(i) "+f"(d[i]), "+f"(d[i + 1]), "+f"(d[i + 2]), "+f"(d[i + 3])
#define TM_OUT8(i) TM_OUT4(i), TM_OUT4(i + 4)
#define TM_OUT16(i) TM_OUT8(i), TM_OUT8(i + 8)
#define TM_OUT32(i) TM_OUT16(i), TM_OUT16(i + 16)
#define TM_REG0 "%0, %1, %2, %3, %4, %5, %6, %7, %8, %9, %10, %11, %12, %13, %14, %15"
#define TM_REG1 "%16, %17, %18, %19, %20, %21, %22, %23, %24, %25, %26, %27, %28, %29, %30, %31"
#define TM_REG2 "%32, %33, %34, %35, %36, %37, %38, %39, %40, %41, %42, %43, %44, %45, %46, %47"
#define TM_REG3 "%48, %49, %50, %51, %52, %53, %54, %55"

// d = a . b (+ d unless accumulate is 0): 64 rows in registers, 64 columns, 16 terms of the sum.
__device__ __forceinline__ void wgmma_held(float (&d)[32], const unsigned (&a)[4], u64 b,
                                           int accumulate) {
  asm volatile(
      "{\n .reg .pred p;\n setp.ne.b32 p, %37, 0;\n"
      " wgmma.mma_async.sync.aligned.m64n64k16.f32.bf16.bf16 {" TM_REG0 ", " TM_REG1
      "}, {%32, %33, %34, %35}, %36, p, 1, 1, 0;\n}"
      : TM_OUT32(0)
      : "r"(a[0]), "r"(a[1]), "r"(a[2]), "r"(a[3]), "l"(b), "r"(accumulate));
}

// A form of wgmma_step that tensor_core.cuh has no use for: both operands in shared memory.
template <>
__device__ __forceinline__ void wgmma_step<112>(float (&d)[56], u64 a, u64 b, int accumulate) {
  asm volatile(
      "{\n .reg .pred p;\n setp.ne.b32 p, %58, 0;\n"
      " wgmma.mma_async.sync.aligned.m64n112k16.f32.bf16.bf16 {" TM_REG0 ", " TM_REG1 ", " TM_REG2
      ", " TM_REG3 "}, %56, %57, p, 1, 1, 0, 0;\n}"
      : TM_OUT32(0), TM_OUT16(32), TM_OUT8(48)
      : "l"(a), "l"(b), "r"(accumulate));
}

#undef TM_OUT4
#undef TM_OUT8
#undef TM_OUT16
#undef TM_OUT32
#undef TM_REG0
#undef TM_REG1
#undef TM_REG2
#undef TM_REG3

// Starts d = a . b over all steps of a head, 64 rows in registers.
template <int STEPS>
__device__ __forceinline__ void start_held(float (&d)[32], const unsigned (&a)[STEPS][4], u32 b,
                                           u32 halfBytes) {
  wgmma_begin();
#pragma unroll
  for (int step = 0; step < STEPS; ++step) {
    wgmma_held(d, a[step], wgmma_operand(b + step / 4 * halfBytes) + 2 * (step % 4), step > 0);
  }
  wgmma_commit();
}

// The same with 64 rows in shared memory.
template <int COLUMNS, int STEPS>
__device__ __forceinline__ void start_shared(float (&d)[COLUMNS / 2], u32 a, u32 aHalfBytes, u32 b,
                                             u32 bHalfBytes) {
  wgmma_begin();
#pragma unroll
  for (int step = 0; step < STEPS; ++step) {
    wgmma_step<COLUMNS>(d, wgmma_operand(a + step / 4 * aHalfBytes) + 2 * (step % 4),
                        wgmma_operand(b + step / 4 * bHalfBytes) + 2 * (step % 4), step > 0);
  }
  wgmma_commit();
}

// Returns when the product that was started is done; what follows may not use `d` earlier.
template <int N>
__device__ __forceinline__ void finish(float (&d)[N]) {
  wgmma_wait<0>();
#pragma unroll
  for (int i = 0; i < N; ++i) asm volatile("" : "+f"(d[i])::"memory");
}
#endif  // TRACEMILL_WGMMA

}  // namespace tracemill
