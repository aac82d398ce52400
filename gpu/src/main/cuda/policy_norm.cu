// How many candidates a compression has to keep for the attention norm (KeepRule.AttentionNorm),
// counted where the scores are: nothing waits for the host.
//   p[q][h][j] = softmax over the rows j < rows - q of scale * query[q][h] . key[j];  q = age of
//   the query, h = query head; square[h][j] = sum over q of p[q][h][j]^2
//   norm(rows) = sum over the heads of a retained set of sqrt(sum over the rows of square[h][j])
//   dropped = as many candidates from the lowest score up (of equal ones the higher row first) as
//   leave 1 - norm(the other rows) / norm(all rows) <= threshold;  fewest = candidates - dropped
//   kept = min(planned, the largest fewest of all layers and sets)
// policy_norm_squares: a CTA takes one page of 64 rows of one (due lane, layer, KV head) as
// policy_attention_columns does; the strips' stats are those of policy_attention_stats over all
// rows, unfolded. A thread has one row and adds up the squares of each head in order of age.
// policy_norm_count: a CTA takes one (retained set, due lane, layer). The loss never falls with the
// number that is dropped, so the last score that may go is found over the bits of the scores (all
// >= 0, so the bits are ordered), one per turn, then the first row to go among equals by halving.
// In each turn a warp adds up one head after the other in float64, strided over its lanes, and the
// warps' sums are added in order: the same numbers in any batch, and never less for more rows.
// policy_norm_decide: a warp takes one due lane; word 3 of the lane becomes the count, kvLen[lane]
// the rows that stay, kept[lane of the launch] goes to the host.
//   squares [numDue][layer][queryHead][maxRows] float, rows of the lane; pooled
//   [numDue][layer][set][2][maxCandidates] as rpc_select leaves it; fewest [numDue][layer][set]
//   int32; due [numDue][8] (rpc_score.cuh); stats [numDue][layer][kvHead][strips][units].
// Shared memory: static, squares 34,560 bytes at d 128, 22,272 at d 64; count 384. Launch: squares
// grid (pages of the longest lane, layers * Hkv, numDue), block 128; count grid (sets, layers,
// numDue), block 1024; decide grid (numDue), block 32. CPU twin: NormKeeper.fewest,
// AttentionShares.addSquares; the least over layers and the plan: Compressor.
#include "policy_score.cuh"

namespace tracemill {

constexpr int kCountThreads = 1024;
constexpr int kCountWarps = kCountThreads / 32;

template <int kHeadDim>
__device__ __forceinline__ void normSquares(const PolicyScore& a, float* squares) {
  __shared__ __align__(16) PolicyTile<kHeadDim> tile;
  __shared__ float offsets[kTileVectors];
  int group = a.numQueryHeads / a.numKvHeads;
  int layer = blockIdx.y / a.numKvHeads;
  int kvHead = blockIdx.y % a.numKvHeads;
  PolicyLane lane = policyLane(a.due, blockIdx.z);
  int start = blockIdx.x * kPageTokens;
  if (start >= lane.rows) return;
  int strips = (lane.rows + kStripRows - 1) / kStripRows;
  const bf16* pool = reinterpret_cast<const bf16*>(a.layerPool[layer]);
  const int* table = a.pageTable + static_cast<long long>(lane.lane) * a.maxPages;
  int agesPerTile = kTileVectors / group;
  int units = a.queries * group;
  long long problem =
      (static_cast<long long>(blockIdx.z) * a.numLayers + layer) * a.numKvHeads + kvHead;
  const float2* stats = a.stats + problem * a.strips * units;
  loadKeys<kHeadDim>(tile, pool + poolRow<kHeadDim>(table[blockIdx.x], 0, a.numKvHeads, kvHead, 0));
  int slot = start + threadIdx.x;
  float sums[kMostGroup];
#pragma unroll
  for (int g = 0; g < kMostGroup; g++) sums[g] = 0.0f;
  for (int firstAge = 0; firstAge < a.queries; firstAge += agesPerTile) {
    int ages = min(agesPerTile, a.queries - firstAge);
    __syncthreads();
    loadQueries<kHeadDim>(tile, a, layer, lane, kvHead, group, firstAge, ages);
    if (threadIdx.x < ages * group) {
      offsets[threadIdx.x] = mergedOffset(stats + firstAge * group + threadIdx.x, strips, units);
    }
    __syncthreads();
    multiplyTile<kHeadDim>(tile, a.scale * kLog2e);
    __syncthreads();
    // A query sees one row less than the next younger one.
    int seeing = threadIdx.x < kPageTokens ? min(ages, lane.rows - slot - firstAge) : 0;
    for (int i = 0; i < seeing; i++) {
#pragma unroll
      for (int g = 0; g < kMostGroup; g++) {
        if (g < group) {
          float share = exp2Fast(tile.z[i * group + g][threadIdx.x] - offsets[i * group + g]);
          sums[g] = fmaf(share, share, sums[g]);
        }
      }
    }
  }
  if (threadIdx.x < kPageTokens && slot < lane.rows) {
#pragma unroll
    for (int g = 0; g < kMostGroup; g++) {
      if (g < group) squares[(problem * group + g) * a.maxRows + slot] = sums[g];
    }
  }
}

struct NormSet {
  const float* squares;   // of the set's first query head, by row of the lane
  const unsigned* ranks;  // bits of the scores, by candidate
  long long stride;
  int heads, first, candidates, rows;

  // Candidates below the rank go, and those of the rank from candidate `tie` on.
  __device__ __forceinline__ bool drops(int j, unsigned rank, int tie) const {
    unsigned own = ranks[j];
    return own < rank || (own == rank && j >= tie);
  }

