// LagKV's score (ScoreRule.LagSpread): how far the channels of a candidate spread, measured by the
// rows that follow, of which as many are read as there are candidates (n).
//   least[c], most[c] = over rows first + n .. first + 2n - 1 of x[row][c]; x is K or V of the head
//   y[j][c]   = (x[first + j][c] - least[c]) / (most[c] - least[c]), 0 where both are equal
//   spread[j] = standard deviation of y[j][.] over the channels, divisor d - 1
//   shares[first + j] = softmax(spread of K)[j] + softmax(spread of V)[j], 0 for the lane's other
//   rows; policy_rank takes the mean over the KV heads of a set.
// policy_lag_spread: a CTA takes one (KV head, layer, due lane), K before V. d / 8 threads hold a
// row, 16 bytes each, so that a turn of the CTA takes 64 rows at d 128 and 128 at d 64. Minima and
// maxima meet in the warp, then over the warps; sums over channels in a butterfly over the row's
// threads; sums over candidates as blockReduce orders them. Nothing depends on other lanes.
// Reference rows past the lane's end, which no plan of the policy has, are not read.
// shares, spreads [numDue][layer][kvHead][maxRows], spreads as working space. Shared memory:
// static, 32,896 bytes at d 128, 16,512 at d 64. Launch: grid (Hkv, layers, numDue), block 1024.
// CPU twin: LagSpreads.
#include "policy_block.cuh"
#include "policy_score.cuh"

namespace tracemill {

constexpr int kSpreadThreads = 1024;
constexpr int kSpreadWarps = kSpreadThreads / 32;
constexpr int kPieceChannels = 8;

struct LagSpread {
  const unsigned long long* layerPool;  // [layers] device addresses
  const int* pageTable;                 // [lane][maxPages]
  const int* due;                       // [numDue][8]
  float* shares;
  float* spreads;
  int maxPages;
  int numLayers;
  int numKvHeads;
  int maxRows;
};

// Smallest and largest element of each channel, by warp; then in place of the first warp's the
// smallest, and 1 / (largest - smallest) or 0.
template <int kHeadDim>
struct ChannelBounds {
  float least[kSpreadWarps][kHeadDim];
  float most[kSpreadWarps][kHeadDim];
};

// Rows of one lane, layer and head, K or V, in pieces of 8 channels.
template <int kHeadDim>
struct RowPieces {
  const bf16* pool;
  const int* table;
  int numKvHeads, kvHead, keyOrValue, piece;

