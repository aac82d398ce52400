// Tensor-core products with the weights as the 16- or 64-row operand.
//
// Both forms leave an m64 tile in the same place: warp w of the warpgroup holds rows 16 w ... 16 w
// + 15, and a thread with g = lane / 4 and t = lane % 4 has, for each group j of eight tokens,
// d[4j] (row g, token 8j + 2t), d[4j+1] (row g, next token), d[4j+2] and d[4j+3] (row g + 8).
#pragma once

#include "async_copy.cuh"

namespace tracemill {

// Adds one 64-column slab: 16 rows of weights (this warp's) times TOKENS tokens, by mma.sync.
// weights and tokens are shared addresses of swizzled rows of 128 bytes.
template <int TOKENS>
__device__ __forceinline__ void mma_slab(float (&d)[TOKENS / 2], u32 weights, u32 tokens,
                                         int lane) {
  int a_row = lane & 15;
  int b_row = (lane & 7) + ((lane >> 4) << 3);
#pragma unroll
  for (int step = 0; step < 4; ++step) {
    u32 a0, a1, a2, a3;
    u32 a_address = weights + a_row * 128 + (((step * 2 + (lane >> 4)) ^ (a_row & 7)) << 4);
    asm volatile("ldmatrix.sync.aligned.m8n8.x4.shared.b16 {%0, %1, %2, %3}, [%4];"
                 : "=r"(a0), "=r"(a1), "=r"(a2), "=r"(a3)
                 : "r"(a_address)
                 : "memory");
    auto multiply = [&](int j, u32 b0, u32 b1) {
      asm volatile(
          "mma.sync.aligned.m16n8k16.row.col.f32.bf16.bf16.f32 {%0, %1, %2, %3},"
          " {%4, %5, %6, %7}, {%8, %9}, {%0, %1, %2, %3};"
          : "+f"(d[4 * j]), "+f"(d[4 * j + 1]), "+f"(d[4 * j + 2]), "+f"(d[4 * j + 3])
          : "r"(a0), "r"(a1), "r"(a2), "r"(a3), "r"(b0), "r"(b1));
    };
    u32 chunk = ((step * 2 + ((lane >> 3) & 1)) ^ (lane & 7)) << 4;
    if constexpr (TOKENS == 8) {
      u32 b0, b1;
      asm volatile("ldmatrix.sync.aligned.m8n8.x2.shared.b16 {%0, %1}, [%2];"
                   : "=r"(b0), "=r"(b1)
                   : "r"(tokens + (lane & 7) * 128 + chunk)
                   : "memory");
      multiply(0, b0, b1);
    } else {
#pragma unroll
      for (int pair = 0; pair < TOKENS / 16; ++pair) {
        u32 b0, b1, b2, b3;
        asm volatile("ldmatrix.sync.aligned.m8n8.x4.shared.b16 {%0, %1, %2, %3}, [%4];"
                     : "=r"(b0), "=r"(b1), "=r"(b2), "=r"(b3)
                     : "r"(tokens + (pair * 16 + b_row) * 128 + chunk)
                     : "memory");
        multiply(2 * pair, b0, b1);
        multiply(2 * pair + 1, b2, b3);
      }
    }
  }
}

#if TRACEMILL_WGMMA
// Shared-memory operand: K-major, 128-byte swizzle, groups of eight rows 1024 bytes apart.
__device__ __forceinline__ u64 wgmma_operand(u32 address) {
  return (static_cast<u64>(1) << 62) | (static_cast<u64>(1024 >> 4) << 32) |
         (static_cast<u64>(1) << 16) | ((address & 0x3FFFF) >> 4);
}

__device__ __forceinline__ void wgmma_begin() {
  asm volatile("wgmma.fence.sync.aligned;" ::: "memory");
}

__device__ __forceinline__ void wgmma_commit() {
  asm volatile("wgmma.commit_group.sync.aligned;" ::: "memory");
}

template <int PENDING>
__device__ __forceinline__ void wgmma_wait() {
  asm volatile("wgmma.wait_group.sync.aligned %0;" ::"n"(PENDING) : "memory");
}

// Orders cp.async writes seen through a barrier before the tensor core's own reads.
__device__ __forceinline__ void shared_fence_for_wgmma() {
  asm volatile("fence.proxy.async.shared::cta;" ::: "memory");
}

#define TM_OUT4(i) "+f"(d[i]), "+f"(d[i + 1]), "+f"(d[i + 2]), "+f"(d[i + 3])
#define TM_OUT8(i) TM_OUT4(i), TM_OUT4(i + 4)
#define TM_OUT16(i) TM_OUT8(i), TM_OUT8(i + 8)
#define TM_OUT32(i) TM_OUT16(i), TM_OUT16(i + 16)
#define TM_OUT64(i) TM_OUT32(i), TM_OUT32(i + 32)
#define TM_REG0 "%0, %1, %2, %3, %4, %5, %6, %7, %8, %9, %10, %11, %12, %13, %14, %15"
#define TM_REG1 "%16, %17, %18, %19, %20, %21, %22, %23, %24, %25, %26, %27, %28, %29, %30, %31"
#define TM_REG2 "%32, %33, %34, %35, %36, %37, %38, %39, %40, %41, %42, %43, %44, %45, %46, %47"
#define TM_REG3 "%48, %49, %50, %51, %52, %53, %54, %55, %56, %57, %58, %59, %60, %61, %62, %63"
#define TM_REG4 "%64, %65, %66, %67, %68, %69, %70, %71, %72, %73, %74, %75, %76, %77, %78, %79"
#define TM_REG5 "%80, %81, %82, %83, %84, %85, %86, %87, %88, %89, %90, %91, %92, %93, %94, %95"
#define TM_REG6 \
  "%96, %97, %98, %99, %100, %101, %102, %103, %104, %105, %106, %107, %108, %109, %110, %111"
#define TM_REG7 \
  "%112, %113, %114, %115, %116, %117, %118, %119, %120, %121, %122, %123, %124, %125, %126, %127"

// d = a . b (+ d unless accumulate is 0): 64 rows of weights, TOKENS tokens, 16 columns.
template <int TOKENS>
__device__ __forceinline__ void wgmma_step(float (&d)[TOKENS / 2], u64 a, u64 b, int accumulate);

template <>
__device__ __forceinline__ void wgmma_step<8>(float (&d)[4], u64 a, u64 b, int accumulate) {
  asm volatile(
      "{\n .reg .pred p;\n setp.ne.b32 p, %6, 0;\n"
      " wgmma.mma_async.sync.aligned.m64n8k16.f32.bf16.bf16 {"
      "%0, %1, %2, %3"
      "}, %4, %5, p, 1, 1, 0, 0;\n}"
      : TM_OUT4(0)
      : "l"(a), "l"(b), "r"(accumulate));
}

template <>
__device__ __forceinline__ void wgmma_step<16>(float (&d)[8], u64 a, u64 b, int accumulate) {
  asm volatile(
      "{\n .reg .pred p;\n setp.ne.b32 p, %10, 0;\n"
      " wgmma.mma_async.sync.aligned.m64n16k16.f32.bf16.bf16 {"
      "%0, %1, %2, %3, %4, %5, %6, %7"
      "}, %8, %9, p, 1, 1, 0, 0;\n}"
      : TM_OUT8(0)
      : "l"(a), "l"(b), "r"(accumulate));
}

template <>
__device__ __forceinline__ void wgmma_step<32>(float (&d)[16], u64 a, u64 b, int accumulate) {
  asm volatile(
      "{\n .reg .pred p;\n setp.ne.b32 p, %18, 0;\n"
      " wgmma.mma_async.sync.aligned.m64n32k16.f32.bf16.bf16 {" TM_REG0
      "}, %16, %17, p, 1, 1, 0, 0;\n}"
      : TM_OUT16(0)
      : "l"(a), "l"(b), "r"(accumulate));
}

template <>
__device__ __forceinline__ void wgmma_step<64>(float (&d)[32], u64 a, u64 b, int accumulate) {
  asm volatile(
      "{\n .reg .pred p;\n setp.ne.b32 p, %34, 0;\n"
      " wgmma.mma_async.sync.aligned.m64n64k16.f32.bf16.bf16 {" TM_REG0 ", " TM_REG1
      "}, %32, %33, p, 1, 1, 0, 0;\n}"
      : TM_OUT32(0)
      : "l"(a), "l"(b), "r"(accumulate));
}

template <>
__device__ __forceinline__ void wgmma_step<96>(float (&d)[48], u64 a, u64 b, int accumulate) {
  asm volatile(
      "{\n .reg .pred p;\n setp.ne.b32 p, %50, 0;\n"
      " wgmma.mma_async.sync.aligned.m64n96k16.f32.bf16.bf16 {" TM_REG0 ", " TM_REG1 ", " TM_REG2
      "}, %48, %49, p, 1, 1, 0, 0;\n}"
      : TM_OUT32(0), TM_OUT16(32)
      : "l"(a), "l"(b), "r"(accumulate));
}

template <>
__device__ __forceinline__ void wgmma_step<128>(float (&d)[64], u64 a, u64 b, int accumulate) {
  asm volatile(
      "{\n .reg .pred p;\n setp.ne.b32 p, %66, 0;\n"
      " wgmma.mma_async.sync.aligned.m64n128k16.f32.bf16.bf16 {" TM_REG0 ", " TM_REG1 ", " TM_REG2
      ", " TM_REG3 "}, %64, %65, p, 1, 1, 0, 0;\n}"
      : TM_OUT64(0)
      : "l"(a), "l"(b), "r"(accumulate));
}

template <>
__device__ __forceinline__ void wgmma_step<192>(float (&d)[96], u64 a, u64 b, int accumulate) {
  asm volatile(
      "{\n .reg .pred p;\n setp.ne.b32 p, %98, 0;\n"
      " wgmma.mma_async.sync.aligned.m64n192k16.f32.bf16.bf16 {" TM_REG0 ", " TM_REG1 ", " TM_REG2
      ", " TM_REG3 ", " TM_REG4 ", " TM_REG5 "}, %96, %97, p, 1, 1, 0, 0;\n}"
      : TM_OUT64(0), TM_OUT32(64)
      : "l"(a), "l"(b), "r"(accumulate));
}

template <>
__device__ __forceinline__ void wgmma_step<256>(float (&d)[128], u64 a, u64 b, int accumulate) {
  asm volatile(
      "{\n .reg .pred p;\n setp.ne.b32 p, %130, 0;\n"
      " wgmma.mma_async.sync.aligned.m64n256k16.f32.bf16.bf16 {" TM_REG0 ", " TM_REG1 ", " TM_REG2
      ", " TM_REG3 ", " TM_REG4 ", " TM_REG5 ", " TM_REG6 ", " TM_REG7
      "}, %128, %129, p, 1, 1, 0, 0;\n}"
      : TM_OUT64(0), TM_OUT64(64)
      : "l"(a), "l"(b), "r"(accumulate));
}

#undef TM_OUT4
#undef TM_OUT8
#undef TM_OUT16
#undef TM_OUT32
#undef TM_OUT64
#undef TM_REG0
#undef TM_REG1
#undef TM_REG2
#undef TM_REG3
#undef TM_REG4
#undef TM_REG5
#undef TM_REG6
#undef TM_REG7
#endif  // TRACEMILL_WGMMA

}  // namespace tracemill
