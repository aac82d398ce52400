// Random numbers that depend on a key and a counter alone: Philox4x32-10 (Salmon et al., Parallel
// random numbers: as easy as 1, 2, 3, 2011). CPU twin: CounterRandom.
#pragma once

namespace tracemill {

// First of the four output words.
__device__ __forceinline__ unsigned philoxFirstWord(unsigned long long key, unsigned c0,
                                                    unsigned c1, unsigned c2, unsigned c3) {
  unsigned key0 = static_cast<unsigned>(key);
  unsigned key1 = static_cast<unsigned>(key >> 32);
#pragma unroll
  for (int round = 0; round < 10; round++) {
    unsigned high0 = __umulhi(0xD2511F53u, c0);
    unsigned low0 = 0xD2511F53u * c0;
    unsigned high1 = __umulhi(0xCD9E8D57u, c2);
    unsigned low1 = 0xCD9E8D57u * c2;
    c0 = high1 ^ c1 ^ key0;
    c1 = low1;
    c2 = high0 ^ c3 ^ key1;
    c3 = low0;
    key0 += 0x9E3779B9u;
    key1 += 0xBB67AE85u;
  }
  return c0;
}

}  // namespace tracemill
