// What candidates are ranked by, for policies other than RPC, from shares (policy_attention.cu) and
// redundancy (policy_redundancy.cu). policy_rank: a CTA takes one (retained set, due lane, layer),
// as the rule says (ScoreRule; m = mean over the set's KV heads):
//   0 recent       m, or the largest of poolingKernel neighbours where smoothing is 1 (an average
//   is left to rpc_select) 1 accumulated  stored += queries * m; rank stored 2 importance   lambda
//   * (0) - (1 - lambda) * redundancy;               rank toRank of it 3 stored max   stored =
//   max(decay * stored, m / max m);  (1 - w) * stored - w * redundancy / max redundancy; rank
//   toRank of it 4 chunk mean   queries * m averaged over chunks of chunkRows 5 newest       j 6
//   random       Philox4x32-10(key = seed[lane], counter = (j, position, layer * sets + set,
//   1)).word0 >> 8, times 2^-24
// Ranks 2 and 3 may be negative: toRank (policy_score.cuh) keeps their order; policy_unrank turns
// the lowest kept one back. policy_move_scores: stored scores go where their rows go; in place,
// source slots ascend and are not below their targets. shares, redundancy
// [numDue][layer][kvHead][maxRows]; stored [lane][layer * sets + set, room for layers *
// Hkv][laneRows]; ranks [numDue][layer][set][maxCandidates]; slots as rpc_select writes them; cuts
// [n]. Word 6 of a due lane: rows with a stored score; word 7: its next position. The shares of a
// set's first head are overwritten with m. Shared memory: static, 128 bytes. Launch: rank and move
// grid (sets, layers, numDue), block 1024; unrank grid (ceil(n / 256)), block 256. CPU twin:
// CandidateScores.rank, RowScores.moveTogether.
#include "policy_draw.cuh"
#include "policy_score.cuh"

namespace tracemill {

constexpr int kRankThreads = 1024;

enum RankMode { kRecent, kAccumulated, kImportance, kStoredMaximum, kChunks, kNewest, kRandom };

// Maximum over the block, at least 0, the same in every thread.
__device__ __forceinline__ float blockMaximum(float x, float* warps) {
#pragma unroll
  for (int step = 16; step > 0; step >>= 1) x = fmaxf(x, __shfl_xor_sync(kFullMask, x, step));
  if ((threadIdx.x & 31) == 0) warps[threadIdx.x >> 5] = x;
  __syncthreads();
  x = warps[threadIdx.x & 31];
#pragma unroll
  for (int step = 16; step > 0; step >>= 1) x = fmaxf(x, __shfl_xor_sync(kFullMask, x, step));
  __syncthreads();
  return x;
}

// Stored scores of one set; a lane has room for a set per KV head.
__device__ __forceinline__ float* storedScores(float* stored, int lane, int layer, int set,
                                               int numLayers, int numKvHeads, int numSets,
                                               int laneRows) {
  long long laneSets = static_cast<long long>(lane) * numLayers * numKvHeads;
  return stored + (laneSets + layer * numSets + set) * laneRows;
}

struct RankSet {
  const float* first;  // of the set's first KV head, by row of the lane
  long long stride;
  int heads;

  __device__ __forceinline__ float mean(int row) const {
    float sum = 0.0f;
    for (int h = 0; h < heads; h++) sum += first[h * stride + row];
    return sum / static_cast<float>(heads);
  }
};

__device__ __forceinline__ float largestNear(const float* values, int j, int count, int kernel) {
  float most = values[j];
  for (int i = max(0, j - kernel / 2); i <= min(count - 1, j + kernel / 2); i++)
    most = fmaxf(most, values[i]);
  return most;
}

}  // namespace tracemill

