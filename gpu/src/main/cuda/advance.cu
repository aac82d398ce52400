// End of a step: counters of the active lanes, and the step's tokens to the host.
//   advance_decode: pos[lane] += 1, kvLen[lane] += 1 for every row's lane, then as publish_tokens
//   publish_tokens: hostTokens[s % 8][row] = tokenId[laneOf[row]] with s = stepSequence[0], then
//       stepSequence[0] = s + 1 and hostSequence[0] = s + 1
// hostTokens [8][256] and hostSequence are device addresses of mapped pinned memory; eight slots,
// so that the tokens of a step stay readable while later steps finish. The tokens are visible to
// the host before the sequence number is (system-wide fence). Rows with laneOf = -1 publish nothing
// and change nothing.
// Launch: grid 1, block 256, rows <= 256; the last node of the graph. No shared memory. CPU twin:
// the step loop itself.
#include "device_math.cuh"

namespace tracemill {

constexpr int kTokenSlots = 8;
constexpr int kTokenRows = 256;

__device__ __forceinline__ void publish(int row, int lane, const int* tokenId, int* stepSequence,
                                        int* hostTokens, int* hostSequence) {
  int sequence = stepSequence[0];
  if (lane >= 0) hostTokens[sequence % kTokenSlots * kTokenRows + row] = tokenId[lane];
  __threadfence_system();
  __syncthreads();
  if (threadIdx.x == 0) {
    sequence++;
    stepSequence[0] = sequence;
    asm volatile("st.release.sys.global.u32 [%0], %1;" ::"l"(hostSequence), "r"(sequence)
                 : "memory");
  }
}

}  // namespace tracemill

extern "C" __global__ void __launch_bounds__(256)
    advance_decode(const int* laneOf, const int* tokenId, int* pos, int* kvLen, int* stepSequence,
                   int* hostTokens, int* hostSequence, int rows) {
  tracemill::begin_dependent();
  int row = threadIdx.x;
  int lane = row < rows ? laneOf[row] : -1;
  if (lane >= 0) {
    pos[lane] += 1;
    kvLen[lane] += 1;
  }
  tracemill::publish(row, lane, tokenId, stepSequence, hostTokens, hostSequence);
}

extern "C" __global__ void __launch_bounds__(256)
    publish_tokens(const int* laneOf, const int* tokenId, int* stepSequence, int* hostTokens,
                   int* hostSequence, int rows) {
  int row = threadIdx.x;
  int lane = row < rows ? laneOf[row] : -1;
  tracemill::publish(row, lane, tokenId, stepSequence, hostTokens, hostSequence);
}
