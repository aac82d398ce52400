// Attention expected of queries to come (ScoreRule.ExpectedAttention, TriAttention), from the
// model's mean queries and the cached keys. Per query head h and rotary pair f, with mean query m
// (complex), mean modulus n, newest position t, distances D = 1, 2, 4, .., 65536, key k as cached:
//   turn = mean over D of exp(i w (t + D)), angles rounded to float32 as the rotary embedding's
//   a = factor * m * turn (a made-up query, as d elements);  rest = factor * (n - |m|)
//   score[h][j] = sum over f of Re(a conj(k[j])) + rest * |k[j]|
//   rank[j] = toRank(mean over the set's heads of (score[h][j] - mean) / deviation), both over the
//   candidates; 0 where all scores are equal
// policy_expected_queries: a CTA takes one (layer, due lane); a thread sums the turns of a pair in
// float64, then all make the queries. policy_expected_scores: a CTA takes one page of 64 keys of
// one (due lane, layer, KV head); two threads per row have the even and the odd pairs and sum them
// in order for all heads of the group. policy_expected_rank: a CTA takes one (retained set, layer,
// due lane); a warp takes one head after the other, its lanes stride over the candidates, sums in
// float64. Nothing depends on other lanes.
//   calibration [layer][queryHead][d/2][3] float (QueryCalibration); frequencies [d/2] float,
//   radians per position; queries [numDue][layer][queryHead][3][d/2] float: a real, a imaginary,
//   rest; scores [numDue][layer][queryHead][maxRows] float, candidates alone are written; ranks
//   [numDue][layer][set][maxCandidates]; due [numDue][8] (policy_score.cuh), word 7: next position.
// Ranks are toRank of the scores, as in policy_rank; policy_unrank turns the lowest kept one back.
// Shared memory: queries 512 bytes; scores 23,552 bytes at d 128, 12,288 at d 64; rank 8 * heads of
// a set (dynamic). Launch: queries grid (layers, numDue), block 128; scores grid (pages of the
// longest lane, layers * Hkv, numDue), block 128; rank grid (sets, layers, numDue), block 1024,
// dynamic shared memory 8 * Hq / sets. CPU twin: ExpectedShares.compute.
#include "policy_score.cuh"

namespace tracemill {

constexpr int kExpectedThreads = 128;
constexpr int kExpectedRankThreads = 1024;
constexpr int kDistances = 17;
constexpr int kMostPairs = 64;
constexpr int kCalibrated = 3;  // real part, imaginary part, modulus

template <int kHeadDim>
__device__ __forceinline__ void expectedScores(const unsigned long long* layerPool,
                                               const int* pageTable, const int* due,
                                               const float* queries, float* scores, int maxPages,
                                               int numLayers, int numQueryHeads, int numKvHeads,
                                               int maxRows) {
  constexpr int kPairs = kHeadDim / 2;
  constexpr int kPieces = kHeadDim / 8;
  __shared__ __align__(16) bf16 keys[kPageTokens][kHeadDim + 8];
  __shared__ float made[kMostGroup * kCalibrated * kPairs];
  int group = numQueryHeads / numKvHeads;
  int layer = blockIdx.y / numKvHeads;
  int kvHead = blockIdx.y % numKvHeads;
  PolicyLane lane = policyLane(due, blockIdx.z);
  int start = blockIdx.x * kPageTokens;
  int end = lane.first + lane.candidates;
  if (start >= end || start + kPageTokens <= lane.first) return;
  long long problem =
      (static_cast<long long>(blockIdx.z) * numLayers + layer) * numKvHeads + kvHead;
  int page = pageTable[static_cast<long long>(lane.lane) * maxPages + blockIdx.x];
  const bf16* source = reinterpret_cast<const bf16*>(layerPool[layer]) +
                       poolRow<kHeadDim>(page, 0, numKvHeads, kvHead, 0);
  for (int i = threadIdx.x; i < kPageTokens * kPieces; i += kExpectedThreads) {
    copyRow<kHeadDim>(keys[i / kPieces], source + i / kPieces * kHeadDim, i % kPieces);
  }
  const float* own = queries + problem * group * kCalibrated * kPairs;
  for (int i = threadIdx.x; i < group * kCalibrated * kPairs; i += kExpectedThreads)
    made[i] = own[i];
  __syncthreads();
  int row = threadIdx.x / 2;
  float sums[kMostGroup];
#pragma unroll
  for (int g = 0; g < kMostGroup; g++) sums[g] = 0.0f;
#pragma unroll 2
  for (int pair = threadIdx.x % 2; pair < kPairs; pair += 2) {
    float real = bf16ToFloat(keys[row][pair]);
    float imaginary = bf16ToFloat(keys[row][pair + kPairs]);
    float modulus = sqrtf(real * real + imaginary * imaginary);
#pragma unroll
    for (int g = 0; g < kMostGroup; g++) {
      if (g < group) {
        const float* query = made + g * kCalibrated * kPairs + pair;
        sums[g] = fmaf(query[0], real, sums[g]);
        sums[g] = fmaf(query[kPairs], imaginary, sums[g]);
        sums[g] = fmaf(query[2 * kPairs], modulus, sums[g]);
      }
    }
  }
  int slot = start + row;
  bool writes = threadIdx.x % 2 == 0 && slot >= lane.first && slot < end;
#pragma unroll
  for (int g = 0; g < kMostGroup; g++) {
    float sum = sums[g] + __shfl_xor_sync(kFullMask, sums[g], 1);
    if (writes && g < group) scores[(problem * group + g) * maxRows + slot] = sum;
  }
}

}  // namespace tracemill

