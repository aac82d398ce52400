// Causal attention of a prefill chunk over KV pages (earlier chunks of the lane and this chunk's
// own rows, already appended).
//   out[r][h] = sum_j softmax_j(scale * q[r][h] . K[j][h/group]) V[j][h/group], j = 0 .. slot(r)
//   query [rows][Hq][d] bf16; pool [page][K|V][kvHead][64][d] bf16 (one layer); out [rows][Hq*d]
//       bf16; d 64 or 128
//   segment s: rows segRow[s] .. segRow[s+1]-1 of lane segLane[s]; its first row sits in slot
//       segSlot[s]
// A CTA takes 128 query rows of one segment and one query head; a warp takes 16 rows. K and V pages
// (64 rows) pass through a ring of 3 stages by cp.async, 16-byte pieces XOR-swizzled by row.
// S[16][64] = Q K^T with Q in registers; base-2 online softmax per row; O[16][d] += P V with P
// rounded to bf16. Key tiles are the lane's pages in ascending order and a row passes over masked
// keys without any change of its state, so the result does not depend on how a prompt is cut into
// chunks.
// Shared memory: d 128: 98,304 bytes, d 64: 49,152 bytes, dynamic.
// Launch: grid (Hq, tiles) with tiles = sum over segments of ceil(rows of s / 128), block 256.
// CPU twin: prefill attention of the CPU backend (fp32 softmax over bf16 Q, K, V).
#include "device_math.cuh"
#include "warp_mma.cuh"

