// Work list of the decode attention, built once per decode step from the lane lengths and used by
// every layer. Row m of the batch attends n = kvLen[laneOf[m]] + 1 cache rows (its own row is
// appended before attention runs), cut into chunks of 256 rows at fixed slots 0, 256, 512, ... One
// descriptor per chunk, 8 int32:
//   [0] row | chunk << 16            [1] rows in the chunk (1..256) | chunks of the row << 16
//   [2] number of the row's chunk 0 among all chunks   [3] lane   [4..7] the chunk's page ids
// Entries of the list are groups of g neighbouring full chunks of a row, whose results a CTA merges
// before it writes any, and single chunks. g is 4, or 2, where there are at least leastGroups such
// groups in the batch, otherwise 1: partial results that are written and read again cost 6 % of the
// attention's time at 64 lanes. Order: groups (rows ascending, chunks ascending); full chunks left
// over, rows ascending; the last partial chunks by falling page count, rows ascending: entries of
// equal cost stand together and the smallest come last, so that a fixed stride over the list is
// balanced. Where a descriptor stands: WorkCount in attention_state.cuh.
//   work [capacity][8] int32, workCount [4] int32 = (groups, single chunks, log2 g, 0). Rows with
//       laneOf = -1 have none.
//   rowChunks [rows][2] int32 = (number of the row's chunk 0 among all chunks, full chunks | 1 <<
//   16
//       if a partial one follows)
// Launch: grid (any, 16 is enough), block 256; rows <= 256. Every CTA repeats the scan and fills
// its share.
// Shared memory: 4 KB static. CPU twin: none needed (integers; the test rebuilds the list).
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
                        int* workCount, int2* rowChunks, int rows, int maxPages, int leastGroups) {
  using namespace tracemill;
  begin_dependent();
  __shared__ int groupEnd[kWorkThreads];
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
  scanInclusive(static_cast<unsigned long long>(full / 4) << 32 | (full / 2), scratch);
  unsigned long long possible = scratch[kWorkThreads - 1];
  int shift = static_cast<int>(possible >> 32) >= leastGroups          ? 2
              : static_cast<int>(possible & 0xffffffff) >= leastGroups ? 1
                                                                       : 0;
  __syncthreads();
  int groups = full >> shift;
  int left = full - (groups << shift);
  unsigned long long end =
      scanInclusive(static_cast<unsigned long long>(groups) << 32 | left, scratch);
  unsigned long long totals = scratch[kWorkThreads - 1];
  int totalGroups = static_cast<int>(totals >> 32);
  int totalLeft = static_cast<int>(totals & 0xffffffff);
  int groupsEnd = static_cast<int>(end >> 32);
  int leftEnd = static_cast<int>(end & 0xffffffff);
  groupEnd[row] = groupsEnd;
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
  int firstPartial = (groupsEnd << shift) + leftEnd - full + tailsBefore - (tail > 0 ? 1 : 0);
  rowFirstPartial[row] = firstPartial;
  __syncthreads();
  long long firstLeft = static_cast<long long>(totalGroups) << shift;
  if (blockIdx.x == 0) {
    for (int i = 0; i < left; i++) {
      writeWork(work, firstLeft + leftEnd - left + i, row, full - left + i, kChunkRows, chunks,
                firstPartial, lane, pageTable, maxPages);
    }
    if (tail > 0) {
      writeWork(work, firstLeft + totalLeft + tailRank, row, full, tail, chunks, firstPartial, lane,
                pageTable, maxPages);
    }
    if (row < rows) rowChunks[row] = make_int2(firstPartial, full | (tail > 0 ? 1 << 16 : 0));
    if (threadIdx.x == 0) {
      *reinterpret_cast<int4*>(workCount) =
          make_int4(totalGroups, totalLeft + tailsTotal, shift, 0);
    }
  }
  for (int i = blockIdx.x * kWorkThreads + threadIdx.x; i < firstLeft;
       i += gridDim.x * kWorkThreads) {
    int part = i / totalGroups;
    int entry = i - part * totalGroups;
    int low = 0;
    int high = kWorkThreads - 1;
    while (low < high) {
      int middle = (low + high) / 2;
      if (groupEnd[middle] > entry) {
        high = middle;
      } else {
        low = middle + 1;
      }
    }
    int owner = laneOf[low];
    int ownerLength = kvLen[owner] + 1;
    int ownerChunks = (ownerLength + kChunkRows - 1) / kChunkRows;
    int chunk = ((entry - (low > 0 ? groupEnd[low - 1] : 0)) << shift) + part;
    writeWork(work, i, low, chunk, kChunkRows, ownerChunks, rowFirstPartial[low], owner, pageTable,
              maxPages);
  }
}
