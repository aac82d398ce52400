// Work list of the decode attention, built once per decode step from the lane lengths and used by
// every layer. Row m of the batch attends n = kvLen[laneOf[m]] + 1 cache rows (its own row is
// appended before attention runs), cut into chunks of 256 rows at fixed slots 0, 256, 512, ... One
// descriptor per chunk, 8 int32:
//   [0] row | chunk << 16            [1] rows in the chunk (1..256) | chunks of the row << 16
//   [2] number of the row's chunk 0 among all chunks   [3] lane   [4..7] the chunk's page ids
// Order: all full chunks (rows ascending, chunks ascending), then the last partial chunks by
// falling page count, rows ascending: items of equal cost stand together and the smallest come
// last, so that a fixed stride over the list is balanced.
//   work [capacity][8] int32, workCount[0] = number of descriptors. Rows with
//       laneOf = -1 have none.
//   rowChunks [rows][2] int32 = (number of the row's chunk 0 among all chunks, chunks of the row; 0
//       chunks for padding rows)
// Launch: grid (any, 16 is enough), block 256; rows <= 256. Every CTA repeats the scan and fills
// its share.
// Shared memory: 3.2 KB static. CPU twin: none needed (integers; the test rebuilds the list).
#include "device_math.cuh"

namespace tracemill {

constexpr int kChunkRows = 256;
constexpr int kWorkThreads = 256;

// Inclusive scan over the CTA; `buffer` holds one value per thread.
template <typename T>
__device__ __forceinline__ T scanInclusive(T value, T* buffer) {
  buffer[threadIdx.x] = value;
  __syncthreads();
  for (int step = 1; step < kWorkThreads; step <<= 1) {
    T other = threadIdx.x >= step ? buffer[threadIdx.x - step] : 0;
    __syncthreads();
    buffer[threadIdx.x] += other;
    __syncthreads();
  }
  return buffer[threadIdx.x];
}

__device__ __forceinline__ void writeWork(int* work, long long index, int row, int chunk, int rows,
                                          int chunks, int firstPartial, int lane,
                                          const int* pageTable, int maxPages) {
  int pages[4];
#pragma unroll
  for (int k = 0; k < 4; k++) {
    int page = chunk * (kChunkRows / kPageTokens) + k;
    pages[k] =
        k * kPageTokens < rows ? pageTable[static_cast<long long>(lane) * maxPages + page] : 0;
  }
  int4* target = reinterpret_cast<int4*>(work) + 2 * index;
  target[0] = make_int4(row | chunk << 16, rows | chunks << 16, firstPartial, lane);
  target[1] = make_int4(pages[0], pages[1], pages[2], pages[3]);
}

}  // namespace tracemill

extern "C" __global__ void __launch_bounds__(256)
    attention_work_list(const int* laneOf, const int* kvLen, const int* pageTable, int* work,
                        int* workCount, int2* rowChunks, int rows, int maxPages) {
  using namespace tracemill;
  begin_dependent();
  __shared__ int fullEnd[kWorkThreads];
  __shared__ int rowFirstPartial[kWorkThreads];
  __shared__ unsigned long long scratch[kWorkThreads];
  int row = threadIdx.x;
  int lane = row < rows ? laneOf[row] : -1;
  int length = lane >= 0 ? kvLen[lane] + 1 : 0;
  int full = length / kChunkRows;
  int tail = length % kChunkRows;
  int tailPages = (tail + kPageTokens - 1) / kPageTokens;
  // One 16-bit counter per tail class, the class with most pages in the lowest bits.
  unsigned long long tailClass = tailPages > 0 ? 1ull << (16 * (4 - tailPages)) : 0ull;
  unsigned long long classEnd = scanInclusive(tailClass, scratch);
  unsigned long long classTotal = scratch[kWorkThreads - 1];
  __syncthreads();
  int end = scanInclusive(full, fullEnd);
  int totalFull = fullEnd[kWorkThreads - 1];
  int tailsBefore = 0;
  int tailsTotal = 0;
  int tailRank = 0;
#pragma unroll
  for (int k = 0; k < 4; k++) {
    int upTo = static_cast<int>(classEnd >> (16 * k) & 0xffffu);
    int all = static_cast<int>(classTotal >> (16 * k) & 0xffffu);
    tailsBefore += upTo;
    if (k < 4 - tailPages) tailRank += all;
    if (k == 4 - tailPages) tailRank += upTo - 1;
    tailsTotal += all;
  }
  int chunks = full + (tail > 0 ? 1 : 0);
  int firstPartial = end - full + tailsBefore - (tail > 0 ? 1 : 0);
  rowFirstPartial[row] = firstPartial;
  __syncthreads();
  if (blockIdx.x == 0) {
    if (tail > 0) {
      writeWork(work, totalFull + tailRank, row, full, tail, chunks, firstPartial, lane, pageTable,
                maxPages);
    }
    if (row < rows) rowChunks[row] = make_int2(firstPartial, chunks);
    if (threadIdx.x == 0) workCount[0] = totalFull + tailsTotal;
  }
  for (int i = blockIdx.x * kWorkThreads + threadIdx.x; i < totalFull;
       i += gridDim.x * kWorkThreads) {
    int low = 0;
    int high = kWorkThreads - 1;
    while (low < high) {
      int middle = (low + high) / 2;
      if (fullEnd[middle] > i) {
        high = middle;
      } else {
        low = middle + 1;
      }
    }
    int owner = laneOf[low];
    int ownerLength = kvLen[owner] + 1;
    int ownerChunks = (ownerLength + kChunkRows - 1) / kChunkRows;
    int chunk = i - (low > 0 ? fullEnd[low - 1] : 0);
    writeWork(work, i, low, chunk, kChunkRows, ownerChunks, rowFirstPartial[low], owner, pageTable,
              maxPages);
  }
}
