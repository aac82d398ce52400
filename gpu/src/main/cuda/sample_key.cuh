// Keys and masses of the sampler: a scaled logit z becomes an integer K that orders the tokens, and
// a key an integer share of the probability.
//   distance = (zMax - z) * 2^18, fp32, rounded to nearest after each operation
//   K = trunc(distance) below kKeyLimit = 22 * 2^18, else kKeyLimit: no mass, never drawn
//   K = bin << 11 | low: a bin is 1/128 nat wide and has kKeysPerBin = 2,048 keys
//   mass(K) = E[bin] * (2048 - low) + E[bin + 1] * low, in units of 2^-42; the host's table holds
//       the pairs (E[b], E[b + 1]), b = 0..kBins - 1
//   The mass is linear in `low`, so the tokens of one bin together have
//       E[bin] * (2048 * count - sum of low) + E[bin + 1] * (sum of low)
//   and a histogram needs two words per bin.
// Masses are exact integers: one is at most 2^42, a row of up to 2^18 tokens at most 2^60.
// Every function is one thread's work: no warp operation, no shared memory.
#pragma once

#include "device_math.cuh"

namespace tracemill {

constexpr int kLowBits = 11;  // bits of a key below its bin
constexpr int kKeysPerBin = 1 << kLowBits;
constexpr int kBinsPerNat = 128;
constexpr int kBins = 22 * kBinsPerNat;
constexpr unsigned kKeyLimit = kBins << kLowBits;  // keys from here on have no mass
constexpr float kKeysPerNat = 1.0f * kBinsPerNat * kKeysPerBin;

// An unsigned integer in the order of a float that is not a NaN; -0 stands below +0.
__device__ __forceinline__ unsigned orderedBits(float x) {
  unsigned bits = __float_as_uint(x);
  return bits & 0x80000000u ? ~bits : bits | 0x80000000u;
}

__device__ __forceinline__ float fromOrderedBits(unsigned ordered) {
  return __uint_as_float(ordered & 0x80000000u ? ordered ^ 0x80000000u : ~ordered);
}

// Key of scaled logit `z` in a row whose largest is `zMax`.
__device__ __forceinline__ unsigned keyOf(float z, float zMax) {
  float distance = __fmul_rn(__fsub_rn(zMax, z), kKeysPerNat);
  return distance < static_cast<float>(kKeyLimit) ? static_cast<unsigned>(distance) : kKeyLimit;
}

// The host's table, [kBins] pairs; no kernel writes it.
struct MassTable {
  const uint2* edges;

  // Mass of one token; `key` is below kKeyLimit.
  __device__ __forceinline__ unsigned long long of(unsigned key) const {
    unsigned low = key & (kKeysPerBin - 1);
    uint2 edge = __ldg(edges + (key >> kLowBits));
    return static_cast<unsigned long long>(edge.x) * (kKeysPerBin - low) +
           static_cast<unsigned long long>(edge.y) * low;
  }

  // Mass of `count` tokens of one bin whose low bits add up to `lowSum`.
  __device__ __forceinline__ unsigned long long ofBin(int bin, unsigned count,
                                                      unsigned long long lowSum) const {
    unsigned long long all = static_cast<unsigned long long>(count) * kKeysPerBin;
    uint2 edge = __ldg(edges + bin);
    return edge.x * (all - lowSum) + edge.y * lowSum;
  }
};

}  // namespace tracemill
