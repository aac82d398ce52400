// Token embedding: residual[row][i] = float(table[token(row)][i]).
//   table    [vocab][hidden] bf16, hidden a multiple of 8
//   residual [rows][hidden] fp32
// embed_decode reads the token of row m from tokenId[laneOf[m]] and writes nothing where laneOf[m]
// = -1; embed_prefill reads tokens[row]. A negative token (a lane whose logits were not finite)
// reads row 0.
// Launch: grid (rows), block 256. One CTA per row, 8 elements per thread and turn. No shared
// memory.
// CPU twin: the embedding lookup of the CPU backend (exact).
#include "device_math.cuh"

namespace tracemill {

__device__ __forceinline__ void embedRow(const bf16* table, int token, float* out, int hidden) {
  const uint4* source = reinterpret_cast<const uint4*>(
      table + static_cast<long long>(token < 0 ? 0 : token) * hidden);
  for (int i = threadIdx.x; i < hidden / 8; i += blockDim.x) {
    uint4 words = __ldg(source + i);
    float4* target = reinterpret_cast<float4*>(out) + 2 * i;
    target[0] = make_float4(__int_as_float(words.x << 16), __int_as_float(words.x & 0xffff0000u),
                            __int_as_float(words.y << 16), __int_as_float(words.y & 0xffff0000u));
    target[1] = make_float4(__int_as_float(words.z << 16), __int_as_float(words.z & 0xffff0000u),
                            __int_as_float(words.w << 16), __int_as_float(words.w & 0xffff0000u));
  }
}

}  // namespace tracemill

extern "C" __global__ void __launch_bounds__(256)
    embed_decode(const unsigned short* table, const int* tokenId, const int* laneOf,
                 float* residual, int hidden) {
  tracemill::begin_dependent();
  int lane = laneOf[blockIdx.x];
  if (lane < 0) return;
  tracemill::embedRow(table, tokenId[lane], residual + static_cast<long long>(blockIdx.x) * hidden,
                      hidden);
}

extern "C" __global__ void __launch_bounds__(256)
    embed_prefill(const unsigned short* table, const int* tokens, float* residual, int hidden) {
  tracemill::embedRow(table, tokens[blockIdx.x],
                      residual + static_cast<long long>(blockIdx.x) * hidden, hidden);
}