extern "C" __global__ void __launch_bounds__(1024)
    policy_rank(float* shares, const float* redundancy, float* stored,
                const unsigned long long* seeds, const int* due, float* ranks, int numLayers,
                int numKvHeads, int numSets, int maxRows, int maxCandidates, int laneRows, int mode,
                int queries, int smoothing, int poolingKernel, int chunkRows, float weight,
                float decay) {
  using namespace tracemill;
  __shared__ float warps[32];
  int set = blockIdx.x;
  int layer = blockIdx.y;
  PolicyLane lane = policyLane(due, blockIdx.z);
  int storedRows = due[blockIdx.z * kDueWords + 6];
  int position = due[blockIdx.z * kDueWords + 7];
  int heads = numKvHeads / numSets;
  long long problem = static_cast<long long>(blockIdx.z) * numLayers + layer;
  float* out = ranks + (problem * numSets + set) * maxCandidates;
  if (mode == kNewest || mode == kRandom) {
    unsigned long long seed = mode == kRandom ? seeds[lane.lane] : 0;
    for (int j = threadIdx.x; j < lane.candidates; j += kRankThreads) {
      out[j] = mode == kNewest
                   ? static_cast<float>(j)
                   : static_cast<float>(policyWord(seed, j, position, layer * numSets + set) >> 8) *
                         5.9604644775390625e-8f;
    }
    return;
  }
  long long firstHead = (problem * numKvHeads + set * heads) * maxRows;
  float* m = shares + firstHead;
  RankSet attention{m, maxRows, heads};
  RankSet repeats{redundancy + firstHead, maxRows, heads};
  float* memory =
      storedScores(stored, lane.lane, layer, set, numLayers, numKvHeads, numSets, laneRows);
  float most = 0.0f;
  for (int row = threadIdx.x; row < lane.rows; row += kRankThreads) {
    float x = attention.mean(row);
    m[row] = x;
    most = fmaxf(most, x);
  }
  __syncthreads();
  const float* candidates = m + lane.first;
  if (mode == kRecent) {
    for (int j = threadIdx.x; j < lane.candidates; j += kRankThreads) {
      out[j] = smoothing == 1 ? largestNear(candidates, j, lane.candidates, poolingKernel)
                              : candidates[j];
    }
  } else if (mode == kAccumulated) {
    for (int row = threadIdx.x; row < lane.rows; row += kRankThreads) {
      float old = row < storedRows ? memory[row] : 0.0f;
      float now = fmaf(static_cast<float>(queries), m[row], old);
      memory[row] = now;
      int j = row - lane.first;
      if (j >= 0 && j < lane.candidates) out[j] = now;
    }
  } else if (mode == kImportance) {
    for (int j = threadIdx.x; j < lane.candidates; j += kRankThreads) {
      float importance = smoothing == 1 ? largestNear(candidates, j, lane.candidates, poolingKernel)
                                        : candidates[j];
      out[j] = toRank(weight * importance - (1.0f - weight) * repeats.mean(lane.first + j));
    }
  } else if (mode == kStoredMaximum) {
    most = blockMaximum(most, warps);
    float mostRepeats = 0.0f;
    for (int row = lane.first + threadIdx.x; row < lane.rows; row += kRankThreads) {
      mostRepeats = fmaxf(mostRepeats, repeats.mean(row));
    }
    mostRepeats = blockMaximum(mostRepeats, warps);
    for (int row = threadIdx.x; row < lane.rows; row += kRankThreads) {
      float old = row < storedRows ? memory[row] : 0.0f;
      float now = fmaxf(decay * old, m[row] / most);
      memory[row] = now;
      int j = row - lane.first;
      if (j >= 0 && j < lane.candidates) {
        out[j] = toRank((1.0f - weight) * now - weight / mostRepeats * repeats.mean(row));
      }
    }
  } else {
    for (int j = threadIdx.x; j < lane.candidates; j += kRankThreads) {
      int from = j / chunkRows * chunkRows;
      int to = min(lane.candidates, from + chunkRows);
      float sum = 0.0f;
      for (int i = from; i < to; i++) sum += static_cast<float>(queries) * candidates[i];
      out[j] = sum / static_cast<float>(to - from);
    }
  }
}

extern "C" __global__ void __launch_bounds__(1024)
    policy_move_scores(float* stored, const int* due, const int* slots, int numLayers,
                       int numKvHeads, int numSets, int maxKept, int laneRows) {
  using namespace tracemill;
  int set = blockIdx.x;
  int layer = blockIdx.y;
  const int* words = due + blockIdx.z * kDueWords;
  PolicyLane lane = policyLane(due, blockIdx.z);
  int kept = words[3];
  int total = kept + words[4];
  const int* sources =
      slots + ((static_cast<long long>(blockIdx.z) * numLayers + layer) * numSets + set) * maxKept;
  float* memory =
      storedScores(stored, lane.lane, layer, set, numLayers, numKvHeads, numSets, laneRows);
  for (int base = 0; base < total; base += kRankThreads) {
    int i = base + threadIdx.x;
    float score = 0.0f;
    if (i < total) score = memory[i < kept ? sources[i] : lane.first + lane.candidates + i - kept];
    __syncthreads();
    if (i < total) memory[lane.first + i] = score;
    __syncthreads();
  }
}

extern "C" __global__ void __launch_bounds__(256) policy_unrank(float* cuts, int count) {
  using namespace tracemill;
  int i = blockIdx.x * 256 + threadIdx.x;
  // Infinity stands for "nothing kept".
  if (i < count && cuts[i] != -negativeInfinity()) cuts[i] = fromRank(cuts[i]);
}
