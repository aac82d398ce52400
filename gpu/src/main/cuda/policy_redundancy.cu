// Redundancy of the unprotected rows of due lanes (ScoreRule.SIMILAR), per KV head, without holding
// the matrix of cosines.
//   c[i][j] = key[i] . key[j] / (|key[i]| |key[j]|), 0 for i = j and for j = the latest row with
//   c[i][j] > 0.5 mean[j] = sum over i of c[i][j] / rows;  redundancy = softmax of mean
// The matrix is symmetric, so the sum over a column is the sum over its row, less the entries that
// other rows struck out of it: policy_redundancy_rows: a CTA takes 32 rows (half a page) of one
// (due lane, layer, KV head) against all pages in order; four threads
//   per row keep (sum, latest similar row, its cosine) of 16 columns each.
// policy_redundancy_softmax: a CTA takes one (due lane, layer, KV head); struck-out entries are
// added up as 64-bit fixed-point
//   numbers (2^-40), so that the order of the atomic additions does not matter; sums become the
//   softmax in place.
// sums, cosines [numDue][layer][kvHead][maxRows] float, latest the same in int32, struck the same
// in int64; by row of the lane. Shared memory: static, 34,816 bytes at d 128. Launch: rows grid (2
// * pages of the longest lane, layers * Hkv, numDue), block 128; softmax grid (layers * Hkv,
// numDue), block 1024. CPU twin: Redundancy.
#include "policy_block.cuh"
#include "policy_score.cuh"

namespace tracemill {

constexpr float kSimilar = 0.5f;
constexpr float kLeastLength = 1.0e-8f;
constexpr double kFixedPoint = 1099511627776.0;  // 2^40
constexpr int kSoftmaxThreads = 1024;

template <int kHeadDim>
__device__ __forceinline__ float squares(const bf16* row, int from, int to) {
  float sum = 0.0f;
  for (int d = from; d < to; d++) {
    float x = bf16ToFloat(row[d]);
    sum = fmaf(x, x, sum);
  }
  return sum;
}

template <int kHeadDim>
__device__ __forceinline__ void redundancyRows(const PolicyScore& a, float* sums, int* latest,
                                               float* cosines) {
  __shared__ __align__(16) PolicyTile<kHeadDim> tile;
  __shared__ float inverse[kPageTokens];
  constexpr int kPieces = kHeadDim / 8;
  int layer = blockIdx.y / a.numKvHeads;
  int kvHead = blockIdx.y % a.numKvHeads;
  PolicyLane lane = policyLane(a.due, blockIdx.z);
  int rowStart = blockIdx.x * kTileVectors;
  if (rowStart >= lane.rows || rowStart + kTileVectors <= lane.first) return;
  const bf16* pool = reinterpret_cast<const bf16*>(a.layerPool[layer]);
  const int* table = a.pageTable + static_cast<long long>(lane.lane) * a.maxPages;
  const bf16* own = pool + poolRow<kHeadDim>(table[rowStart / kPageTokens], 0, a.numKvHeads, kvHead,
                                             rowStart % kPageTokens);
  for (int i = threadIdx.x; i < kTileVectors * kPieces; i += kPolicyThreads) {
    copyRow<kHeadDim>(tile.vectors[i / kPieces], own + i / kPieces * kHeadDim, i % kPieces);
  }
  __syncthreads();
  int vector = threadIdx.x / 4;
  int quarter = threadIdx.x % 4;
  float length =
      squares<kHeadDim>(tile.vectors[vector], quarter * kHeadDim / 4, (quarter + 1) * kHeadDim / 4);
  length += __shfl_xor_sync(kFullMask, length, 1);
  length += __shfl_xor_sync(kFullMask, length, 2);
  float ownInverse = 1.0f / (sqrtf(length) + kLeastLength);
  int self = rowStart + vector;
  float sum = 0.0f;
  int newest = -1;
  float newestCosine = 0.0f;
  for (int start = lane.first / kPageTokens * kPageTokens; start < lane.rows;
       start += kPageTokens) {
    __syncthreads();
    loadKeys<kHeadDim>(
        tile, pool + poolRow<kHeadDim>(table[start / kPageTokens], 0, a.numKvHeads, kvHead, 0));
    __syncthreads();
    float half = squares<kHeadDim>(tile.keys[threadIdx.x / 2], threadIdx.x % 2 * kHeadDim / 2,
                                   (threadIdx.x % 2 + 1) * kHeadDim / 2);
    half += __shfl_xor_sync(kFullMask, half, 1);
    if (threadIdx.x % 2 == 0) inverse[threadIdx.x / 2] = 1.0f / (sqrtf(half) + kLeastLength);
    multiplyTile<kHeadDim>(tile, 1.0f);
    __syncthreads();
    for (int i = 0; i < 16; i++) {
      int column = quarter * 16 + i;
      int slot = start + column;
      if (slot < lane.first || slot >= lane.rows || slot == self) continue;
      float cosine = tile.z[vector][column] * ownInverse * inverse[column];
      sum += cosine;
      if (cosine > kSimilar) {
        newest = slot;
        newestCosine = cosine;
      }
    }
  }
#pragma unroll
  for (int step = 1; step <= 2; step <<= 1) {
    sum += __shfl_xor_sync(kFullMask, sum, step);
    int other = __shfl_xor_sync(kFullMask, newest, step);
    float otherCosine = __shfl_xor_sync(kFullMask, newestCosine, step);
    if (other > newest) {
      newest = other;
      newestCosine = otherCosine;
    }
  }
  if (quarter == 0 && self >= lane.first && self < lane.rows) {
    long long problem =
        (static_cast<long long>(blockIdx.z) * a.numLayers + layer) * a.numKvHeads + kvHead;
    sums[problem * a.maxRows + self] = sum;
    latest[problem * a.maxRows + self] = newest;
    cosines[problem * a.maxRows + self] = newestCosine;
  }
}

}  // namespace tracemill

