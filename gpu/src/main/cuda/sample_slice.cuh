// What one CTA of the sampler works on: its slice of a row's logits, read or held, and its shared
// memory.
//
// kCtas CTAs (a cluster; 1: no cluster) share a row of `vocab` logits. Each takes a slice of
// consecutive token ids, the same number in all but the last ones:
//   sliceLength = ceil(vocab / (kCtas * kThreads)) * kThreads; first = rank * sliceLength
//   x_i = logits[row][i]; where bit i of seen[lane] is set and penalty != 1:
//       x_i < 0 ? x_i * penalty : x_i / penalty
//   z_i = x_i * inverseTemperature (0, greedy: z_i = x_i)
// all fp32, rounded to nearest, not contracted. Where kHeld is set the slice stands in shared
// memory, first as z, after the histogram of bins as keys; otherwise each pass reads the logits and
// scales them again.
//
// The threads of a CTA walk a slice side by side: a warp reads 512 consecutive bytes at a time (128
// where vocab is no multiple of 4, because rows are then not aligned).
//
// Two ways of dividing the work follow each other. A *slice* is a part of the token ids; counts of
// a slice are local to a CTA. A *range* is a part of the bins (kRangeBins of the kBins) or of the
// keys of one bin (kRangeKeys of the kKeysPerBin); counts of a range are sums over the slices of
// all CTAs.
//
// Shared memory: SampleShared, and after it, from the next multiple of 16 bytes on, 4 * sliceLength
// bytes where kHeld is set.
#pragma once

#include "cluster.cuh"
#include "sample_key.cuh"

namespace tracemill {

// The arguments of a launch. [lanes] arrays are indexed by laneOf[row].
struct SampleBatch {
  const float* logits;              // [rows][vocab]
  const uint2* massTable;           // [kBins], see MassTable
  const int* laneOf;                // [rows], -1: nothing is done for the row
  const float* inverseTemperature;  // [lanes], 0: greedy
  const int* topK;                  // [lanes], 0: off
  const float* topP;                // [lanes], >= 1: off
  const int* minPKey;               // [lanes], the largest key that stays; 0x7fffffff: off
  const float* repetitionPenalty;   // [lanes], 1: off
  const unsigned long long* seed;   // [lanes]
  int* tokenIndex;                  // [lanes], advanced by one
  unsigned* seen;                   // [lanes][ceil(vocab / 32)], gains the drawn token's bit
  int* tokenId;                     // [lanes], written
  int vocab;
};

// One mass and one count of every CTA of the cluster, sent by each to all.
template <int kCtas>
struct SamplePeers {
  unsigned long long mass[kCtas];
  unsigned count[kCtas];
};

template <int kCtas, int kThreads>
struct SampleShared {
  static constexpr int kWarps = kThreads / 32;
  static constexpr int kRangeBins = kBins / kCtas;
  static constexpr int kRangeKeys = kKeysPerBin / kCtas;

  unsigned long long rangeBinMass[kRangeBins];  // this CTA's range, sums over the cluster
  SamplePeers<kCtas> best;                      // mass: ordered(z) << 32 | ~id
  SamplePeers<kCtas> bins;                      // whole ranges of bins
  SamplePeers<kCtas> keys;                      // whole ranges of keys of one bin
  SamplePeers<kCtas> kept;                      // slices: mass below the cut, ties
  unsigned long long warpMass[kWarps];
  unsigned long long cutMass;
  unsigned sliceKeyCount[kKeysPerBin];  // of one bin; 8-byte aligned, also scratch of findCut
  unsigned rangeBinCount[kRangeBins];   // this CTA's range, sums over the cluster
  unsigned rangeKeyCount[kRangeKeys];   // the same for the keys of one bin
  unsigned warpCount[kWarps];
  unsigned cutEntry;
  unsigned cutCount;
  unsigned sliceBinCount[kBins];
  unsigned sliceLowSum[kBins];        // sum of the low bits of a bin's keys
  unsigned keyCountCopy[kRangeKeys];  // another CTA's rangeKeyCount
};

template <int kClusterCtas, int kBlockThreads, bool kHoldsSlice>
struct SampleSlice {
  static constexpr int kCtas = kClusterCtas;
  static constexpr int kThreads = kBlockThreads;
  static constexpr bool kHeld = kHoldsSlice;
  using Shared = SampleShared<kCtas, kThreads>;
  using Peers = SamplePeers<kCtas>;
  using Ctas = Cluster<kCtas>;

  const SampleBatch& batch;
  Shared& shared;
  float* held;  // [length] z, then keys as raw bits; unused without kHeld
  const float* logits;
  const unsigned* seen;
  float inverseTemperature;
  float penalty;
  float zMax;  // of the row
  MassTable masses;
  int rank;  // of this CTA in its cluster
  int first;
  int length;
  int warp;
  int laneId;

  __device__ __forceinline__ SampleSlice(const SampleBatch& batch, Shared& shared, float* held,
                                         int row, int lane)
      : batch(batch), shared(shared), held(held) {
    rank = Ctas::rank();
    int sliceLength = (batch.vocab + kCtas * kThreads - 1) / (kCtas * kThreads) * kThreads;
    warp = threadIdx.x >> 5;
    laneId = threadIdx.x & 31;
    first = rank * sliceLength;
    length = max(0, min(sliceLength, batch.vocab - first));
    logits = batch.logits + static_cast<long long>(row) * batch.vocab;
    seen = batch.seen + static_cast<long long>(lane) * ((batch.vocab + 31) / 32);
    inverseTemperature = batch.inverseTemperature[lane];
    penalty = batch.repetitionPenalty[lane];
    masses.edges = batch.massTable;
  }

  // Scaled logit of id first + i, whose raw logit is x.
  __device__ __forceinline__ float scaled(int i, float x) const {
    if (penalty != 1.0f && (seen[(first + i) >> 5] >> ((first + i) & 31) & 1u)) {
      x = x < 0.0f ? __fmul_rn(x, penalty) : __fdiv_rn(x, penalty);
    }
    return __fmul_rn(x, inverseTemperature == 0.0f ? 1.0f : inverseTemperature);
  }

  // Calls body(i, z) with z an array of the scaled logits from id first + i on, 4 or 1 of them,
  // until the slice is through.
  template <typename Body>
  __device__ __forceinline__ void forEachLogit(const Body& body) const {
    if (batch.vocab % 4 == 0) {
#pragma unroll 5
      for (int i = 4 * threadIdx.x; i < length; i += 4 * kThreads) {
        float4 x = __ldcg(reinterpret_cast<const float4*>(logits + first + i));
        float z[4] = {scaled(i, x.x), scaled(i + 1, x.y), scaled(i + 2, x.z), scaled(i + 3, x.w)};
        body(i, z);
      }
    } else {
#pragma unroll 8
      for (int i = threadIdx.x; i < length; i += kThreads) {
        float z[1] = {scaled(i, logits[first + i])};
        body(i, z);
      }
    }
  }

  // Puts what forEachLogit hands out into shared memory.
  template <int kCount>
  __device__ __forceinline__ void hold(int i, const float (&z)[kCount]) const {
    if constexpr (kCount == 4) {
      *reinterpret_cast<float4*>(held + i) = make_float4(z[0], z[1], z[2], z[3]);
    } else {
      held[i] = z[0];
    }
  }

  // Key of id first + i. With kHeld: after the histogram of bins only.
  __device__ __forceinline__ unsigned key(int i) const {
    if constexpr (kHeld) {
      return __float_as_uint(held[i]);
    } else {
      return keyOf(scaled(i, logits[first + i]), zMax);
    }
  }
};

}  // namespace tracemill
