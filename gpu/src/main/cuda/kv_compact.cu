// RPC: ascending in-place compaction of the kept rows and the window rows (step 7 of the score),
// all layers and due lanes.
//   for i = 0 .. kept-1:    row[first + i] = row[slots[i]]   (ascending, slots[i] >= first + i)
//   for i = 0 .. window-1:  row[first + kept + i] = row[first + candidates + i]
// for K and V of every KV head, through the lane's page table. Rows before `first` (the prompt) are
// untouched.
//   due [numDue][8] (rpc_score.cuh), slots [numDue][layer][list][maxKept] (rpc_select.cu),
//       layerPool [layers] device addresses
// A CTA takes the rows of one (due lane, layer, KV head, K or V), 16 bytes for each of its d / 8
// threads per row, and walks them in batches of 128: the next batch is read before the present one
// is stored. Whole rows are 6 % faster than columns of 128 bytes at twice the CTAs.
// In place this is safe: a store goes to a slot not above the slots of any batch that is still to
// be read, and a barrier separates the reads of a batch from its stores. Leading rows that stay
// where they are are skipped. Shared memory: 4 * pages of the longest due lane (dynamic; at most
// maxPages).
// Launch: grid (2 * Hkv, layers, numDue), block 4 * d, dynamic shared memory 4 * maxPages bytes.
// CPU twin: compaction of the CPU backend (exact).
#include "rpc_score.cuh"

namespace tracemill {

constexpr int kBatchRows = 128;
constexpr int kRowsPerTurn = 32;
constexpr int kTurns = kBatchRows / kRowsPerTurn;

__device__ __forceinline__ int sourceSlot(const int* slots, int i, int kept, int first,
                                          int candidates, int total) {
  if (i >= total) return -1;
  return i < kept ? __ldcg(slots + i) : first + candidates + (i - kept);
}

// Rows that stay: slots[i] == first + i holds for a prefix, because both sides ascend and slots[i]
// - i never falls. Every thread probes once per turn.
__device__ __forceinline__ int firstThatMoves(const int* slots, int kept, int first) {
  int low = 0;
  int high = kept;
  while (low < high) {
    int step = (high - low + static_cast<int>(blockDim.x) - 1) / static_cast<int>(blockDim.x);
    int probe = low + (threadIdx.x + 1) * step - 1;
    int staying = __syncthreads_count(probe < high && __ldcg(slots + probe) == first + probe);
    low += staying * step;
    high = min(high, low + step - 1);
  }
  return low;
}

}  // namespace tracemill

extern "C" __global__ void __launch_bounds__(512, 2)
    kv_compact(const unsigned long long* layerPool, const int* pageTable, const int* due,
               const int* slots, int maxPages, int numLayers, int numKvHeads, int headDim,
               int listsPerLayer, int maxKept) {
  using namespace tracemill;
  extern __shared__ int compactPages[];
  begin_dependent();
  int threadsPerRow = headDim / 8;
  int keyOrValue = blockIdx.x % 2;
  int kvHead = blockIdx.x / 2;
  int layer = blockIdx.y;
  const int* record = due + blockIdx.z * kDueWords;
  int first = record[1];
  int candidates = record[2];
  int kept = record[3];
  int total = kept + record[4];
  if (kept == candidates) return;
  int list = listsPerLayer == 1 ? 0 : kvHead;
  const int* kepts =
      slots +
      ((static_cast<long long>(blockIdx.z) * numLayers + layer) * listsPerLayer + list) * maxKept;
  const int* table = pageTable + static_cast<long long>(record[0]) * maxPages;
  int pages = (first + candidates + record[4] + kPageTokens - 1) / kPageTokens;
  for (int i = threadIdx.x; i < pages; i += blockDim.x) compactPages[i] = table[i];

  int begin = firstThatMoves(kepts, kept, first);
  __syncthreads();

  int rowInTurn = threadIdx.x / threadsPerRow;
  int rowBytes = headDim * 2;
  long long tileBytes = rowBytes * kPageTokens;
  long long pageBytes = tileBytes * 2 * numKvHeads;
  char* column0 = reinterpret_cast<char*>(layerPool[layer]) +
                  (keyOrValue * numKvHeads + kvHead) * tileBytes + threadIdx.x % threadsPerRow * 16;
  auto address = [&](int slot) {
    unsigned s = slot;
    return reinterpret_cast<uint4*>(column0 + compactPages[s / kPageTokens] * pageBytes +
                                    s % kPageTokens * rowBytes);
  };
  auto sourceOf = [&](int base, int k) {
    return sourceSlot(kepts, base + k * kRowsPerTurn + rowInTurn, kept, first, candidates, total);
  };
  uint4 present[kTurns];
  uint4 next[kTurns];
  int ahead[kTurns];  // source slots of the batch after next
#pragma unroll
  for (int k = 0; k < kTurns; k++) {
    int source = sourceOf(begin, k);
    if (source >= 0) present[k] = __ldcg(address(source));
    ahead[k] = sourceOf(begin + kBatchRows, k);
  }
  // Reads the batch after the one at `base` and stores the latter. The two sets of registers change
  // roles instead of being copied, so that no read is waited for before the next are under way.
  auto turn = [&](int base, uint4(&stored)[kTurns], uint4(&read)[kTurns]) {
#pragma unroll
    for (int k = 0; k < kTurns; k++) {
      if (ahead[k] >= 0) read[k] = __ldcg(address(ahead[k]));
    }
#pragma unroll
    for (int k = 0; k < kTurns; k++) ahead[k] = sourceOf(base + 2 * kBatchRows, k);
    __syncthreads();
#pragma unroll
    for (int k = 0; k < kTurns; k++) {
      int i = base + k * kRowsPerTurn + rowInTurn;
      if (i < total) __stcg(address(first + i), stored[k]);
    }
  };
  for (int base = begin; base < total; base += 2 * kBatchRows) {
    turn(base, present, next);
    if (base + kBatchRows < total) turn(base + kBatchRows, next, present);
  }
}
