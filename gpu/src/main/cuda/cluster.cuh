// Thread block clusters (sm_90) as inline PTX, and their one-CTA stand-ins for older devices and
// cluster size 1.
#pragma once

#include "device_math.cuh"

namespace tracemill {

template <int kCluster>
struct Cluster {
  // Every thread of every CTA of the cluster; shared memory written before it is visible after it.
  static __device__ __forceinline__ void sync() {
#if __CUDA_ARCH__ >= 900
    if constexpr (kCluster > 1) {
      asm volatile("barrier.cluster.arrive.aligned;\n\tbarrier.cluster.wait.aligned;" ::: "memory");
      return;
    }
#endif
    __syncthreads();
  }

  // The two halves of a barrier that only says that every CTA of the cluster runs; needed before
  // the first access to another one.
  static __device__ __forceinline__ void announce() {
#if __CUDA_ARCH__ >= 900
    if constexpr (kCluster > 1)
      asm volatile("barrier.cluster.arrive.relaxed.aligned;" ::: "memory");
#endif
  }

  static __device__ __forceinline__ void awaitAll() {
#if __CUDA_ARCH__ >= 900
    if constexpr (kCluster > 1) asm volatile("barrier.cluster.wait.aligned;" ::: "memory");
#endif
  }

  static __device__ __forceinline__ int rank() {
#if __CUDA_ARCH__ >= 900
    if constexpr (kCluster > 1) {
      int r;
      asm volatile("mov.u32 %0, %%cluster_ctarank;" : "=r"(r));
      return r;
    }
#endif
    return 0;
  }

  // The word at the same shared address in CTA `cta` of the cluster.
  static __device__ __forceinline__ unsigned load(const unsigned* local, int cta) {
#if __CUDA_ARCH__ >= 900
    if constexpr (kCluster > 1) {
      unsigned address = static_cast<unsigned>(__cvta_generic_to_shared(local));
      unsigned remote;
      unsigned value;
      asm volatile("mapa.shared::cluster.u32 %0, %1, %2;" : "=r"(remote) : "r"(address), "r"(cta));
      asm volatile("ld.shared::cluster.u32 %0, [%1];" : "=r"(value) : "r"(remote) : "memory");
      return value;
    }
#endif
    return *local;
  }

  // Writes the word at the same shared address in CTA `cta`.
  static __device__ __forceinline__ void store(unsigned* local, int cta, unsigned value) {
#if __CUDA_ARCH__ >= 900
    if constexpr (kCluster > 1) {
      unsigned address = static_cast<unsigned>(__cvta_generic_to_shared(local));
      unsigned remote;
      asm volatile("mapa.shared::cluster.u32 %0, %1, %2;" : "=r"(remote) : "r"(address), "r"(cta));
      asm volatile("st.shared::cluster.u32 [%0], %1;" ::"r"(remote), "r"(value) : "memory");
      return;
    }
#endif
    *local = value;
  }

  static __device__ __forceinline__ void store(unsigned long long* local, int cta,
                                               unsigned long long value) {
    unsigned* words = reinterpret_cast<unsigned*>(local);
    store(words, cta, static_cast<unsigned>(value));
    store(words + 1, cta, static_cast<unsigned>(value >> 32));
  }

  static __device__ __forceinline__ unsigned long long load(const unsigned long long* local,
                                                            int cta) {
    const unsigned* words = reinterpret_cast<const unsigned*>(local);
    unsigned low = load(words, cta);
    return static_cast<unsigned long long>(load(words + 1, cta)) << 32 | low;
  }
};

}  // namespace tracemill
