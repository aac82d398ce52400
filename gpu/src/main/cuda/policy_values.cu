// VaSE's ranks (ScoreRule.ValueAwareSample): rows of wide values first, then a draw in proportion
// to attention.
//   width[j] = mean over the set's KV heads of (max over channels - min over channels) of value[j]
//   p[j]     = average of m over poolingKernel neighbouring candidates, zeros outside, divisor
//              constant; m = mean share of the set, as policy_rank leaves it
//   u[j]     = (Philox4x32-10(key = seed[lane], counter = (j, position, layer * sets + set,
//   1)).word0
//              >> 9, plus 0.5) * 2^-23
//   rank[j]  = the largest float for the min(wideRows, kept) widest, the lower row between equals;
//              p[j] / -ln u[j] for the others
// policy_value_widths: a CTA takes 64 candidates of one (retained set, layer, due lane); d / 8
// threads hold a row, 16 bytes each; heads ascending. policy_wide_sample: a CTA takes one (retained
// set, layer, due lane). The bits of widths are in the order of the widths, since none is negative:
// the n-th largest is found 4 bits a turn, by counting; an ordered scan takes as many of its equals
// as are wanted. Nothing depends on other lanes or on the order of the integer additions.
// widths, ranks [numDue][layer][set][maxCandidates]; shares [numDue][layer][kvHead][maxRows].
// Shared memory: static, 192 bytes at most. Launch: widths grid (ceil(maxCandidates / 64), layers *
// sets, numDue), block 256; sample grid (sets, layers, numDue), block 1024. CPU twin: WideValues;
// widths are equal bit for bit.
#include "policy_draw.cuh"
#include "policy_score.cuh"

namespace tracemill {

constexpr int kWidthThreads = 256;
constexpr int kWidthRows = 64;
constexpr int kSampleThreads = 1024;
constexpr int kSampleWarps = kSampleThreads / 32;
constexpr int kDigits = 16;
constexpr float kLargest = 3.402823466e38f;

struct ValueWidths {
  const unsigned long long* layerPool;  // [layers] device addresses
  const int* pageTable;                 // [lane][maxPages]
  const int* due;                       // [numDue][8]
  float* widths;
  int maxPages;
  int numLayers;
  int numKvHeads;
  int numSets;
  int maxCandidates;
};

template <int kHeadDim>
__device__ __forceinline__ void valueWidths(const ValueWidths& a) {
  constexpr int kPieces = kHeadDim / 8;
  int layer = blockIdx.y / a.numSets;
  int set = blockIdx.y % a.numSets;
  PolicyLane lane = policyLane(a.due, blockIdx.z);
  int heads = a.numKvHeads / a.numSets;
  long long problem = static_cast<long long>(blockIdx.z) * a.numLayers + layer;
  float* widths = a.widths + (problem * a.numSets + set) * a.maxCandidates;
  const bf16* pool = reinterpret_cast<const bf16*>(a.layerPool[layer]);
  const int* table = a.pageTable + static_cast<long long>(lane.lane) * a.maxPages;
  int piece = threadIdx.x % kPieces;
  int first = blockIdx.x * kWidthRows;
  for (int row = threadIdx.x / kPieces; row < kWidthRows; row += kWidthThreads / kPieces) {
    int j = first + row;
    bool present = j < lane.candidates;
    int slot = lane.first + j;
    float width = 0.0f;
    for (int h = 0; h < heads; h++) {
      float least = -negativeInfinity();
      float most = negativeInfinity();
      if (present) {
        const bf16* value = pool + poolRow<kHeadDim>(table[slot / kPageTokens], 1, a.numKvHeads,
                                                     set * heads + h, slot % kPageTokens);
        uint4 words = __ldg(reinterpret_cast<const uint4*>(value) + piece);
        unsigned pairs[4] = {words.x, words.y, words.z, words.w};
#pragma unroll
        for (int i = 0; i < 4; i++) {
          least = fminf(least, fminf(low(pairs[i]), high(pairs[i])));
          most = fmaxf(most, fmaxf(low(pairs[i]), high(pairs[i])));
        }
      }
#pragma unroll
      for (int step = 1; step < kPieces; step <<= 1) {
        least = fminf(least, __shfl_xor_sync(kFullMask, least, step));
        most = fmaxf(most, __shfl_xor_sync(kFullMask, most, step));
      }
      width += most - least;
    }
    if (present && piece == 0) widths[j] = width / static_cast<float>(heads);
  }
}

// The n-th largest of `count` widths, n in [1, count], and how many of its equals are among the n
// largest. The same in every thread.
struct Cut {
  unsigned bits;
  int equals;
};

__device__ __forceinline__ Cut nthLargest(const float* widths, int count, int n, int* digits) {
  Cut cut{0u, n};
  for (int shift = 28; shift >= 0; shift -= 4) {
    if (threadIdx.x < kDigits) digits[threadIdx.x] = 0;
    __syncthreads();
    for (int j = threadIdx.x; j < count; j += kSampleThreads) {
      unsigned bits = __float_as_uint(widths[j]);
      // Two shifts: one by 32 is undefined.
      if ((bits ^ cut.bits) >> shift >> 4 == 0) atomicAdd(digits + (bits >> shift & 15u), 1);
    }
    __syncthreads();
    int digit = kDigits - 1;
    for (; digit > 0 && digits[digit] < cut.equals; digit--) cut.equals -= digits[digit];
    cut.bits |= static_cast<unsigned>(digit) << shift;
    __syncthreads();
  }
  return cut;
}

// What a row is drawn by.
__device__ __forceinline__ float drawKey(const float* shares, int j, int candidates,
                                         int poolingKernel, unsigned word) {
  float sum = 0.0f;
  int last = min(candidates - 1, j + poolingKernel / 2);
  for (int i = max(0, j - poolingKernel / 2); i <= last; i++) sum = __fadd_rn(sum, shares[i]);
  float pooled = __fdiv_rn(sum, static_cast<float>(poolingKernel));
  float uniform = (static_cast<float>(word >> 9) + 0.5f) * 1.1920928955078125e-7f;
  return __fdiv_rn(pooled, static_cast<float>(-log(static_cast<double>(uniform))));
}

}  // namespace tracemill