extern "C" __global__ void __launch_bounds__(128)
    policy_expected_queries(const float* calibration, const float* frequencies, const int* due,
                            float* queries, int numLayers, int numQueryHeads, int pairs,
                            float factor) {
  using namespace tracemill;
  __shared__ float turnReal[kMostPairs];
  __shared__ float turnImaginary[kMostPairs];
  int layer = blockIdx.x;
  int newest = due[blockIdx.y * kDueWords + 7] - 1;
  if (threadIdx.x < pairs) {
    double real = 0.0;
    double imaginary = 0.0;
    for (int i = 0; i < kDistances; i++) {
      float angle = static_cast<float>(newest + (1 << i)) * frequencies[threadIdx.x];
      double sine, cosine;
      sincos(static_cast<double>(angle), &sine, &cosine);
      real += cosine;
      imaginary += sine;
    }
    turnReal[threadIdx.x] = static_cast<float>(real / kDistances);
    turnImaginary[threadIdx.x] = static_cast<float>(imaginary / kDistances);
  }
  __syncthreads();
  const float* means =
      calibration + static_cast<long long>(layer) * numQueryHeads * pairs * kCalibrated;
  float* out = queries + (static_cast<long long>(blockIdx.y) * numLayers + layer) * numQueryHeads *
                             pairs * kCalibrated;
  for (int i = threadIdx.x; i < numQueryHeads * pairs; i += kExpectedThreads) {
    int pair = i % pairs;
    float real = means[i * kCalibrated];
    float imaginary = means[i * kCalibrated + 1];
    float modulus = sqrtf(real * real + imaginary * imaginary);
    float* made = out + i / pairs * pairs * kCalibrated + pair;
    made[0] = factor * (real * turnReal[pair] - imaginary * turnImaginary[pair]);
    made[pairs] = factor * (real * turnImaginary[pair] + imaginary * turnReal[pair]);
    made[2 * pairs] = factor * (means[i * kCalibrated + 2] - modulus);
  }
}

#define POLICY_EXPECTED_SCORES(DIM)                                                        \
  extern "C" __global__ void __launch_bounds__(128) policy_expected_scores_d##DIM(         \
      const unsigned long long* layerPool, const int* pageTable, const int* due,           \
      const float* queries, float* scores, int maxPages, int numLayers, int numQueryHeads, \
      int numKvHeads, int maxRows) {                                                       \
    tracemill::expectedScores<DIM>(layerPool, pageTable, due, queries, scores, maxPages,   \
                                   numLayers, numQueryHeads, numKvHeads, maxRows);         \
  }

POLICY_EXPECTED_SCORES(64)
POLICY_EXPECTED_SCORES(128)

extern "C" __global__ void __launch_bounds__(1024)
    policy_expected_rank(const float* scores, const int* due, float* ranks, int numLayers,
                         int numQueryHeads, int numSets, int maxRows, int maxCandidates) {
  using namespace tracemill;
  extern __shared__ float2 expectedMoments[];  // by head: mean, 1 / standard deviation
  int set = blockIdx.x;
  int layer = blockIdx.y;
  PolicyLane lane = policyLane(due, blockIdx.z);
  int heads = numQueryHeads / numSets;
  int laneId = threadIdx.x & 31;
  long long problem = static_cast<long long>(blockIdx.z) * numLayers + layer;
  const float* source = scores + (problem * numQueryHeads + set * heads) * maxRows + lane.first;
  for (int h = threadIdx.x >> 5; h < heads; h += kExpectedRankThreads / 32) {
    const float* head = source + static_cast<long long>(h) * maxRows;
    double sum = 0.0;
    double squares = 0.0;
    for (int j = laneId; j < lane.candidates; j += 32) {
      double score = head[j];
      sum += score;
      squares += score * score;
    }
#pragma unroll
    for (int step = 16; step > 0; step >>= 1) {
      sum += __shfl_xor_sync(kFullMask, sum, step);
      squares += __shfl_xor_sync(kFullMask, squares, step);
    }
    double mean = sum / lane.candidates;
    double variance = squares / lane.candidates - mean * mean;
    float inverse = variance > 0.0 ? static_cast<float>(1.0 / sqrt(variance)) : 0.0f;
    if (laneId == 0) expectedMoments[h] = make_float2(static_cast<float>(mean), inverse);
  }
  __syncthreads();
  float* out = ranks + (problem * numSets + set) * maxCandidates;
  for (int j = threadIdx.x; j < lane.candidates; j += kExpectedRankThreads) {
    float sum = 0.0f;
    // Not unrolled: two entries would be read at once, and the last one may be alone.
#pragma unroll 1
    for (int h = 0; h < heads; h++) {
      float2 moments = expectedMoments[h];
      sum += (source[static_cast<long long>(h) * maxRows + j] - moments.x) * moments.y;
    }
    out[j] = toRank(sum / static_cast<float>(heads));
  }
}