  // Norm of the rows that do not go; the same value in every thread. All threads take part.
  __device__ double normLeft(unsigned rank, int tie, double* warps) const {
    int warp = threadIdx.x >> 5;
    int laneId = threadIdx.x & 31;
    double norm = 0.0;
    for (int h = warp; h < heads; h += kCountWarps) {
      const float* head = squares + h * stride;
      double sum = 0.0;
      for (int row = laneId; row < first; row += 32) sum += head[row];
#pragma unroll 4
      for (int j = laneId; j < candidates; j += 32) {
        sum += drops(j, rank, tie) ? 0.0f : head[first + j];
      }
      for (int row = first + candidates + laneId; row < rows; row += 32) sum += head[row];
#pragma unroll
      for (int step = 16; step > 0; step >>= 1) sum += __shfl_xor_sync(kFullMask, sum, step);
      norm += sqrt(sum);
    }
    if (laneId == 0) warps[warp] = norm;
    __syncthreads();
    double all = 0.0;
    for (int w = 0; w < kCountWarps; w++) all += warps[w];
    __syncthreads();
    return all;
  }
};

}  // namespace tracemill

#define POLICY_NORM_SQUARES(DIM)                                                                \
  extern "C" __global__ void __launch_bounds__(128) policy_norm_squares_d##DIM(                 \
      const unsigned long long* layerPool, const int* pageTable, const unsigned short* ring,    \
      const int* due, float2* stats, float* squares, int maxPages, int numLanes, int numLayers, \
      int numQueryHeads, int numKvHeads, int ringRows, int queries, int strips, int maxRows,    \
      float scale) {                                                                            \
    tracemill::PolicyScore a{layerPool,                                                         \
                             pageTable,                                                         \
                             ring,                                                              \
                             due,                                                               \
                             stats,                                                             \
                             nullptr,                                                           \
                             maxPages,                                                          \
                             numLanes,                                                          \
                             numLayers,                                                         \
                             numQueryHeads,                                                     \
                             numKvHeads,                                                        \
                             ringRows,                                                          \
                             queries,                                                           \
                             strips,                                                            \
                             maxRows,                                                           \
                             tracemill::kAllRows,                                               \
                             tracemill::kMean,                                                  \
                             scale};                                                            \
    tracemill::normSquares<DIM>(a, squares);                                                    \
  }

POLICY_NORM_SQUARES(64)
POLICY_NORM_SQUARES(128)

extern "C" __global__ void __launch_bounds__(1024)
    policy_norm_count(const float* squares, const float* pooled, const int* due, int* fewest,
                      int numLayers, int numQueryHeads, int numSets, int maxRows, int maxCandidates,
                      double threshold) {
  using namespace tracemill;
  __shared__ double warps[kCountWarps];
  __shared__ int counts[kCountWarps];
  int set = blockIdx.x;
  int layer = blockIdx.y;
  PolicyLane lane = policyLane(due, blockIdx.z);
  int heads = numQueryHeads / numSets;
  long long problem = static_cast<long long>(blockIdx.z) * numLayers + layer;
  long long list = problem * numSets + set;
  NormSet rows{squares + (problem * numQueryHeads + set * heads) * maxRows,
               reinterpret_cast<const unsigned*>(pooled) + (list * 2 + 1) * maxCandidates,
               maxRows,
               heads,
               lane.first,
               lane.candidates,
               lane.rows};
  double full = rows.normLeft(0, lane.candidates, warps);
  // As the CPU compares: what is no number is no loss.
  auto allowed = [&](unsigned rank, int tie) {
    return !(1.0 - rows.normLeft(rank, tie, warps) / full > threshold);
  };
  unsigned rank = 0;
  for (int shift = 31; shift >= 0; shift--) {
    unsigned next = rank | 1u << shift;
    if (allowed(next, lane.candidates)) rank = next;
  }
  int low = 0;
  int tie = lane.candidates;
  while (low < tie) {
    int middle = (low + tie) / 2;
    if (allowed(rank, middle)) {
      tie = middle;
    } else {
      low = middle + 1;
    }
  }
  int kept = 0;
  for (int j = threadIdx.x; j < lane.candidates; j += kCountThreads) {
    kept += !rows.drops(j, rank, tie);
  }
#pragma unroll
  for (int step = 16; step > 0; step >>= 1) kept += __shfl_xor_sync(kFullMask, kept, step);
  if ((threadIdx.x & 31) == 0) counts[threadIdx.x >> 5] = kept;
  __syncthreads();
  if (threadIdx.x == 0) {
    int all = 0;
    for (int w = 0; w < kCountWarps; w++) all += counts[w];
    fewest[list] = all;
  }
}

extern "C" __global__ void __launch_bounds__(32)
    policy_norm_decide(const int* fewest, int* due, int* kvLen, int* kept, int setsOfLane) {
  using namespace tracemill;
  const int* mine = fewest + static_cast<long long>(blockIdx.x) * setsOfLane;
  int most = 0;
  for (int i = threadIdx.x; i < setsOfLane; i += 32) most = max(most, mine[i]);
#pragma unroll
  for (int step = 16; step > 0; step >>= 1)
    most = max(most, __shfl_xor_sync(kFullMask, most, step));
  if (threadIdx.x == 0) {
    int* words = due + blockIdx.x * kDueWords;
    int stay = min(words[3], most);
    words[3] = stay;
    kvLen[words[0]] = words[1] + stay + words[4];
    kept[blockIdx.x] = stay;
  }
}
