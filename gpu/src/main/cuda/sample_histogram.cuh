// Histogram passes of the sampler: tokens by bin, then tokens by key within one bin, each for the
// CTA's slice and summed over the cluster for the CTA's range.
//   count[b]  = number of tokens with bin(K) = b       lowSum[b] = sum of their low(K)
//   mass[b]   = E[b] * (2048 * count[b] - lowSum[b]) + E[b + 1] * lowSum[b]
//   for one bin: count[k] = number of tokens with K = bin << 11 | k; mass[k] = count[k] * mass(K)
// Tokens at kKeyLimit are in no bin.
//
// All threads of the CTA walk the slice and count by shared atomics; after a barrier of the cluster
// they take the entries of the CTA's range one each, fetch them from all CTAs and send the range's
// total to all. Counts and low sums stay below 2^32 for a vocabulary of up to 2^21 tokens.
//
// Shared memory (SampleShared): slice* and range* arrays of bins, then of keys, `bins`, `keys`, and
// what sendTotal uses. The arrays of bins stay for the whole row; those of keys describe the bin of
// the last countKeys.
#pragma once

#include "sample_reduce.cuh"

namespace tracemill {

// Second pass: the histogram of bins, after which bins[c] holds count and mass of CTA c's range.
// slice.zMax is set. Turns a held slice from z into keys.
template <typename Slice>
__device__ __forceinline__ void countBins(const Slice& slice) {
  typename Slice::Shared& s = slice.shared;
  for (int b = threadIdx.x; b < kBins; b += Slice::kThreads)
    s.sliceBinCount[b] = s.sliceLowSum[b] = 0;
  __syncthreads();
  auto add = [&](unsigned key) {
    if (key < kKeyLimit) {
      atomicAdd(&s.sliceBinCount[key >> kLowBits], 1u);
      atomicAdd(&s.sliceLowSum[key >> kLowBits], key & (kKeysPerBin - 1));
    }
  };
  if constexpr (Slice::kHeld) {
#pragma unroll 4
    for (int i = threadIdx.x; i < slice.length; i += Slice::kThreads) {
      unsigned key = keyOf(slice.held[i], slice.zMax);
      slice.held[i] = __uint_as_float(key);
      add(key);
    }
  } else {
    slice.forEachLogit([&](int, const auto& z) {
#pragma unroll
      for (float one : z) add(keyOf(one, slice.zMax));
    });
  }
  Slice::Ctas::sync();
  unsigned countSum = 0;
  unsigned long long massSum = 0;
  for (int b = threadIdx.x; b < Slice::Shared::kRangeBins; b += Slice::kThreads) {
    int bin = slice.rank * Slice::Shared::kRangeBins + b;
    unsigned count = 0;
    unsigned long long lowSum = 0;
#pragma unroll
    for (int cta = 0; cta < Slice::kCtas; cta++) {
      count += Slice::Ctas::load(&s.sliceBinCount[bin], cta);
      lowSum += Slice::Ctas::load(&s.sliceLowSum[bin], cta);
    }
    unsigned long long mass = slice.masses.ofBin(bin, count, lowSum);
    s.rangeBinCount[b] = count;
    s.rangeBinMass[b] = mass;
    countSum += count;
    massSum += mass;
  }
  sendTotal(slice, s.bins, countSum, massSum);
  Slice::Ctas::sync();
}

// A further pass: the histogram of the keys of `bin`, after which keys[c] holds count and mass of
// CTA c's range of them.
template <typename Slice>
__device__ __forceinline__ void countKeys(const Slice& slice, unsigned bin) {
  typename Slice::Shared& s = slice.shared;
  for (int k = threadIdx.x; k < kKeysPerBin; k += Slice::kThreads) s.sliceKeyCount[k] = 0;
  __syncthreads();
  auto add = [&](unsigned key) {
    if (key >> kLowBits == bin) atomicAdd(&s.sliceKeyCount[key & (kKeysPerBin - 1)], 1u);
  };
  if constexpr (Slice::kHeld) {
#pragma unroll 4
    for (int i = threadIdx.x; i < slice.length; i += Slice::kThreads) add(slice.key(i));
  } else {
    slice.forEachLogit([&](int, const auto& z) {
#pragma unroll
      for (float one : z) add(keyOf(one, slice.zMax));
    });
  }
  Slice::Ctas::sync();
  unsigned countSum = 0;
  unsigned long long massSum = 0;
  for (int k = threadIdx.x; k < Slice::Shared::kRangeKeys; k += Slice::kThreads) {
    int low = slice.rank * Slice::Shared::kRangeKeys + k;
    unsigned count = 0;
#pragma unroll
    for (int cta = 0; cta < Slice::kCtas; cta++)
      count += Slice::Ctas::load(&s.sliceKeyCount[low], cta);
    s.rangeKeyCount[k] = count;
    countSum += count;
    if (count != 0) massSum += count * slice.masses.of(bin << kLowBits | low);
  }
  sendTotal(slice, s.keys, countSum, massSum);
  Slice::Ctas::sync();
}

}  // namespace tracemill
