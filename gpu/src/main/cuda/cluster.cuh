// Thread block clusters (sm_90) as inline PTX, and their one-CTA stand-ins for older devices and cluster size 1.
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

  static __device__ __forceinline__ unsigned long long load(const unsigned long long* local, int cta) {
    const unsigned* words = reinterpret_cast<const unsigned*>(local);
    unsigned low = load(words, cta);
    return static_cast<unsigned long long>(load(words + 1, cta)) << 32 | low;
  }
};

}  // namespace tracemill
