// Bias, optional q/k RMSNorm, rotary embedding, KV append and selector ring for one layer.
//   x = qkv[row][unit] (+ bias[unit]); units: Hq query heads, Hkv key heads, Hkv value heads,
//       headDim wide each
//   q, k: x = x * norm[i] / sqrt(mean(x^2) + eps) where a norm weight is given (Qwen3)
//   q, k: y[i] = x[i]*cos[pos][i] - x[i+d/2]*sin[pos][i];  y[i+d/2] = x[i+d/2]*cos[pos][i] +
//       x[i]*sin[pos][i], i < d/2
//   q  -> query [row][Hq][d] bf16 and, when decoding, ring[lane][pos mod R][Hq][d] bf16 (ring null:
//       not written)
//   k,v -> pool[page][K|V][kvHead][64][d] bf16 at slot kvLen (decode) or segSlot + offset (prefill)
//   qkv [rows][(Hq+2Hkv)*d] fp32; bias [(Hq+2Hkv)*d] fp32 or null; qNorm, kNorm [d] fp32 or null;
//   cosTable, sinTable [positions][d/2] fp32; pageTable [lane][maxPages] int32
// Decode: lane = laneOf[row] (-1 writes nothing), position pos[lane], slot kvLen[lane] (rows before
// the append).
// Prefill: segment s holds rows segRow[s] .. segRow[s+1]-1 of lane segLane[s]; its first row has
// position segPos[s] and slot segSlot[s]. No ring.
// Launch: grid (rows, ceil((Hq+2Hkv)/4)), block 128. One warp per head; a thread holds the pairs
// (i, i+d/2) that it rotates. No shared memory. CPU twin: bias, RoPE and append of the CPU backend
// in fp32, rounded once to bf16.
#include "device_math.cuh"

namespace tracemill {

struct RopeLayer {
  const float* qkv;
  const float* bias;
  const float* qNorm;
  const float* kNorm;
  const float* cosTable;
  const float* sinTable;
  bf16* pool;
  bf16* query;
  int numQueryHeads;
  int numKvHeads;
  float eps;
};

// One head by one warp. `ringRow` is null or the [Hq][d] row of the selector ring; `page` holds the
// row's slot.
template <int kHeadDim>
__device__ __forceinline__ void ropeHead(const RopeLayer& layer, int row, int unit, int position,
                                         int page, int rowInPage, bf16* ringRow) {
  constexpr int kPairs = kHeadDim / 64;
  int laneId = threadIdx.x & 31;
  int units = layer.numQueryHeads + 2 * layer.numKvHeads;
  long long column = static_cast<long long>(unit) * kHeadDim;
  const float* source = layer.qkv + static_cast<long long>(row) * units * kHeadDim + column;
  float low[kPairs];
  float high[kPairs];
#pragma unroll
  for (int k = 0; k < kPairs; k++) {
    int i = laneId * kPairs + k;
    low[k] = source[i];
    high[k] = source[i + kHeadDim / 2];
    if (layer.bias != nullptr) {
      low[k] += __ldg(layer.bias + column + i);
      high[k] += __ldg(layer.bias + column + i + kHeadDim / 2);
    }
  }
  bool isQuery = unit < layer.numQueryHeads;
  bool isValue = unit >= layer.numQueryHeads + layer.numKvHeads;
  if (!isValue) {
    const float* norm = isQuery ? layer.qNorm : layer.kNorm;
    if (norm != nullptr) {
      float sum = 0.0f;
#pragma unroll
      for (int k = 0; k < kPairs; k++) sum += low[k] * low[k] + high[k] * high[k];
      float scale = 1.0f / sqrtf(warpSum(sum) / kHeadDim + layer.eps);
#pragma unroll
      for (int k = 0; k < kPairs; k++) {
        int i = laneId * kPairs + k;
        low[k] *= scale * __ldg(norm + i);
        high[k] *= scale * __ldg(norm + i + kHeadDim / 2);
      }
    }
#pragma unroll
    for (int k = 0; k < kPairs; k++) {
      long long angle = static_cast<long long>(position) * (kHeadDim / 2) + laneId * kPairs + k;
      float c = __ldg(layer.cosTable + angle);
      float s = __ldg(layer.sinTable + angle);
      float rotatedLow = low[k] * c - high[k] * s;
      high[k] = high[k] * c + low[k] * s;
      low[k] = rotatedLow;
    }
  }
  bf16* target;
  if (isQuery) {
    target = layer.query + static_cast<long long>(row) * layer.numQueryHeads * kHeadDim + column;
  } else {
    int kvHead = (unit - layer.numQueryHeads) % layer.numKvHeads;
    target =
        layer.pool + poolRow<kHeadDim>(page, isValue ? 1 : 0, layer.numKvHeads, kvHead, rowInPage);
  }
  bf16* ring = isQuery && ringRow != nullptr ? ringRow + column : nullptr;
  int first = laneId * kPairs;
  if constexpr (kPairs == 2) {
    unsigned lowWord = packBf16(low[0], low[1]);
    unsigned highWord = packBf16(high[0], high[1]);
    *reinterpret_cast<unsigned*>(target + first) = lowWord;
    *reinterpret_cast<unsigned*>(target + first + kHeadDim / 2) = highWord;
    if (ring != nullptr) {
      *reinterpret_cast<unsigned*>(ring + first) = lowWord;
      *reinterpret_cast<unsigned*>(ring + first + kHeadDim / 2) = highWord;
    }
  } else {
    target[first] = floatToBf16(low[0]);
    target[first + kHeadDim / 2] = floatToBf16(high[0]);
    if (ring != nullptr) {
      ring[first] = floatToBf16(low[0]);
      ring[first + kHeadDim / 2] = floatToBf16(high[0]);
    }
  }
}

template <int kHeadDim>
__device__ __forceinline__ void ropeAppendDecode(const RopeLayer& layer, const int* laneOf,
                                                 const int* pos, const int* kvLen,
                                                 const int* pageTable, int maxPages, bf16* ring,
                                                 int ringRows) {
  // In this order: when the next kernel starts, the one before this one has ended. The decode
  // attention counts on that.
  wait_for_inputs();
  allow_dependents();
  int row = blockIdx.x;
  int unit = blockIdx.y * 4 + (threadIdx.x >> 5);
  int lane = laneOf[row];
  if (lane < 0 || unit >= layer.numQueryHeads + 2 * layer.numKvHeads) return;
  int position = pos[lane];
  int slot = kvLen[lane];
  int page = pageTable[static_cast<long long>(lane) * maxPages + slot / kPageTokens];
  bf16* ringRow = nullptr;
  if (ring != nullptr) {
    long long ringIndex = static_cast<long long>(lane) * ringRows + position % ringRows;
    ringRow = ring + ringIndex * layer.numQueryHeads * kHeadDim;
  }
  ropeHead<kHeadDim>(layer, row, unit, position, page, slot % kPageTokens, ringRow);
}

template <int kHeadDim>
__device__ __forceinline__ void ropeAppendPrefill(const RopeLayer& layer, const int* segRow,
                                                  const int* segLane, const int* segPos,
                                                  const int* segSlot, int numSegments,
                                                  const int* pageTable, int maxPages) {
  int row = blockIdx.x;
  int unit = blockIdx.y * 4 + (threadIdx.x >> 5);
  if (unit >= layer.numQueryHeads + 2 * layer.numKvHeads) return;
  int low = 0;
  int high = numSegments - 1;
  while (low < high) {
    int middle = (low + high + 1) / 2;
    if (segRow[middle] <= row) {
      low = middle;
    } else {
      high = middle - 1;
    }
  }
  int offset = row - segRow[low];
  int slot = segSlot[low] + offset;
  int page = pageTable[static_cast<long long>(segLane[low]) * maxPages + slot / kPageTokens];
  ropeHead<kHeadDim>(layer, row, unit, segPos[low] + offset, page, slot % kPageTokens, nullptr);
}

}  // namespace tracemill

