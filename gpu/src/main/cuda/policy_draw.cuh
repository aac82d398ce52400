// Draws of the policies' kernels.
#pragma once

namespace tracemill {

// First word of Philox4x32-10, as CounterRandom.policyWord.
__device__ __forceinline__ unsigned policyWord(unsigned long long key, unsigned c0, unsigned c1,
                                               unsigned c2) {
  unsigned key0 = static_cast<unsigned>(key);
  unsigned key1 = static_cast<unsigned>(key >> 32);
  unsigned c3 = 1;
#pragma unroll
  for (int round = 0; round < 10; round++) {
    unsigned high0 = __umulhi(0xD2511F53u, c0);
    unsigned low0 = 0xD2511F53u * c0;
    unsigned high1 = __umulhi(0xCD9E8D57u, c2);
    unsigned low1 = 0xCD9E8D57u * c2;
    c0 = high1 ^ c1 ^ key0;
    c2 = high0 ^ c3 ^ key1;
    c1 = low1;
    c3 = low0;
    key0 += 0x9E3779B9u;
    key1 += 0xBB67AE85u;
  }
  return c0;
}

}  // namespace tracemill
