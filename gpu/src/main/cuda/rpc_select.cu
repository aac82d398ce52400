// RPC: mean over heads, average pooling, exact top-n and the ascending list of kept cache slots
// (steps 4 to 6 of the score).
//   s[j]  = (score[h0][j] + score[h0+1][j] + ...) / (heads * group), KV heads ascending, fp32
//   p[j]  = (s[j-k/2] + ... + s[j+k/2]) / k, k odd, terms ascending, zeros outside, always divided
//       by k
//   kept  = the n largest p, ties to the lower j; slots[i] = first + j ascending; cut = the
//       smallest kept p (n = 0: +inf)
//   scores [numDue][layer][kvHead][maxCandidates] fp32 (rpc_score.cu), due [numDue][8]
//       (rpc_score.cuh)
//   lists: listsPerLayer = 1 (all KV heads share a list) or Hkv (one per KV head, "group")
//   slots [numDue][layer][list][maxKept] int32, cut [numDue][layer][list] fp32,
//   scratch [numDue][layer][list][2][maxCandidates] fp32 (s, then p, which stays for inspection)
// One CTA per list. The n-th largest is found over the bits of p (all >= 0, so the bits are
// ordered), two bits per turn, by counting; then one ordered scan writes the list. p stands in
// shared memory when it fits (`sharedScores` floats).
// Launch: grid (layers * listsPerLayer, numDue), block 1024, dynamic shared memory 4 * sharedScores
// bytes (0 is allowed).
// CPU twin: pooling and selection of the CPU backend: equal lists for equal scores, bit for bit.
#include "rpc_score.cuh"

namespace tracemill {

constexpr int kSelectThreads = 1024;
constexpr int kSelectWarps = kSelectThreads / 32;

// Sum over the CTA of three counts; the result is the same in every thread.
__device__ __forceinline__ int3 blockSum3(int3 v, int3* warpSums) {
#pragma unroll
  for (int step = 16; step > 0; step >>= 1) {
    v.x += __shfl_xor_sync(kFullMask, v.x, step);
    v.y += __shfl_xor_sync(kFullMask, v.y, step);
    v.z += __shfl_xor_sync(kFullMask, v.z, step);
  }
  if ((threadIdx.x & 31) == 0) warpSums[threadIdx.x >> 5] = v;
  __syncthreads();
  v = warpSums[threadIdx.x & 31];
#pragma unroll
  for (int step = 16; step > 0; step >>= 1) {
    v.x += __shfl_xor_sync(kFullMask, v.x, step);
    v.y += __shfl_xor_sync(kFullMask, v.y, step);
    v.z += __shfl_xor_sync(kFullMask, v.z, step);
  }
  __syncthreads();
  return v;
}

}  // namespace tracemill

extern "C" __global__ void __launch_bounds__(1024)
    rpc_select(const float* scores, const int* due, float* scratch, int* slots, float* cut,
               int numLayers, int numKvHeads, int group, int listsPerLayer, int poolingKernel,
               int maxCandidates, int maxKept, int sharedScores) {
  using namespace tracemill;
  extern __shared__ __align__(16) float selectShared[];
  __shared__ int3 warpSums[kSelectWarps];
  __shared__ int2 warpCounts[kSelectWarps];
  int list = blockIdx.x % listsPerLayer;
  int layer = blockIdx.x / listsPerLayer;
  const int* record = due + blockIdx.y * kDueWords;
  int first = record[1];
  int candidates = record[2];
  int kept = record[3];
  int heads = numKvHeads / listsPerLayer;
  long long problem = static_cast<long long>(blockIdx.y) * numLayers + layer;
  long long listIndex = problem * listsPerLayer + list;
  const float* source = scores + (problem * numKvHeads + list * heads) * maxCandidates;
  float* mean = scratch + listIndex * 2 * maxCandidates;
  float* pooled = mean + maxCandidates;
  int* out = slots + listIndex * maxKept;
  float divisor = static_cast<float>(heads * group);
  for (int j = threadIdx.x; j < candidates; j += kSelectThreads) {
    float sum = 0.0f;
    for (int h = 0; h < heads; h++)
      sum = __fadd_rn(sum, source[static_cast<long long>(h) * maxCandidates + j]);
    mean[j] = __fdiv_rn(sum, divisor);
  }
  __syncthreads();
  bool staged = candidates <= sharedScores;
  int half = poolingKernel / 2;
  for (int j = threadIdx.x; j < candidates; j += kSelectThreads) {
    float sum = 0.0f;
    for (int i = max(0, j - half); i <= min(candidates - 1, j + half); i++)
      sum = __fadd_rn(sum, mean[i]);
    float p = __fdiv_rn(sum, static_cast<float>(poolingKernel));
    pooled[j] = p;
    if (staged) selectShared[j] = p;
  }
  __syncthreads();
  const unsigned* bits = reinterpret_cast<const unsigned*>(staged ? selectShared : pooled);

  // Largest threshold t with at least `kept` scores >= t, two bits at a time from the top; it is
  // the n-th largest score.
  unsigned threshold = 0;
  for (int shift = 30; shift >= 0; shift -= 2) {
    unsigned t1 = threshold | 1u << shift;
    unsigned t2 = threshold | 2u << shift;
    unsigned t3 = threshold | 3u << shift;
    int3 count = make_int3(0, 0, 0);
    for (int j = threadIdx.x; j < candidates; j += kSelectThreads) {
      unsigned b = bits[j];
      count.x += b >= t1;
      count.y += b >= t2;
      count.z += b >= t3;
    }
    count = blockSum3(count, warpSums);
    if (count.z >= kept) {
      threshold = t3;
    } else if (count.y >= kept) {
      threshold = t2;
    } else if (count.x >= kept) {
      threshold = t1;
    }
  }
  int3 above = make_int3(0, 0, 0);
  for (int j = threadIdx.x; j < candidates; j += kSelectThreads) above.x += bits[j] > threshold;
  above = blockSum3(above, warpSums);
  int tiesKept = kept - above.x;
  int warp = threadIdx.x >> 5;
  int laneId = threadIdx.x & 31;
  int writtenAbove = 0;
  int seenTies = 0;
  for (int base = 0; base < candidates; base += kSelectThreads) {
    int j = base + threadIdx.x;
    unsigned b = j < candidates ? bits[j] : 0u;
    bool isAbove = j < candidates && b > threshold;
    bool isTie = j < candidates && b == threshold;
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
      out[aboveBefore + min(tiesBefore, tiesKept)] = first + j;
    }
    writtenAbove += __shfl_sync(kFullMask, end.x, 31);
    seenTies += __shfl_sync(kFullMask, end.y, 31);
    __syncthreads();
  }
  if (threadIdx.x == 0) {
    cut[listIndex] = kept > 0 ? __uint_as_float(threshold) : __int_as_float(0x7f800000);
  }
}
