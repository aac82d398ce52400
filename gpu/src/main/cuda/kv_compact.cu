// RPC: ascending in-place compaction of the kept rows and the window rows (step 7 of the score),
// all layers and due lanes.
//   for i = 0 .. kept-1:    row[first + i] = row[slots[i]]   (ascending, slots[i] >= first + i)
//   for i = 0 .. window-1:  row[first + kept + i] = row[first + candidates + i]
// for K and V of every KV head, through the lane's page table. Rows before `first` (the prompt) are
// untouched.
//   due [numDue][8] (rpc_score.cuh), slots [numDue][layer][list][maxKept] (rpc_select.cu),
//       layerPool [layers] device addresses
// A CTA takes a 128-byte column of one (due lane, layer, KV head, K or V) and walks the rows in
// batches of 128, one row per 8 threads: the next batch is read before the present one is stored.
// In place this is safe: a store goes to a slot not above the slots of any batch that is still to
// be read, and a barrier separates the reads of a batch from its stores. Leading rows that stay
// where they are are skipped. Shared memory: 4 * pages of the longest due lane (dynamic; at most
// maxPages).
// Launch: grid (headDim / 64 * 2 * Hkv, layers, numDue), block 256, dynamic shared memory 4 *
// maxPages bytes.
// CPU twin: compaction of the CPU backend (exact).
#include "rpc_score.cuh"

namespace tracemill {

constexpr int kBatchRows = 128;
constexpr int kRowsPerTurn = 32;  // 256 threads, 8 of 16 bytes per row
constexpr int kTurns = kBatchRows / kRowsPerTurn;

__device__ __forceinline__ int sourceSlot(const int* slots, int i, int kept, int first,
                                          int candidates, int total) {
  if (i >= total) return -1;
  return i < kept ? __ldg(slots + i) : first + candidates + (i - kept);
}

}  // namespace tracemill

extern "C" __global__ void __launch_bounds__(256, 4)
    kv_compact(const unsigned long long* layerPool, const int* pageTable, const int* due,
               const int* slots, int maxPages, int numLayers, int numKvHeads, int headDim,
               int listsPerLayer, int maxKept) {
  using namespace tracemill;
  extern __shared__ int compactPages[];
  int columns = headDim / 64;
  int column = blockIdx.x % columns;
  int keyOrValue = blockIdx.x / columns % 2;
  int kvHead = blockIdx.x / columns / 2;
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
  for (int i = threadIdx.x; i < pages; i += 256) compactPages[i] = table[i];

  // Rows that stay: slots[i] == first + i holds for a prefix, because both sides ascend and
  // slots[i] - i never falls.
  int low = 0;
  int high = kept;
  while (low < high) {
    int middle = (low + high) / 2;
    if (__ldg(kepts + middle) == first + middle) {
      low = middle + 1;
    } else {
      high = middle;
    }
  }
  int begin = low;
  __syncthreads();

  char* pool = reinterpret_cast<char*>(layerPool[layer]);
  long long rowBytes = headDim * 2;
  long long tileBytes = rowBytes * kPageTokens;
  long long tile = static_cast<long long>(keyOrValue) * numKvHeads + kvHead;
  long long piece = column * 128 + (threadIdx.x & 7) * 16;
  int rowInTurn = threadIdx.x >> 3;
  auto address = [&](int slot) {
    long long page = compactPages[slot / kPageTokens];
    return reinterpret_cast<uint4*>(pool + (page * 2 * numKvHeads + tile) * tileBytes +
                                    slot % kPageTokens * rowBytes + piece);
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
    if (source >= 0) present[k] = *address(source);
    ahead[k] = sourceOf(begin + kBatchRows, k);
  }
  for (int base = begin; base < total; base += kBatchRows) {
#pragma unroll
    for (int k = 0; k < kTurns; k++) {
      if (ahead[k] >= 0) next[k] = *address(ahead[k]);
    }
#pragma unroll
    for (int k = 0; k < kTurns; k++) ahead[k] = sourceOf(base + 2 * kBatchRows, k);
    __syncthreads();
#pragma unroll
    for (int k = 0; k < kTurns; k++) {
      int i = base + k * kRowsPerTurn + rowInTurn;
      if (i < total) *address(first + i) = present[k];
      present[k] = next[k];
    }
  }
}
