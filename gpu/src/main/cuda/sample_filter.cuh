// The filters of the sampler: each keeps a prefix of the tokens in the order of (K, id), so that
// all of them together are one cut.
//   top-k   the first topK (0: off)
//   top-p   the shortest prefix with mass >= ceil(double(topP) * double(mass kept by top-k)), at
//           least 1 (topP >= 1: off)
//   min-p   K <= minPKey
// A cut by count or mass is found in two steps, the bin and then the key in it; of the tokens at
// the cut's key as many stay, lowest ids first, as the count or the mass still asks for:
//   tiesKept = topK - count before, or ceil((need - mass before) / mass(cutKey))
//
// All threads of all CTAs of the row come here together and get the same answer.
// Shared memory: what countKeys and findCut use, `bins` of countBins.
#pragma once

#include "sample_cut.cuh"
#include "sample_histogram.cuh"

namespace tracemill {

// The filters of one lane.
struct SampleFilters {
  unsigned topK;
  float topP;
  unsigned minPKey;
};

// The tokens that stay: keys below cutKey, and the tiesKept lowest ids of those at cutKey.
struct KeptPrefix {
  unsigned cutKey;
  unsigned tiesKept;
};

// What the filters keep, after countBins. On return sliceKeyCount describes the bin of cutKey,
// where that is below kKeyLimit.
template <typename Slice>
__device__ __forceinline__ KeptPrefix keptPrefix(const Slice& slice, const SampleFilters& filters) {
  typename Slice::Shared& s = slice.shared;
  unsigned allCount = 0;
  unsigned long long keptMass = 0;
  for (int cta = 0; cta < Slice::kCtas; cta++) {
    allCount += s.bins.count[cta];
    keptMass += s.bins.mass[cta];
  }
  unsigned cutKey = kKeyLimit;
  unsigned tiesKept = 0;
  unsigned countedBin = 0xffffffffu;  // the bin that sliceKeyCount describes
  if (filters.topK > 0 && filters.topK < allCount) {
    Cut bin = findCut<CutAmong::kBins, CutBy::kCount>(slice, filters.topK);
    countedBin = bin.entry;
    countKeys(slice, countedBin);
    Cut key =
        findCut<CutAmong::kKeys, CutBy::kCount>(slice, filters.topK - bin.countBefore, countedBin);
    cutKey = countedBin << kLowBits | key.entry;
    tiesKept = filters.topK - bin.countBefore - key.countBefore;
    keptMass = bin.massBefore + key.massBefore + tiesKept * slice.masses.of(cutKey);
  }
  if (filters.topP < 1.0f) {
    double wanted = ceil(static_cast<double>(filters.topP) * static_cast<double>(keptMass));
    unsigned long long need = wanted < 1.0 ? 1 : static_cast<unsigned long long>(wanted);
    if (need > keptMass) need = keptMass;
    Cut bin = findCut<CutAmong::kBins, CutBy::kMass>(slice, need);
    if (Slice::kCtas > 1 || bin.entry != countedBin) {  // in a cluster findCut overwrote the counts
      countedBin = bin.entry;
      countKeys(slice, countedBin);
    }
    Cut key = findCut<CutAmong::kKeys, CutBy::kMass>(slice, need - bin.massBefore, countedBin);
    cutKey = countedBin << kLowBits | key.entry;
    unsigned long long tieMass = slice.masses.of(cutKey);
    tiesKept =
        static_cast<unsigned>((need - bin.massBefore - key.massBefore + tieMass - 1) / tieMass);
  }
  if (filters.minPKey < cutKey) {
    cutKey = filters.minPKey + 1;
    tiesKept = 0;
    if (cutKey < kKeyLimit && (cutKey >> kLowBits) != countedBin)
      countKeys(slice, cutKey >> kLowBits);
  }
  return {cutKey, tiesKept};
}

}  // namespace tracemill
