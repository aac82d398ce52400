// The search for the place where a prefix of the tokens, by key and then id, reaches a count or a
// mass: first among the bins, then among the keys of the bin that was found.
//   cut = the first entry e with measure[0] + ... + measure[e] >= target
// where the entries are all bins or the keys of one bin (the target is then less by what the
// bins before it have), and the measure is their count or their mass as sample_histogram.cuh
// defines them.
//
// Every CTA of the cluster makes the same search. It walks the totals of the ranges, brings the
// range that holds the cut into its own shared memory, and there warp 0 alone goes on: each lane
// sums a stretch of kRange / 32 entries, a scan over the lanes finds the stretch, and all lanes
// scan that one. The other warps wait.
//
// Shared memory (SampleShared): reads the range* arrays of one CTA and `bins` or `keys`; writes
// cutEntry, cutCount, cutMass. In a cluster a search among bins overwrites sliceKeyCount with the
// range's counts and masses, one among keys overwrites keyCountCopy.
#pragma once

#include "sample_reduce.cuh"

namespace tracemill {

enum class CutAmong { kBins, kKeys };
enum class CutBy { kCount, kMass };

// Where the target is reached: a bin or the low bits of a key, and what all entries before it have.
struct Cut {
  unsigned entry;
  unsigned countBefore;
  unsigned long long massBefore;
};

// The cut at `target`, the same in every thread of every CTA. The target is at least 1 and does not
// exceed the whole. `bin`: the one whose keys are searched, which the last countKeys counted.
template <CutAmong kAmong, CutBy kBy, typename Slice>
__device__ __forceinline__ Cut findCut(const Slice& slice, unsigned long long target,
                                       unsigned bin = 0) {
  constexpr int kRange =
      kAmong == CutAmong::kKeys ? Slice::Shared::kRangeKeys : Slice::Shared::kRangeBins;
  constexpr int kPerLane = kRange / 32;
  static_assert(kRange % 32 == 0, "ranges are walked by whole warps");
  const typename Slice::Peers& peers =
      kAmong == CutAmong::kKeys ? slice.shared.keys : slice.shared.bins;
  int cta = 0;
  unsigned countBefore = 0;
  unsigned long long massBefore = 0;
  while (cta < Slice::kCtas - 1 &&
         (kBy == CutBy::kMass ? massBefore + peers.mass[cta] : countBefore + peers.count[cta]) <
             target) {
    countBefore += peers.count[cta];
    massBefore += peers.mass[cta];
    cta++;
  }
  // The range that holds the cut comes here first: scattered reads of another CTA's memory are
  // slow.
  const unsigned* counts =
      kAmong == CutAmong::kKeys ? slice.shared.rangeKeyCount : slice.shared.rangeBinCount;
  const unsigned long long* masses = slice.shared.rangeBinMass;
  if constexpr (Slice::kCtas > 1) {
    unsigned* countCopy =
        kAmong == CutAmong::kKeys ? slice.shared.keyCountCopy : slice.shared.sliceKeyCount;
    unsigned long long* massCopy = reinterpret_cast<unsigned long long*>(
        slice.shared.sliceKeyCount + (Slice::Shared::kRangeBins + 1) / 2 * 2);
    for (int e = threadIdx.x; e < kRange; e += Slice::kThreads) {
      countCopy[e] = Slice::Ctas::load(counts + e, cta);
      if (kAmong == CutAmong::kBins) massCopy[e] = Slice::Ctas::load(masses + e, cta);
    }
    counts = countCopy;
    masses = massCopy;
    __syncthreads();
  }
  if (slice.warp == 0) {
    unsigned count = 0;
    unsigned long long mass = 0;
    unsigned countEnd;
    unsigned long long massEnd;
    unsigned reached;
    auto massAt = [&](int e) {
      if constexpr (kAmong == CutAmong::kKeys) {
        return counts[e] == 0 ? 0ull
                              : counts[e] * slice.masses.of(bin << kLowBits | (cta * kRange + e));
      } else {
        return masses[e];
      }
    };
#pragma unroll 4
    for (int i = 0; i < kPerLane; i++) {
      int e = slice.laneId * kPerLane + i;
      count += counts[e];
      mass += massAt(e);
    }
    countEnd = warpInclusive(count) + countBefore;
    massEnd = warpInclusive(mass) + massBefore;
    int owner =
        __ffs(__ballot_sync(kFullMask, (kBy == CutBy::kMass ? massEnd : countEnd) >= target)) - 1;
    countBefore = __shfl_sync(kFullMask, countEnd - count, owner);
    massBefore = __shfl_sync(kFullMask, massEnd - mass, owner);
    for (int base = 0; base < kPerLane; base += 32) {
      int e = owner * kPerLane + base + slice.laneId;
      count = 0;
      mass = 0;
      if (base + slice.laneId < kPerLane) {
        count = counts[e];
        mass = massAt(e);
      }
      countEnd = warpInclusive(count) + countBefore;
      massEnd = warpInclusive(mass) + massBefore;
      reached = __ballot_sync(kFullMask, (kBy == CutBy::kMass ? massEnd : countEnd) >= target);
      if (reached != 0) {
        if (slice.laneId == __ffs(reached) - 1) {
          slice.shared.cutEntry = cta * kRange + e;
          slice.shared.cutCount = countEnd - count;
          slice.shared.cutMass = massEnd - mass;
        }
        break;
      }
      countBefore = __shfl_sync(kFullMask, countEnd, 31);
      massBefore = __shfl_sync(kFullMask, massEnd, 31);
    }
  }
  __syncthreads();
  Cut cut{slice.shared.cutEntry, slice.shared.cutCount, slice.shared.cutMass};
  __syncthreads();
  return cut;
}

}  // namespace tracemill
