// Tensor-core instructions as inline PTX: mma.sync m16n8k16 (bf16 in, fp32 out), ldmatrix,
// movmatrix, cp.async. Fragment layout of m16n8k16, with g = lane / 4 and t = lane % 4:
//   A (16x16): a0 = row g, k 2t..2t+1; a1 = row g+8, same k; a2 = row g, k 2t+8..; a3 = row g+8, k
//       2t+8..
//   B (16x8):  b0 = k 2t..2t+1, column g; b1 = k 2t+8.., column g
//   C (16x8):  c0,c1 = row g, columns 2t,2t+1; c2,c3 = row g+8, columns 2t,2t+1
#pragma once

namespace tracemill {

__device__ __forceinline__ void mmaBf16(float (&c)[4], unsigned a0, unsigned a1, unsigned a2,
                                        unsigned a3, unsigned b0, unsigned b1) {
  asm volatile(
      "mma.sync.aligned.m16n8k16.row.col.f32.bf16.bf16.f32 {%0,%1,%2,%3}, {%4,%5,%6,%7}, {%8,%9}, "
      "{%0,%1,%2,%3};"
      : "+f"(c[0]), "+f"(c[1]), "+f"(c[2]), "+f"(c[3])
      : "r"(a0), "r"(a1), "r"(a2), "r"(a3), "r"(b0), "r"(b1));
}

__device__ __forceinline__ unsigned sharedAddress(const void* pointer) {
  return static_cast<unsigned>(__cvta_generic_to_shared(pointer));
}

// Four 8x8 matrices; lane l supplies the address of row l % 8 of matrix l / 8.
__device__ __forceinline__ void loadMatrix4(unsigned (&r)[4], unsigned address) {
  asm volatile("ldmatrix.sync.aligned.m8n8.x4.shared.b16 {%0,%1,%2,%3}, [%4];"
               : "=r"(r[0]), "=r"(r[1]), "=r"(r[2]), "=r"(r[3])
               : "r"(address)
               : "memory");
}

__device__ __forceinline__ void loadMatrix4Transposed(unsigned (&r)[4], unsigned address) {
  asm volatile("ldmatrix.sync.aligned.m8n8.x4.trans.shared.b16 {%0,%1,%2,%3}, [%4];"
               : "=r"(r[0]), "=r"(r[1]), "=r"(r[2]), "=r"(r[3])
               : "r"(address)
               : "memory");
}

// Transposes one 8x8 bf16 matrix held as an accumulator-shaped fragment.
__device__ __forceinline__ unsigned transposeMatrix(unsigned fragment) {
  unsigned transposed;
  asm volatile("movmatrix.sync.aligned.m8n8.trans.b16 %0, %1;" : "=r"(transposed) : "r"(fragment));
  return transposed;
}

// 16 bytes global -> shared, past L1. `validBytes` 0 writes zeros and reads nothing.
__device__ __forceinline__ void copyAsync16(unsigned shared, const void* global, int validBytes) {
  asm volatile("cp.async.cg.shared.global.L2::128B [%0], [%1], 16, %2;" ::"r"(shared), "l"(global),
               "r"(validBytes)
               : "memory");
}

// The same for bytes that are read once: they leave L2 before others.
__device__ __forceinline__ void copyAsync16EvictFirst(unsigned shared, const void* global,
                                                      int validBytes) {
  unsigned long long policy;
  asm volatile("createpolicy.fractional.L2::evict_first.b64 %0, 1.0;" : "=l"(policy));
  asm volatile(
      "cp.async.cg.shared.global.L2::cache_hint.L2::128B [%0], [%1], 16, %2, %3;" ::"r"(shared),
      "l"(global), "r"(validBytes), "l"(policy)
      : "memory");
}

__device__ __forceinline__ void commitCopies() {
  asm volatile("cp.async.commit_group;" ::: "memory");
}

// Returns when at most `kPending` of this thread's newest copy groups are unfinished.
template <int kPending>
__device__ __forceinline__ void waitCopies() {
  asm volatile("cp.async.wait_group %0;" ::"n"(kPending) : "memory");
}

// Named barrier of some warps of a CTA, `threads` in all.
__device__ __forceinline__ void syncNamed(int barrier, int threads) {
  asm volatile("bar.sync %0, %1;" ::"r"(barrier), "r"(threads) : "memory");
}

}  // namespace tracemill