  __device__ __forceinline__ void load(int slot, float (&x)[kPieceChannels]) const {
    const bf16* row = pool + poolRow<kHeadDim>(table[slot / kPageTokens], keyOrValue, numKvHeads,
                                               kvHead, slot % kPageTokens);
    uint4 words = __ldg(reinterpret_cast<const uint4*>(row) + piece);
    x[0] = low(words.x), x[1] = high(words.x), x[2] = low(words.y), x[3] = high(words.y);
    x[4] = low(words.z), x[5] = high(words.z), x[6] = low(words.w), x[7] = high(words.w);
  }
};

// Bounds of rows [from, to); every thread of the CTA takes part.
template <int kHeadDim>
__device__ __forceinline__ void channelBounds(ChannelBounds<kHeadDim>& bounds,
                                              const RowPieces<kHeadDim>& rows, int from, int to) {
  constexpr int kPieces = kHeadDim / kPieceChannels;
  float least[kPieceChannels];
  float most[kPieceChannels];
#pragma unroll
  for (int c = 0; c < kPieceChannels; c++) {
    least[c] = -negativeInfinity();
    most[c] = negativeInfinity();
  }
  for (int slot = from + threadIdx.x / kPieces; slot < to; slot += kSpreadThreads / kPieces) {
    float x[kPieceChannels];
    rows.load(slot, x);
#pragma unroll
    for (int c = 0; c < kPieceChannels; c++) {
      least[c] = fminf(least[c], x[c]);
      most[c] = fmaxf(most[c], x[c]);
    }
  }
  int warp = threadIdx.x / 32;
#pragma unroll
  for (int c = 0; c < kPieceChannels; c++) {
#pragma unroll
    for (int step = kPieces; step < 32; step <<= 1) {
      least[c] = fminf(least[c], __shfl_xor_sync(kFullMask, least[c], step));
      most[c] = fmaxf(most[c], __shfl_xor_sync(kFullMask, most[c], step));
    }
    if (threadIdx.x % 32 < kPieces) {
      bounds.least[warp][rows.piece * kPieceChannels + c] = least[c];
      bounds.most[warp][rows.piece * kPieceChannels + c] = most[c];
    }
  }
  __syncthreads();
  if (threadIdx.x < kHeadDim) {
    float smallest = bounds.least[0][threadIdx.x];
    float largest = bounds.most[0][threadIdx.x];
    for (int w = 1; w < kSpreadWarps; w++) {
      smallest = fminf(smallest, bounds.least[w][threadIdx.x]);
      largest = fmaxf(largest, bounds.most[w][threadIdx.x]);
    }
    float range = largest - smallest;
    bounds.least[0][threadIdx.x] = smallest;
    bounds.most[0][threadIdx.x] = range > 0.0f ? 1.0f / range : 0.0f;
  }
  __syncthreads();
}

// Sum over the threads that hold one row; all of them get it.
template <int kHeadDim>
__device__ __forceinline__ float rowSum(float x) {
#pragma unroll
  for (int step = 1; step < kHeadDim / kPieceChannels; step <<= 1)
    x += __shfl_xor_sync(kFullMask, x, step);
  return x;
}

template <int kHeadDim>
__device__ __forceinline__ void lagSpread(const LagSpread& a) {
  constexpr int kPieces = kHeadDim / kPieceChannels;
  constexpr int kRowsPerTurn = kSpreadThreads / kPieces;
  __shared__ ChannelBounds<kHeadDim> bounds;
  __shared__ float warps[kSpreadWarps];
  int kvHead = blockIdx.x;
  int layer = blockIdx.y;
  int thread = threadIdx.x;
  PolicyLane lane = policyLane(a.due, blockIdx.z);
  long long problem =
      (static_cast<long long>(blockIdx.z) * a.numLayers + layer) * a.numKvHeads + kvHead;
  float* shares = a.shares + problem * a.maxRows;
  float* spreads = a.spreads + problem * a.maxRows;
  RowPieces<kHeadDim> rows{reinterpret_cast<const bf16*>(a.layerPool[layer]),
                           a.pageTable + static_cast<long long>(lane.lane) * a.maxPages,
                           a.numKvHeads,
                           kvHead,
                           0,
                           thread % kPieces};
  int reference = lane.first + lane.candidates;
  int referenceEnd = min(reference + lane.candidates, lane.rows);
  for (int row = thread; row < lane.rows; row += kSpreadThreads) shares[row] = 0.0f;
  for (int keyOrValue = 0; keyOrValue < 2; keyOrValue++) {
    rows.keyOrValue = keyOrValue;
    channelBounds<kHeadDim>(bounds, rows, reference, referenceEnd);
    float most = negativeInfinity();
    // Whole turns: a row's threads meet in shuffles.
    for (int base = 0; base < lane.candidates; base += kRowsPerTurn) {
      int j = base + thread / kPieces;
      bool present = j < lane.candidates;
      float x[kPieceChannels] = {};
      if (present) rows.load(lane.first + j, x);
      float sum = 0.0f;
#pragma unroll
      for (int c = 0; c < kPieceChannels; c++) {
        int channel = rows.piece * kPieceChannels + c;
        x[c] = __fmul_rn(x[c] - bounds.least[0][channel], bounds.most[0][channel]);
        sum += x[c];
      }
      float mean = rowSum<kHeadDim>(sum) / static_cast<float>(kHeadDim);
      float squares = 0.0f;
#pragma unroll
      for (int c = 0; c < kPieceChannels; c++) squares = fmaf(x[c] - mean, x[c] - mean, squares);
      float spread = sqrtf(rowSum<kHeadDim>(squares) / static_cast<float>(kHeadDim - 1));
      if (present) most = fmaxf(most, spread);
      if (present && rows.piece == 0) spreads[j] = spread;
    }
    // The barriers of blockReduce stand between spreads (and shares, at first) and their readers,
    // those of channelBounds between these readers and the spreads of the values.
    most = blockReduce<true>(most, warps);
    float sum = 0.0f;
    for (int j = thread; j < lane.candidates; j += kSpreadThreads) {
      float e = exp2Fast((spreads[j] - most) * kLog2e);
      spreads[j] = e;
      sum += e;
    }
    sum = blockReduce<false>(sum, warps);
    for (int j = thread; j < lane.candidates; j += kSpreadThreads)
      shares[lane.first + j] += spreads[j] / sum;
  }
}

}  // namespace tracemill

#define POLICY_LAG_SPREAD(DIM)                                                                  \
  extern "C" __global__ void __launch_bounds__(1024) policy_lag_spread_d##DIM(                  \
      const unsigned long long* layerPool, const int* pageTable, const int* due, float* shares, \
      float* spreads, int maxPages, int numLayers, int numKvHeads, int maxRows) {               \
    tracemill::LagSpread a{layerPool, pageTable, due,        shares, spreads,                   \
                           maxPages,  numLayers, numKvHeads, maxRows};                          \
    tracemill::lagSpread<DIM>(a);                                                               \
  }

POLICY_LAG_SPREAD(64)
POLICY_LAG_SPREAD(128)
