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
// ordered), two bits per turn, by counting; then one ordered scan writes the list. Up to 12,288
// candidates, if shared memory holds as many floats (`sharedScores`), a thread keeps its 12 scores
// in registers, a turn is one warp sum and one barrier, and the scan two barriers; once at most
// 1,024 scores agree with the bits found so far, these alone are counted, one per thread and one
// bit per barrier. Beyond 12,288 the scores stand in shared or, at last, in global memory and are
// read in every turn. The list is the same either way.
// Launch: grid (layers * listsPerLayer, numDue), block 1024, dynamic shared memory 4 * sharedScores
// bytes (0 is allowed).
// CPU twin: pooling and selection of the CPU backend: equal lists for equal scores, bit for bit.
#include "rpc_score.cuh"

namespace tracemill {

constexpr int kSelectThreads = 1024;
constexpr int kSelectWarps = kSelectThreads / 32;
constexpr int kHeldScores = 12;  // per thread
constexpr int kSelectWords =
    kHeldScores * kSelectWarps + kSelectThreads + 1;  // of static shared memory

struct Selection {
  const float* source;  // scores of the first head
  long long headStride;
  int heads;
  float divisor;
  float* mean;
  float* pooled;
  int* out;
  int first;
  int candidates;
  int kept;
  int poolingKernel;
};

// s of every candidate, into the scratch memory and, where given, into shared memory.
__device__ __forceinline__ void meanOverHeads(const Selection& a, float* shared) {
  constexpr int kAtOnce = 4;
  for (int base = threadIdx.x; base < a.candidates; base += kAtOnce * kSelectThreads) {
    float sum[kAtOnce] = {0.0f, 0.0f, 0.0f, 0.0f};
    const float* scores = a.source + base;
#pragma unroll 4
    for (int h = 0; h < a.heads; h++, scores += a.headStride) {
#pragma unroll
      for (int i = 0; i < kAtOnce; i++) {
        if (base + i * kSelectThreads < a.candidates)
          sum[i] = __fadd_rn(sum[i], __ldcg(scores + i * kSelectThreads));
      }
    }
#pragma unroll
    for (int i = 0; i < kAtOnce; i++) {
      int j = base + i * kSelectThreads;
      if (j < a.candidates) {
        float s = __fdiv_rn(sum[i], a.divisor);
        a.mean[j] = s;
        if (shared != nullptr) shared[j] = s;
      }
    }
  }
}

__device__ __forceinline__ float pool(const Selection& a, const float* mean, int j) {
  int half = a.poolingKernel / 2;
  int end = min(a.candidates - 1, j + half);
  float sum = 0.0f;
  for (int i = max(0, j - half); i <= end; i++) sum = __fadd_rn(sum, mean[i]);
  return __fdiv_rn(sum, static_cast<float>(a.poolingKernel));
}

// Of three thresholds, the next two bits of the n-th largest score set, takes the largest that
// enough scores reach.
__device__ __forceinline__ unsigned raise(unsigned threshold, int shift, int3 count, int kept) {
  if (count.z >= kept) return threshold | 3u << shift;
  if (count.y >= kept) return threshold | 2u << shift;
  if (count.x >= kept) return threshold | 1u << shift;
  return threshold;
}

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

extern "C" __global__ void __launch_bounds__(1024)
    rpc_select(const float* scores, const int* due, float* scratch, int* slots, float* cut,
               int numLayers, int numKvHeads, int group, int listsPerLayer, int poolingKernel,
               int maxCandidates, int maxKept, int sharedScores) {
  using namespace tracemill;
  extern __shared__ __align__(16) float selectShared[];
  __shared__ __align__(16) int words[kSelectWords];
  begin_dependent();
  int list = blockIdx.x % listsPerLayer;
  int layer = blockIdx.x / listsPerLayer;
  const int* record = due + blockIdx.y * kDueWords;
  int heads = numKvHeads / listsPerLayer;
  long long problem = static_cast<long long>(blockIdx.y) * numLayers + layer;
  long long listIndex = problem * listsPerLayer + list;
  float* mean = scratch + listIndex * 2 * maxCandidates;
  Selection a{scores + (problem * numKvHeads + list * heads) * maxCandidates,
              maxCandidates,
              heads,
              static_cast<float>(heads * group),
              mean,
              mean + maxCandidates,
              slots + listIndex * maxKept,
              record[1],
              record[2],
              record[3],
              poolingKernel};
  bool staged = a.candidates <= sharedScores;
  bool held = staged && a.candidates <= kHeldScores * kSelectThreads;
  unsigned threshold = held ? selectHeld(a, selectShared, words)
                            : selectFromMemory(a, staged ? selectShared : nullptr, words);
  if (threadIdx.x == 0) {
    cut[listIndex] = a.kept > 0 ? __uint_as_float(threshold) : __int_as_float(0x7f800000);
  }
}
