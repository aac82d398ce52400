// Sampling from fp32 logits, one token per batch row: no sort, no logits copied, the same token for
// any grid.
// For row m with lane = laneOf[m] (-1: nothing is done) and token id i, all fp32 operations rounded
// to nearest, not contracted:
//   x_i = logits[m][i]; where bit i of seen[lane] is set and penalty != 1: x_i < 0 ? x_i * penalty
//       : x_i / penalty
//   z_i = x_i * inverseTemperature (1/T; 0 means greedy: z_i = x_i and the lowest id of the largest
//       z is taken)
//   K_i = trunc((max z - z_i) * 2^18), an integer key; K_i >= 22 * 2^18 has no mass and is never
//       drawn
//   mass(K) = E[b] * (2048 - l) + E[b+1] * l with b = K >> 11, l = K & 2047 and the host's table
//             E[b] = round(2^31 * exp(-b / 128)), stored as massTable[b] = (E[b], E[b+1]), b =
//                 0..2815:
//             exp(-K / 2^18) in units of 2^-42, off by at most 7.7e-6 of itself (interpolation)
//             plus 2^-32 (rounding of E)
// The tokens are ordered by (K, id); keys below 2^-18 nats apart are ties. Each filter keeps a
// prefix of that order:
//   top-k   the first topK (0: off)
//   top-p   the shortest prefix with mass >= ceil(double(topP) * double(mass kept by top-k)) (>= 1:
//       off)
//   min-p   K <= minPKey, host: floor(-ln(minP) * 2^18), 0x7fffffff: off
// Draw: u = Philox4x32-10(key = seed[lane], counter = (tokenIndex[lane], 0, 0, 0)).word0 >> 8; the
// token is the first in ascending id among those kept whose running mass exceeds floor(u * total /
// 2^24). Masses are integers (sum <= 2^60 for 2^18 tokens): no order matters.
// Writes tokenId[lane] (-1 where a z is NaN or infinite), tokenIndex[lane] + 1 and the
// token's bit in seen[lane][ceil(vocab/32)].
//
// sample_cluster spreads a row over 8 CTAs (a cluster, sm_90) that read it once and hold their
// slice of keys in shared memory; histogram of 2,816 bins (count, sum of low bits), ranges reduced
// through distributed shared memory, then the pivot bin by single keys. sample_cluster_many does
// the same for many rows: it holds no keys, reads the logits (mostly out of the L2) again in each
// of its 3 to 6 passes, and so has 64 rows at work at once where sample_cluster has 33. sample_row
// is one CTA that reads the logits again, for any device.
//
// Launch, with dynamic shared memory in bytes:
//   sample_cluster       grid (rows * 8), block 512, 37,584 + 4 * 512 * ceil(vocab / 4096)
//   sample_cluster_many  grid (rows * 8), block 384, 37,536
//   sample_row           grid (rows), block 1024, 81,360
//   mark_seen            grid (any), block 256, none: sets the bits of prompt tokens; segments as
//                        in prefill
// CPU twin: CpuSampler, with the same filters and the same u, but weights of its own and equals
// that stay or go together at the cut of top-k and top-p: the same token where greedy, otherwise
// but for draws and cuts near a boundary. TestCudaSampling repeats the arithmetic above on the
// host, and draws are equal to that bit for bit.
#include "sample_row.cuh"

namespace tracemill {
using ClusterSampler = SampleSlice<8, 512, true>;
using ManyRowsSampler = SampleSlice<8, 384, false>;
using SingleSampler = SampleSlice<1, 1024, false>;
static_assert((sizeof(ClusterSampler::Shared) + 15) / 16 * 16 == 37584, "launch contract");
static_assert((sizeof(ManyRowsSampler::Shared) + 15) / 16 * 16 == 37536, "launch contract");
static_assert((sizeof(SingleSampler::Shared) + 15) / 16 * 16 == 81360, "launch contract");
}  // namespace tracemill

#if !defined(__CUDA_ARCH__) || __CUDA_ARCH__ >= 900
extern "C" __global__ void __cluster_dims__(8, 1, 1) __launch_bounds__(512, 2)
    sample_cluster(const float* logits, const uint2* massTable, const int* laneOf,
                   const float* inverseTemperature, const int* topK, const float* topP,
                   const int* minPKey, const float* repetitionPenalty,
                   const unsigned long long* seed, int* tokenIndex, unsigned* seen, int* tokenId,
                   int vocab) {
  tracemill::SampleBatch batch{logits, massTable,  laneOf,  inverseTemperature,
                               topK,   topP,       minPKey, repetitionPenalty,
                               seed,   tokenIndex, seen,    tokenId,
                               vocab};
  tracemill::sampleRow<8, 512, true>(batch);
}

extern "C" __global__ void __cluster_dims__(8, 1, 1) __launch_bounds__(384, 4)
    sample_cluster_many(const float* logits, const uint2* massTable, const int* laneOf,
                        const float* inverseTemperature, const int* topK, const float* topP,
                        const int* minPKey, const float* repetitionPenalty,
                        const unsigned long long* seed, int* tokenIndex, unsigned* seen,
                        int* tokenId, int vocab) {
  tracemill::SampleBatch batch{logits, massTable,  laneOf,  inverseTemperature,
                               topK,   topP,       minPKey, repetitionPenalty,
                               seed,   tokenIndex, seen,    tokenId,
                               vocab};
  tracemill::sampleRow<8, 384, false>(batch);
}
#endif

extern "C" __global__ void __launch_bounds__(1024)
    sample_row(const float* logits, const uint2* massTable, const int* laneOf,
               const float* inverseTemperature, const int* topK, const float* topP,
               const int* minPKey, const float* repetitionPenalty, const unsigned long long* seed,
               int* tokenIndex, unsigned* seen, int* tokenId, int vocab) {
  tracemill::SampleBatch batch{logits, massTable,  laneOf,  inverseTemperature,
                               topK,   topP,       minPKey, repetitionPenalty,
                               seed,   tokenIndex, seen,    tokenId,
                               vocab};
  tracemill::sampleRow<1, 1024, false>(batch);
}

extern "C" __global__ void __launch_bounds__(256)
    mark_seen(const int* tokens, const int* segRow, const int* segLane, unsigned* seen,
              int numSegments, int vocab) {
  long long words = (vocab + 31) / 32;
  for (int segment = 0; segment < numSegments; segment++) {
    unsigned* bits = seen + segLane[segment] * words;
    for (int row = segRow[segment] + blockIdx.x * blockDim.x + threadIdx.x;
         row < segRow[segment + 1]; row += gridDim.x * blockDim.x) {
      atomicOr(&bits[tokens[row] >> 5], 1u << (tokens[row] & 31));
    }
  }
}
