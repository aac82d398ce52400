// Selection among at most 12,288 candidates (rpc_select.cu): a thread keeps its 12 scores in
// registers. A turn of the search is one warp sum and one barrier; once at most 1,024 scores agree
// with the bits found so far, these alone are counted, one per thread and one bit per barrier. The
// scan that writes the list has two barriers.
// Shared memory: `words`, kSelectWords of them, and the scores themselves for the pooling.
#pragma once

#include "rpc_select.cuh"

namespace tracemill {

// Counts of scores while the bits of the n-th largest are found: of those that reach the bits so
// far, and of those that lie above every score that begins with them.
struct Reach {
  int reached;
  int above;

  // What is left after a turn of raise(), by the choice that it makes.
  __device__ __forceinline__ void narrow(int3 count, int kept) {
    if (count.z >= kept) {
      reached = count.z;
    } else if (count.y >= kept) {
      reached = count.y;
      above = count.z;
    } else if (count.x >= kept) {
      reached = count.x;
      above = count.y;
    } else {
      above = count.x;
    }
  }
};

// Puts the scores that begin with the bits of `threshold` above bit shift + 1, in any order, into
// `near`, and returns one to each thread (0, which reaches no threshold, to those that get none).
__device__ __forceinline__ unsigned gatherNear(const unsigned (&bits)[kHeldScores], int candidates,
                                               unsigned threshold, int shift, int count, int* near,
                                               int* next) {
  int laneId = threadIdx.x & 31;
  unsigned masks[kHeldScores];
  int ofWarp = 0;
#pragma unroll
  for (int k = 0; k < kHeldScores; k++) {
    bool inside = k * kSelectThreads + static_cast<int>(threadIdx.x) < candidates;
    masks[k] = __ballot_sync(kFullMask, inside && (bits[k] - threshold) >> shift < 4);
    ofWarp += __popc(masks[k]);
  }
  int place = laneId == 0 && ofWarp > 0 ? atomicAdd(next, ofWarp) : 0;
  place = __shfl_sync(kFullMask, place, 0);
  unsigned lane = 1u << laneId;
#pragma unroll
  for (int k = 0; k < kHeldScores; k++) {
    if (masks[k] & lane) near[place + __popc(masks[k] & (lane - 1))] = static_cast<int>(bits[k]);
    place += __popc(masks[k]);
  }
  __syncthreads();
  return static_cast<int>(threadIdx.x) < count ? static_cast<unsigned>(near[threadIdx.x]) : 0u;
}

// The list of candidates whose scores fit the registers; returns the bits of the n-th largest.
__device__ __forceinline__ unsigned selectHeld(const Selection& a, float* shared, int* words) {
  int* near = words + kHeldScores * kSelectWarps;
  int* next = near + kSelectThreads;
  if (threadIdx.x == 0) *next = 0;
  meanOverHeads(a, shared);
  __syncthreads();
  int warp = threadIdx.x >> 5;
  int laneId = threadIdx.x & 31;
  unsigned bits[kHeldScores];
#pragma unroll
  for (int k = 0; k < kHeldScores; k++) {
    int j = k * kSelectThreads + threadIdx.x;
    bits[k] = 0;
    if (j < a.candidates) {
      float p = pool(a, shared, j);
      a.pooled[j] = p;
      bits[k] = __float_as_uint(p);
    }
  }

  // A warp counts at most 32 * 12 scores: three counts of 10 bits in a word. The words of two turns
  // are apart, so that one barrier per turn is enough.
  unsigned threshold = 0;
  Reach reach{a.candidates, 0};
  int shift = 30;
  for (; shift >= 0 && reach.reached - reach.above > kSelectThreads; shift -= 2) {
    // b >= t is the sign of t - 1 - b, as both are below 2^31 (a larger t is reached by none).
    unsigned below1 = (threshold | 1u << shift) - 1;
    unsigned below2 = (threshold | 2u << shift) - 1;
    unsigned below3 = min(threshold | 3u << shift, 0x80000000u) - 1;
    unsigned count1 = 0;
    unsigned count2 = 0;
    unsigned count3 = 0;
#pragma unroll
    for (int k = 0; k < kHeldScores; k++) {
      if (k * kSelectThreads < a.candidates) {
        count1 += (below1 - bits[k]) >> 31;
        count2 += (below2 - bits[k]) >> 31;
        count3 += (below3 - bits[k]) >> 31;
      }
    }
    unsigned counts = count1 | count2 << 10 | count3 << 20;
    counts = __reduce_add_sync(kFullMask, counts);
    int* turn = words + (shift >> 1 & 1) * kSelectWarps;
    if (laneId == 0) turn[warp] = static_cast<int>(counts);
    __syncthreads();
    unsigned ofWarp = static_cast<unsigned>(turn[laneId]);
    unsigned low = __reduce_add_sync(kFullMask, (ofWarp & 0x3ffu) | (ofWarp >> 10 & 0x3ffu) << 16);
    unsigned high = __reduce_add_sync(kFullMask, ofWarp >> 20);
    int3 count = make_int3(static_cast<int>(low & 0xffffu), static_cast<int>(low >> 16),
                           static_cast<int>(high));
    threshold = raise(threshold, shift, count, a.kept);
    reach.narrow(count, a.kept);
  }
  if (shift >= 0) {
    unsigned score =
        gatherNear(bits, a.candidates, threshold, shift, reach.reached - reach.above, near, next);
    for (int bit = shift + 1; bit >= 0; bit--) {
      unsigned raised = threshold | 1u << bit;
      if (reach.above + __syncthreads_count(score >= raised) >= a.kept) threshold = raised;
    }
  }

  // Counts of (above, equal) by turn and warp, 16 bits each, then their exclusive prefix sums.
  __syncthreads();
#pragma unroll
  for (int k = 0; k < kHeldScores; k++) {
    bool inside = k * kSelectThreads + threadIdx.x < a.candidates;
    int above = __popc(__ballot_sync(kFullMask, inside && bits[k] > threshold));
    int equal = __popc(__ballot_sync(kFullMask, inside && bits[k] == threshold));
    if (laneId == 0) words[k * kSelectWarps + warp] = above | equal << 16;
  }
  __syncthreads();
  // Every warp makes the sums that it needs: lane l sums words 12 l ... 12 l + 11; then lane k has
  // what stands before this warp's word of turn k.
  int mine = 0;
#pragma unroll
  for (int k = 0; k < kHeldScores; k++) mine += words[laneId * kHeldScores + k];
  int end = mine;
#pragma unroll
  for (int step = 1; step < 32; step <<= 1) {
    int other = __shfl_up_sync(kFullMask, end, step);
    if (laneId >= step) end += other;
  }
  int tiesKept = a.kept - (__shfl_sync(kFullMask, end, 31) & 0xffff);
  int word = min(laneId, kHeldScores - 1) * kSelectWarps + warp;
  int beforeWord = __shfl_sync(kFullMask, end - mine, word / kHeldScores);
  for (int i = word / kHeldScores * kHeldScores; i < word; i++) beforeWord += words[i];
  unsigned lower = (1u << laneId) - 1;
#pragma unroll
  for (int k = 0; k < kHeldScores; k++) {
    if (k * kSelectThreads >= a.candidates) break;
    int before = __shfl_sync(kFullMask, beforeWord, k);
    int j = k * kSelectThreads + threadIdx.x;
    bool isAbove = j < a.candidates && bits[k] > threshold;
    bool isTie = j < a.candidates && bits[k] == threshold;
    int aboveBefore = (before & 0xffff) + __popc(__ballot_sync(kFullMask, isAbove) & lower);
    int tiesBefore = (before >> 16) + __popc(__ballot_sync(kFullMask, isTie) & lower);
    if (isAbove || (isTie && tiesBefore < tiesKept)) {
      a.out[aboveBefore + min(tiesBefore, tiesKept)] = a.first + j;
    }
  }
  return threshold;
}

}  // namespace tracemill
