// The draw of the sampler: one random number, and the token of the kept ones that it falls on.
//   u = Philox4x32-10(key = seed, counter = (tokenIndex, 0, 0, 0)).word0 >> 8, 24 bits
//   target = floor(u * total / 2^24), total = mass of all kept tokens
//   token = the first in ascending id whose running mass exceeds target
//
// Each CTA sums the kept mass of its slice out of its own histograms and sends it, with the number
// of its ties, to all; ties stay by ascending id, so lower ranks use up tiesKept first. The CTA on
// whose slice the target falls goes on alone: its threads take consecutive ids and sum them, a scan
// over the CTA finds the one thread whose stretch holds the target, and that thread's warp walks
// the stretch, 32 ids at a time.
//
// Shared memory (SampleShared): the slice* arrays, `kept`, warpMass and warpCount.
#pragma once

#include "philox.cuh"
#include "sample_filter.cuh"

namespace tracemill {

// What a draw reads and advances of one lane.
struct LaneDraw {
  int lane;
  unsigned long long seed;
  int tokenIndex;
};

// Writes the lane's token (-1: none) and advances the lane. For one thread of the row.
__device__ __forceinline__ void finish(const SampleBatch& batch, const LaneDraw& draw, int token) {
  batch.tokenId[draw.lane] = token;
  batch.tokenIndex[draw.lane] = draw.tokenIndex + 1;
  if (token >= 0) {
    long long words = (batch.vocab + 31) / 32;
    batch.seen[draw.lane * words + (token >> 5)] |= 1u << (token & 31);
  }
}

// Sends mass below `cutKey` and number of ties at it of this CTA's slice, out of its own
// histograms, to all: there after the cluster's next barrier.
template <typename Slice>
__device__ __forceinline__ void sendKept(const Slice& slice, unsigned cutKey) {
  typename Slice::Shared& s = slice.shared;
  unsigned long long mass = 0;
  unsigned ties = 0;
  int cutBin = cutKey >> kLowBits;
  for (int b = threadIdx.x; b < cutBin; b += Slice::kThreads)
    mass += slice.masses.ofBin(b, s.sliceBinCount[b], s.sliceLowSum[b]);
  if (cutKey < kKeyLimit) {
    int cutLow = cutKey & (kKeysPerBin - 1);
    for (int k = threadIdx.x; k < cutLow; k += Slice::kThreads) {
      if (s.sliceKeyCount[k] != 0)
        mass += s.sliceKeyCount[k] * slice.masses.of(cutBin << kLowBits | k);
    }
    if (threadIdx.x == 0) ties = s.sliceKeyCount[cutLow];
  }
  sendTotal(slice, s.kept, ties, mass);
}

// The id at which the running mass of the kept tokens of this slice first exceeds `target`; -1 in
// all but one warp. `tiesKept` is this slice's part.
template <typename Slice>
__device__ __forceinline__ int drawFromSlice(const Slice& slice, unsigned long long target,
                                             unsigned cutKey, unsigned tiesKept,
                                             unsigned long long tieMass) {
  typename Slice::Shared& s = slice.shared;
  const int laneId = slice.laneId;
  const int warp = slice.warp;
  int part = (slice.length + Slice::kThreads - 1) / Slice::kThreads;  // consecutive ids per thread
  int begin = min(static_cast<int>(threadIdx.x) * part, slice.length);
  int end = min(begin + part, slice.length);
  unsigned long long mass = 0;
  unsigned ties = 0;
#pragma unroll 8
  for (int i = begin; i < end; i++) {
    unsigned key = slice.key(i);
    if (key < cutKey) mass += slice.masses.of(key);
    ties += key == cutKey;
  }
  unsigned long long massEnd = warpInclusive(mass);
  unsigned tiesEnd = warpInclusive(ties);
  __syncthreads();
  if (laneId == 31) {
    s.warpMass[warp] = massEnd;
    s.warpCount[warp] = tiesEnd;
  }
  __syncthreads();
  unsigned long long lowerMass = warpTotal(laneId < warp ? s.warpMass[laneId] : 0ull);
  unsigned lowerTies = warpTotal(laneId < warp ? s.warpCount[laneId] : 0u);
  massEnd += lowerMass;
  tiesEnd += lowerTies;
  unsigned long long keptBefore = massEnd - mass + min(tiesEnd - ties, tiesKept) * tieMass;
  unsigned long long keptEnd = massEnd + min(tiesEnd, tiesKept) * tieMass;
  unsigned holds = __ballot_sync(kFullMask, keptBefore <= target && target < keptEnd);
  if (holds == 0) return -1;
  int owner = __ffs(holds) - 1;
  unsigned long long running = __shfl_sync(kFullMask, keptBefore, owner);
  unsigned tiesBefore = __shfl_sync(kFullMask, tiesEnd - ties, owner);
  begin = __shfl_sync(kFullMask, begin, owner);
  end = __shfl_sync(kFullMask, end, owner);
  for (int base = begin; base < end; base += 32) {
    bool inside = base + laneId < end;
    unsigned key = inside ? slice.key(base + laneId) : kKeyLimit;
    unsigned tieMask = __ballot_sync(kFullMask, inside && key == cutKey);
    unsigned tieRank = tiesBefore + __popc(tieMask & ((1u << laneId) - 1));
    unsigned long long keptMass = 0;
    if (key < cutKey) keptMass = slice.masses.of(key);
    if (key == cutKey && tieRank < tiesKept) keptMass = tieMass;
    unsigned long long reach = warpInclusive(keptMass) + running;
    unsigned reached = __ballot_sync(kFullMask, reach > target);
    if (reached != 0) return slice.first + base + __ffs(reached) - 1;
    running = __shfl_sync(kFullMask, reach, 31);
    tiesBefore += __popc(tieMask);
  }
  return -1;
}

// Draws one of the kept tokens and finishes the lane, for all threads of all CTAs of the row.
template <typename Slice>
__device__ __forceinline__ void drawKept(const Slice& slice, const KeptPrefix& kept,
                                         const LaneDraw& draw) {
  typename Slice::Shared& s = slice.shared;
  sendKept(slice, kept.cutKey);
  Slice::Ctas::sync();
  unsigned long long tieMass = kept.cutKey < kKeyLimit ? slice.masses.of(kept.cutKey) : 0;
  unsigned long long total = 0;
  unsigned long long myBefore = 0;
  unsigned long long myMass = 0;
  unsigned myTies = 0;
  unsigned tiesLeft = kept.tiesKept;
  for (int cta = 0; cta < Slice::kCtas; cta++) {
    unsigned ties = min(tiesLeft, s.kept.count[cta]);
    unsigned long long mass = s.kept.mass[cta] + ties * tieMass;
    if (cta == slice.rank) {
      myBefore = total;
      myMass = mass;
      myTies = ties;
    }
    total += mass;
    tiesLeft -= ties;
  }
  unsigned long long u =
      philoxFirstWord(draw.seed, static_cast<unsigned>(draw.tokenIndex), 0, 0, 0) >> 8;
  unsigned long long target = (total >> 24) * u + ((total & 0xffffffull) * u >> 24);
  if (target < myBefore || target - myBefore >= myMass) return;
  int token = drawFromSlice(slice, target - myBefore, kept.cutKey, myTies, tieMass);
  if (token >= 0 && slice.laneId == 0) finish(slice.batch, draw, token);
}

}  // namespace tracemill
