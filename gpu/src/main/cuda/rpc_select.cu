// RPC: mean over heads, average pooling, exact top-n and the ascending list of kept cache slots
// (steps 4 to 6 of the score).
//   s[j]  = (score[h0][j] + score[h0+1][j] + ...) / (heads * group), KV heads ascending, fp32
//   p[j]  = (s[j-k/2] + ... + s[j+k/2]) / k, k odd, terms ascending, zeros outside, always divided
//       by k
//   kept  = the n largest p, ties to the lower j; slots[i] = first + j ascending; cut = the
//       smallest kept p (n = 0: +inf)
//   scores [numDue][layer][kvHead][maxCandidates] fp32 (rpc_score.cu), due [numDue][8]
//       (rpc_score.cuh)
//   lists: listsPerLayer = 1 (all KV heads share a list) or Hkv (one per KV head, "group")
//   slots [numDue][layer][list][maxKept] int32, cut [numDue][layer][list] fp32,
//   scratch [numDue][layer][list][2][maxCandidates] fp32 (s, then p, which stays for inspection)
// One CTA per list. The n-th largest is found over the bits of p (all >= 0, so the bits are
// ordered) by counting; then one ordered scan writes the list. Up to 12,288 candidates, if shared
// memory holds as many floats (`sharedScores`), the scores stay in registers
// (rpc_select_held.cuh), otherwise they are read in every turn (rpc_select_memory.cuh). The list is
// the same either way.
// Launch: grid (layers * listsPerLayer, numDue), block 1024, dynamic shared memory 4 * sharedScores
// bytes (0 is allowed).
// CPU twin: pooling and selection of the CPU backend: equal lists for equal scores, bit for bit.
#include "rpc_select_held.cuh"
#include "rpc_select_memory.cuh"

extern "C" __global__ void __launch_bounds__(1024)
    rpc_select(const float* scores, const int* due, float* scratch, int* slots, float* cut,
               int numLayers, int numKvHeads, int group, int listsPerLayer, int poolingKernel,
               int maxCandidates, int maxKept, int sharedScores) {
  using namespace tracemill;
  extern __shared__ __align__(16) float selectShared[];
  __shared__ __align__(16) int words[kSelectWords];
  begin_dependent();
  int list = blockIdx.x % listsPerLayer;
  int layer = blockIdx.x / listsPerLayer;
  const int* record = due + blockIdx.y * kDueWords;
  int heads = numKvHeads / listsPerLayer;
  long long problem = static_cast<long long>(blockIdx.y) * numLayers + layer;
  long long listIndex = problem * listsPerLayer + list;
  float* mean = scratch + listIndex * 2 * maxCandidates;
  Selection a{scores + (problem * numKvHeads + list * heads) * maxCandidates,
              maxCandidates,
              heads,
              static_cast<float>(heads * group),
              mean,
              mean + maxCandidates,
              slots + listIndex * maxKept,
              record[1],
              record[2],
              record[3],
              poolingKernel};
  bool staged = a.candidates <= sharedScores;
  bool held = staged && a.candidates <= kHeldScores * kSelectThreads;
  unsigned threshold = held ? selectHeld(a, selectShared, words)
                            : selectFromMemory(a, staged ? selectShared : nullptr, words);
  if (threadIdx.x == 0) {
    cut[listIndex] = a.kept > 0 ? __uint_as_float(threshold) : __int_as_float(0x7f800000);
  }
}