#define POLICY_REDUNDANCY_ROWS(DIM)                                                            \
  extern "C" __global__ void __launch_bounds__(128) policy_redundancy_rows_d##DIM(             \
      const unsigned long long* layerPool, const int* pageTable, const int* due, float* sums,  \
      int* latest, float* cosines, int maxPages, int numLayers, int numKvHeads, int maxRows) { \
    tracemill::PolicyScore a{};                                                                \
    a.layerPool = layerPool;                                                                   \
    a.pageTable = pageTable;                                                                   \
    a.due = due;                                                                               \
    a.maxPages = maxPages;                                                                     \
    a.numLayers = numLayers;                                                                   \
    a.numKvHeads = numKvHeads;                                                                 \
    a.maxRows = maxRows;                                                                       \
    tracemill::redundancyRows<DIM>(a, sums, latest, cosines);                                  \
  }

POLICY_REDUNDANCY_ROWS(64)
POLICY_REDUNDANCY_ROWS(128)

extern "C" __global__ void __launch_bounds__(1024)
    policy_redundancy_softmax(const int* due, float* sums, const int* latest, const float* cosines,
                              unsigned long long* struck, int numLayers, int numKvHeads,
                              int maxRows) {
  using namespace tracemill;
  __shared__ float warps[32];
  PolicyLane lane = policyLane(due, blockIdx.y);
  long long at =
      (static_cast<long long>(blockIdx.y) * numLayers * numKvHeads + blockIdx.x) * maxRows;
  for (int row = lane.first + threadIdx.x; row < lane.rows; row += kSoftmaxThreads)
    struck[at + row] = 0;
  __syncthreads();
  for (int row = lane.first + threadIdx.x; row < lane.rows; row += kSoftmaxThreads) {
    int newest = latest[at + row];
    if (newest >= 0) {
      atomicAdd(struck + at + newest,
                static_cast<unsigned long long>(__double2ll_rn(cosines[at + row] * kFixedPoint)));
    }
  }
  __threadfence_block();
  __syncthreads();
  float count = static_cast<float>(lane.rows - lane.first);
  float most = negativeInfinity();
  for (int row = lane.first + threadIdx.x; row < lane.rows; row += kSoftmaxThreads) {
    double out =
        static_cast<double>(static_cast<long long>(__ldcg(struck + at + row))) / kFixedPoint;
    float mean = (sums[at + row] - static_cast<float>(out)) / count;
    sums[at + row] = mean;
    most = fmaxf(most, mean);
  }
  most = blockReduce<true>(most, warps);
  float sum = 0.0f;
  for (int row = lane.first + threadIdx.x; row < lane.rows; row += kSoftmaxThreads) {
    float e = exp2Fast((sums[at + row] - most) * kLog2e);
    sums[at + row] = e;
    sum += e;
  }
  sum = blockReduce<false>(sum, warps);
  for (int row = lane.first + threadIdx.x; row < lane.rows; row += kSoftmaxThreads)
    sums[at + row] /= sum;
}
