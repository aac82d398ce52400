// Sums, scans and maxima of the sampler, over a warp and over the CTAs that share a row; and the
// first pass, which is such a maximum:
//   best = max over i of (z_i, then -i), as the integer ordered(z_i) << 32 | ~i
//
// A reduction over the cluster has three stages: each warp reduces by shuffles and leaves one value
// in warpMass and warpCount; warp 0 reduces those; its lane c writes the result into CTA c's
// SamplePeers. After the cluster's next barrier every CTA has the values of all and adds up or
// compares them itself. Only integers are added, so the order does not matter.
//
// Shared memory: SampleShared's warpMass and warpCount, free again after the CTA's next barrier,
// and the SamplePeers that the caller names.
#pragma once

#include "sample_slice.cuh"

namespace tracemill {

// Sum over the warp, in every lane.
template <typename T>
__device__ __forceinline__ T warpTotal(T x) {
#pragma unroll
  for (int step = 16; step > 0; step >>= 1) x += __shfl_xor_sync(kFullMask, x, step);
  return x;
}

// Sum over this lane and those below it.
template <typename T>
__device__ __forceinline__ T warpInclusive(T x) {
#pragma unroll
  for (int step = 1; step < 32; step <<= 1) {
    T other = __shfl_up_sync(kFullMask, x, step);
    if ((threadIdx.x & 31) >= step) x += other;
  }
  return x;
}

// Maximum over the warp, in every lane.
__device__ __forceinline__ unsigned long long warpMaximum(unsigned long long x) {
#pragma unroll
  for (int step = 16; step > 0; step >>= 1) {
    unsigned long long other = __shfl_xor_sync(kFullMask, x, step);
    x = other > x ? other : x;
  }
  return x;
}

// Writes this CTA's entry of `peers` in every CTA. For one warp, with the same values in all lanes.
template <typename Slice>
__device__ __forceinline__ void sendToAll(const Slice& slice, typename Slice::Peers& peers,
                                          unsigned count, unsigned long long mass) {
  if (slice.laneId < Slice::kCtas) {
    Slice::Ctas::store(&peers.count[slice.rank], slice.laneId, count);
    Slice::Ctas::store(&peers.mass[slice.rank], slice.laneId, mass);
  }
}

// Sums the threads' counts and masses over the CTA and sends the sums to every CTA: there after the
// cluster's next barrier. For all threads.
template <typename Slice>
__device__ __forceinline__ void sendTotal(const Slice& slice, typename Slice::Peers& peers,
                                          unsigned count, unsigned long long mass) {
  constexpr int kWarps = Slice::Shared::kWarps;
  typename Slice::Shared& s = slice.shared;
  count = warpTotal(count);
  mass = warpTotal(mass);
  if (slice.laneId == 0) {
    s.warpCount[slice.warp] = count;
    s.warpMass[slice.warp] = mass;
  }
  __syncthreads();
  if (slice.warp == 0) {
    count = warpTotal(slice.laneId < kWarps ? s.warpCount[slice.laneId] : 0u);
    mass = warpTotal(slice.laneId < kWarps ? s.warpMass[slice.laneId] : 0ull);
    sendToAll(slice, peers, count, mass);
  }
}

// The row's largest scaled logit and the lowest id that has it, the same in every thread of every
// CTA. A value that is not finite ranks above all others, as a NaN.
struct Best {
  float z;
  int id;
};

// First pass: reads the slice once and, with kHeld, keeps it. Between Cluster::announce and here
// nothing may touch another CTA's memory.
template <typename Slice>
__device__ __forceinline__ Best findBest(const Slice& slice) {
  typename Slice::Shared& s = slice.shared;
  unsigned long long best = 0;  // ordered(z) << 32 | ~id, so that the lower id is the larger one
  auto consider = [&](int i, float z) {
    unsigned ordered = fabsf(z) < __int_as_float(0x7f800000) ? orderedBits(z) : 0xffffffffu;
    unsigned long long candidate =
        static_cast<unsigned long long>(ordered) << 32 | (0xffffffffu - (slice.first + i));
    best = candidate > best ? candidate : best;
  };
  slice.forEachLogit([&](int i, const auto& z) {
    if constexpr (Slice::kHeld) slice.hold(i, z);
#pragma unroll
    for (int k = 0; k < sizeof(z) / sizeof(float); k++) consider(i + k, z[k]);
  });
  best = warpMaximum(best);
  if (slice.laneId == 0) s.warpMass[slice.warp] = best;
  __syncthreads();
  Slice::Ctas::awaitAll();
  if (slice.warp == 0) {
    best = warpMaximum(slice.laneId < Slice::Shared::kWarps ? s.warpMass[slice.laneId] : 0);
    sendToAll(slice, s.best, 0, best);
  }
  Slice::Ctas::sync();
  best = s.best.mass[0];
  for (int cta = 1; cta < Slice::kCtas; cta++)
    best = s.best.mass[cta] > best ? s.best.mass[cta] : best;
  return {fromOrderedBits(static_cast<unsigned>(best >> 32)),
          static_cast<int>(0xffffffffu - static_cast<unsigned>(best))};
}

}  // namespace tracemill
