// Selection among any number of candidates (rpc_select.cu): the scores stand in shared memory or,
// where it does not hold them, in global memory, and are read in every turn of the search and once
// more by the scan that writes the list, 1,024 at a time.
// Shared memory: `words`, of which the first 5 * kSelectWarps are used.
#pragma once

#include "rpc_select.cuh"

namespace tracemill {

// The same for any number of candidates; `shared` is null where shared memory does not hold them.
__device__ __forceinline__ unsigned selectFromMemory(const Selection& a, float* shared,
                                                     int* words) {
  int3* warpSums = reinterpret_cast<int3*>(words);
  int2* warpCounts = reinterpret_cast<int2*>(words + 3 * kSelectWarps);
  meanOverHeads(a, nullptr);
  __syncthreads();
  for (int j = threadIdx.x; j < a.candidates; j += kSelectThreads) {
    float p = pool(a, a.mean, j);
    a.pooled[j] = p;
    if (shared != nullptr) shared[j] = p;
  }
  __syncthreads();
  const unsigned* bits = reinterpret_cast<const unsigned*>(shared != nullptr ? shared : a.pooled);

  // Largest threshold t with at least `kept` scores >= t, two bits at a time from the top; it is
  // the n-th largest score.
  unsigned threshold = 0;
  for (int shift = 30; shift >= 0; shift -= 2) {
    unsigned t1 = threshold | 1u << shift;
    unsigned t2 = threshold | 2u << shift;
    unsigned t3 = threshold | 3u << shift;
    int3 count = make_int3(0, 0, 0);
    for (int j = threadIdx.x; j < a.candidates; j += kSelectThreads) {
      unsigned b = bits[j];
      count.x += b >= t1;
      count.y += b >= t2;
      count.z += b >= t3;
    }
    count = blockSum3(count, warpSums);
    threshold = raise(threshold, shift, count, a.kept);
  }
  int3 above = make_int3(0, 0, 0);
  for (int j = threadIdx.x; j < a.candidates; j += kSelectThreads) above.x += bits[j] > threshold;
  above = blockSum3(above, warpSums);
  int tiesKept = a.kept - above.x;
  int warp = threadIdx.x >> 5;
  int laneId = threadIdx.x & 31;
  int writtenAbove = 0;
  int seenTies = 0;
  for (int base = 0; base < a.candidates; base += kSelectThreads) {
    int j = base + threadIdx.x;
    unsigned b = j < a.candidates ? bits[j] : 0u;
    bool isAbove = j < a.candidates && b > threshold;
    bool isTie = j < a.candidates && b == threshold;
    unsigned aboveMask = __ballot_sync(kFullMask, isAbove);
    unsigned tieMask = __ballot_sync(kFullMask, isTie);
    if (laneId == 0) warpCounts[warp] = make_int2(__popc(aboveMask), __popc(tieMask));
    __syncthreads();
    int2 mine = warpCounts[laneId];
    int2 end = mine;
#pragma unroll
    for (int step = 1; step < 32; step <<= 1) {
      int x = __shfl_up_sync(kFullMask, end.x, step);
      int y = __shfl_up_sync(kFullMask, end.y, step);
      if (laneId >= step) {
        end.x += x;
        end.y += y;
      }
    }
    unsigned lower = (1u << laneId) - 1;
    int aboveBefore =
        writtenAbove + __shfl_sync(kFullMask, end.x - mine.x, warp) + __popc(aboveMask & lower);
    int tiesBefore =
        seenTies + __shfl_sync(kFullMask, end.y - mine.y, warp) + __popc(tieMask & lower);
    if (isAbove || (isTie && tiesBefore < tiesKept)) {
      a.out[aboveBefore + min(tiesBefore, tiesKept)] = a.first + j;
    }
    writtenAbove += __shfl_sync(kFullMask, end.x, 31);
    seenTies += __shfl_sync(kFullMask, end.y, 31);
    __syncthreads();
  }
  return threshold;
}

}  // namespace tracemill