#define TRACEMILL_ROPE_KERNELS(DIM)                                                            \
  extern "C" __global__ void __launch_bounds__(128) rope_append_decode_d##DIM(                 \
      const float* qkv, const float* bias, const float* qNorm, const float* kNorm,             \
      const float* cosTable, const float* sinTable, const int* laneOf, const int* pos,         \
      const int* kvLen, const int* pageTable, unsigned short* pool, unsigned short* query,     \
      unsigned short* ring, int maxPages, int ringRows, int numQueryHeads, int numKvHeads,     \
      float eps) {                                                                             \
    tracemill::RopeLayer layer{qkv,  bias,  qNorm,         kNorm,      cosTable, sinTable,     \
                               pool, query, numQueryHeads, numKvHeads, eps};                   \
    tracemill::ropeAppendDecode<DIM>(layer, laneOf, pos, kvLen, pageTable, maxPages, ring,     \
                                     ringRows);                                                \
  }                                                                                            \
  extern "C" __global__ void __launch_bounds__(128) rope_append_prefill_d##DIM(                \
      const float* qkv, const float* bias, const float* qNorm, const float* kNorm,             \
      const float* cosTable, const float* sinTable, const int* segRow, const int* segLane,     \
      const int* segPos, const int* segSlot, const int* pageTable, unsigned short* pool,       \
      unsigned short* query, int numSegments, int maxPages, int numQueryHeads, int numKvHeads, \
      float eps) {                                                                             \
    tracemill::RopeLayer layer{qkv,  bias,  qNorm,         kNorm,      cosTable, sinTable,     \
                               pool, query, numQueryHeads, numKvHeads, eps};                   \
    tracemill::ropeAppendPrefill<DIM>(layer, segRow, segLane, segPos, segSlot, numSegments,    \
                                      pageTable, maxPages);                                    \
  }

TRACEMILL_ROPE_KERNELS(64)
TRACEMILL_ROPE_KERNELS(128)