namespace tracemill {

constexpr int kPrefillRows = 128;
constexpr int kPrefillStages = 3;

struct PrefillAttention {
  const bf16* query;
  const bf16* pool;
  const int* segRow;
  const int* segLane;
  const int* segSlot;
  const int* pageTable;
  bf16* out;
  int numSegments;
  int maxPages;
  int numQueryHeads;
  int numKvHeads;
  float scale;
};

// Copies page number `pageIndex` of the lane; rows from `end` on are zero-filled (they were never
// written).
template <int kHeadDim>
__device__ __forceinline__ void copyPage(const PrefillAttention& a, const int* pages, int pageIndex,
                                         int end, int kvHead, unsigned stage) {
  constexpr int kPieces = kHeadDim / 8;
  constexpr int kPageBytes = kPageTokens * kHeadDim * 2;
  const char* keys = reinterpret_cast<const char*>(
      a.pool + poolRow<kHeadDim>(pages[pageIndex], 0, a.numKvHeads, kvHead, 0));
  const char* values = keys + static_cast<long long>(a.numKvHeads) * kPageBytes;
  int left = end - pageIndex * kPageTokens;
#pragma unroll
  for (int i = threadIdx.x; i < kPageTokens * kPieces; i += 256) {
    int row = i / kPieces;
    unsigned target = stage + row * kHeadDim * 2 + (((i % kPieces) ^ (row & 7)) << 4);
    int valid = row < left ? 16 : 0;
    copyAsync16(target, keys + i * 16, valid);
    copyAsync16(target + kPageBytes, values + i * 16, valid);
  }
}

template <int kHeadDim>
__device__ __forceinline__ void attendPrefill(const PrefillAttention& a) {
  constexpr int kSteps = kHeadDim / 16;
  constexpr int kRowBytes = kHeadDim * 2;
  constexpr int kPageBytes = kPageTokens * kRowBytes;
  constexpr int kStageBytes = 2 * kPageBytes;
  extern __shared__ __align__(128) char shared[];
  unsigned ring = sharedAddress(shared);
  int warp = threadIdx.x >> 5;
  int laneId = threadIdx.x & 31;
  int head = blockIdx.x;
  int kvHead = head / (a.numQueryHeads / a.numKvHeads);

  // Tiles are numbered from the last one down: the longest rows start first.
  int tile = gridDim.y - 1 - blockIdx.y;
  int segment = 0;
  while (segment < a.numSegments) {
    int tiles = (a.segRow[segment + 1] - a.segRow[segment] + kPrefillRows - 1) / kPrefillRows;
    if (tile < tiles) break;
    tile -= tiles;
    segment++;
  }
  if (segment == a.numSegments) return;
  int segmentRows = a.segRow[segment + 1] - a.segRow[segment];
  int firstSlot = a.segSlot[segment];
  int tileRow = tile * kPrefillRows;
  int lastTileRow = min(tileRow + kPrefillRows, segmentRows) - 1;
  int end = firstSlot + segmentRows;
  int numPages = (firstSlot + lastTileRow) / kPageTokens + 1;
  const int* pages = a.pageTable + static_cast<long long>(a.segLane[segment]) * a.maxPages;
  long long globalRow = a.segRow[segment] + tileRow;

  for (int stage = 0; stage < kPrefillStages - 1; stage++) {
    if (stage < numPages)
      copyPage<kHeadDim>(a, pages, stage, end, kvHead, ring + stage * kStageBytes);
    commitCopies();
  }

  int low = warp * 16 + (laneId >> 2);  // this thread's two rows of the tile: low, low + 8
  long long rowStride = static_cast<long long>(a.numQueryHeads) * kHeadDim;
  const bf16* queryLow =
      a.query + (globalRow + low) * rowStride + head * kHeadDim + 2 * (laneId & 3);
  bool validLow = tileRow + low < segmentRows;
  bool validHigh = tileRow + low + 8 < segmentRows;
  unsigned q[kSteps][4];
#pragma unroll
  for (int k = 0; k < kSteps; k++) {
    const bf16* source = queryLow + k * 16;
    q[k][0] = validLow ? *reinterpret_cast<const unsigned*>(source) : 0u;
    q[k][1] = validHigh ? *reinterpret_cast<const unsigned*>(source + 8 * rowStride) : 0u;
    q[k][2] = validLow ? *reinterpret_cast<const unsigned*>(source + 8) : 0u;
    q[k][3] = validHigh ? *reinterpret_cast<const unsigned*>(source + 8 * rowStride + 8) : 0u;
  }
  float o[2 * kSteps][4];
#pragma unroll
  for (int n = 0; n < 2 * kSteps; n++) o[n][0] = o[n][1] = o[n][2] = o[n][3] = 0.0f;
  float maxLow = negativeInfinity();
  float maxHigh = negativeInfinity();
  float sumLow = 0.0f;
  float sumHigh = 0.0f;
  float scaleLog2 = a.scale * kLog2e;
  int limitLow = firstSlot + min(tileRow + low, segmentRows - 1);
  int limitHigh = firstSlot + min(tileRow + low + 8, segmentRows - 1);
  int warpFirst = firstSlot + min(tileRow + warp * 16, segmentRows - 1);
  int warpLast = firstSlot + min(tileRow + warp * 16 + 15, segmentRows - 1);
  unsigned swizzle = laneId & 7;

  for (int page = 0; page < numPages; page++) {
    waitCopies<kPrefillStages - 2>();
    __syncthreads();
    int next = page + kPrefillStages - 1;
    if (next < numPages) {
      copyPage<kHeadDim>(a, pages, next, end, kvHead, ring + next % kPrefillStages * kStageBytes);
    }
    commitCopies();
    int firstKey = page * kPageTokens;
    if (firstKey > warpLast) continue;
    unsigned stage = ring + page % kPrefillStages * kStageBytes;
    unsigned keyRow = stage + ((laneId & 7) + (laneId >> 4) * 8) * kRowBytes;
    float s[8][4];
#pragma unroll
    for (int n = 0; n < 8; n++) s[n][0] = s[n][1] = s[n][2] = s[n][3] = 0.0f;
#pragma unroll
    for (int k = 0; k < kSteps; k++) {
#pragma unroll
      for (int n = 0; n < 4; n++) {
        unsigned keys[4];
        loadMatrix4(keys,
                    keyRow + n * 16 * kRowBytes + (((2 * k + ((laneId >> 3) & 1)) ^ swizzle) << 4));
        mmaBf16(s[2 * n], q[k][0], q[k][1], q[k][2], q[k][3], keys[0], keys[1]);
        mmaBf16(s[2 * n + 1], q[k][0], q[k][1], q[k][2], q[k][3], keys[2], keys[3]);
      }
    }
    bool masked = firstKey + kPageTokens - 1 > warpFirst;
    float newLow = maxLow;
    float newHigh = maxHigh;
#pragma unroll
    for (int n = 0; n < 8; n++) {
#pragma unroll
      for (int i = 0; i < 4; i++) s[n][i] *= scaleLog2;
      if (masked) {
        int key = firstKey + n * 8 + 2 * (laneId & 3);
        if (key > limitLow) s[n][0] = negativeInfinity();
        if (key + 1 > limitLow) s[n][1] = negativeInfinity();
        if (key > limitHigh) s[n][2] = negativeInfinity();
        if (key + 1 > limitHigh) s[n][3] = negativeInfinity();
      }
      newLow = fmaxf(newLow, fmaxf(s[n][0], s[n][1]));
      newHigh = fmaxf(newHigh, fmaxf(s[n][2], s[n][3]));
    }
#pragma unroll
    for (int step = 1; step <= 2; step <<= 1) {
      newLow = fmaxf(newLow, __shfl_xor_sync(kFullMask, newLow, step));
      newHigh = fmaxf(newHigh, __shfl_xor_sync(kFullMask, newHigh, step));
    }
    float shrinkLow = exp2Fast(maxLow - newLow);
    float shrinkHigh = exp2Fast(maxHigh - newHigh);
    maxLow = newLow;
    maxHigh = newHigh;
    sumLow *= shrinkLow;
    sumHigh *= shrinkHigh;
#pragma unroll
    for (int n = 0; n < 8; n++) {
      s[n][0] = exp2Fast(s[n][0] - newLow);
      s[n][1] = exp2Fast(s[n][1] - newLow);
      s[n][2] = exp2Fast(s[n][2] - newHigh);
      s[n][3] = exp2Fast(s[n][3] - newHigh);
      sumLow += s[n][0] + s[n][1];
      sumHigh += s[n][2] + s[n][3];
    }
#pragma unroll
    for (int n = 0; n < 2 * kSteps; n++) {
      o[n][0] *= shrinkLow;
      o[n][1] *= shrinkLow;
      o[n][2] *= shrinkHigh;
      o[n][3] *= shrinkHigh;
    }
    unsigned valueRow = stage + kPageBytes + ((laneId & 7) + ((laneId >> 3) & 1) * 8) * kRowBytes;
#pragma unroll
    for (int k = 0; k < 4; k++) {
      unsigned p0 = packBf16(s[2 * k][0], s[2 * k][1]);
      unsigned p1 = packBf16(s[2 * k][2], s[2 * k][3]);
      unsigned p2 = packBf16(s[2 * k + 1][0], s[2 * k + 1][1]);
      unsigned p3 = packBf16(s[2 * k + 1][2], s[2 * k + 1][3]);
#pragma unroll
      for (int n = 0; n < kSteps; n++) {
        unsigned values[4];
        loadMatrix4Transposed(
            values, valueRow + k * 16 * kRowBytes + (((2 * n + (laneId >> 4)) ^ swizzle) << 4));
        mmaBf16(o[2 * n], p0, p1, p2, p3, values[0], values[1]);
        mmaBf16(o[2 * n + 1], p0, p1, p2, p3, values[2], values[3]);
      }
    }
  }
#pragma unroll
  for (int step = 1; step <= 2; step <<= 1) {
    sumLow += __shfl_xor_sync(kFullMask, sumLow, step);
    sumHigh += __shfl_xor_sync(kFullMask, sumHigh, step);
  }
  float inverseLow = 1.0f / sumLow;
  float inverseHigh = 1.0f / sumHigh;
  bf16* outLow = a.out + (globalRow + low) * rowStride + head * kHeadDim + 2 * (laneId & 3);
#pragma unroll
  for (int n = 0; n < 2 * kSteps; n++) {
    if (validLow) {
      *reinterpret_cast<unsigned*>(outLow + n * 8) =
          packBf16(o[n][0] * inverseLow, o[n][1] * inverseLow);
    }
    if (validHigh) {
      *reinterpret_cast<unsigned*>(outLow + 8 * rowStride + n * 8) =
          packBf16(o[n][2] * inverseHigh, o[n][3] * inverseHigh);
    }
  }
}

}  // namespace tracemill

#define TRACEMILL_PREFILL_KERNEL(DIM)                                                    \
  extern "C" __global__ void __launch_bounds__(256, 1) paged_attention_prefill_d##DIM(   \
      const unsigned short* query, const unsigned short* pool, const int* segRow,        \
      const int* segLane, const int* segSlot, const int* pageTable, unsigned short* out, \
      int numSegments, int maxPages, int numQueryHeads, int numKvHeads, float scale) {   \
    tracemill::PrefillAttention a{query,    pool,          segRow,     segLane,          \
                                  segSlot,  pageTable,     out,        numSegments,      \
                                  maxPages, numQueryHeads, numKvHeads, scale};           \
    tracemill::attendPrefill<DIM>(a);                                                    \
  }

TRACEMILL_PREFILL_KERNEL(64)
TRACEMILL_PREFILL_KERNEL(128)