#define POLICY_VALUE_WIDTHS(DIM)                                                                \
  extern "C" __global__ void __launch_bounds__(256) policy_value_widths_d##DIM(                 \
      const unsigned long long* layerPool, const int* pageTable, const int* due, float* widths, \
      int maxPages, int numLayers, int numKvHeads, int numSets, int maxCandidates) {            \
    tracemill::ValueWidths a{layerPool, pageTable,  due,     widths,       maxPages,            \
                             numLayers, numKvHeads, numSets, maxCandidates};                    \
    tracemill::valueWidths<DIM>(a);                                                             \
  }

POLICY_VALUE_WIDTHS(64)
POLICY_VALUE_WIDTHS(128)

extern "C" __global__ void __launch_bounds__(1024)
    policy_wide_sample(const float* shares, const float* widths, const unsigned long long* seeds,
                       const int* due, float* ranks, int numLayers, int numKvHeads, int numSets,
                       int maxRows, int maxCandidates, int poolingKernel, int wideRows) {
  using namespace tracemill;
  __shared__ int digits[kDigits];
  __shared__ int warpEquals[kSampleWarps];
  int set = blockIdx.x;
  int layer = blockIdx.y;
  PolicyLane lane = policyLane(due, blockIdx.z);
  int kept = due[blockIdx.z * kDueWords + 3];
  int position = due[blockIdx.z * kDueWords + 7];
  unsigned long long seed = seeds[lane.lane];
  int heads = numKvHeads / numSets;
  long long problem = static_cast<long long>(blockIdx.z) * numLayers + layer;
  long long list = (problem * numSets + set) * maxCandidates;
  const float* own = widths + list;
  const float* m = shares + (problem * numKvHeads + set * heads) * maxRows + lane.first;
  int wide = min(min(wideRows, kept), lane.candidates);
  Cut cut{0xffffffffu, 0};  // above every width
  if (wide > 0) cut = nthLargest(own, lane.candidates, wide, digits);
  int warp = threadIdx.x / 32;
  unsigned lower = (1u << (threadIdx.x % 32)) - 1u;
  int seenEquals = 0;
  for (int base = 0; base < lane.candidates; base += kSampleThreads) {
    int j = base + static_cast<int>(threadIdx.x);
    bool present = j < lane.candidates;
    unsigned bits = present ? __float_as_uint(own[j]) : 0u;
    bool equal = present && bits == cut.bits;
    unsigned equals = __ballot_sync(kFullMask, equal);
    if (threadIdx.x % 32 == 0) warpEquals[warp] = __popc(equals);
    __syncthreads();
    int before = seenEquals + __popc(equals & lower);
    for (int w = 0; w < kSampleWarps; w++) {
      if (w < warp) before += warpEquals[w];
      seenEquals += warpEquals[w];
    }
    __syncthreads();
    if (present) {
      bool isWide = bits > cut.bits || (equal && before < cut.equals);
      ranks[list + j] = isWide ? kLargest
                               : drawKey(m, j, lane.candidates, poolingKernel,
                                         policyWord(seed, j, position, layer * numSets + set));
    }
  }
}
