// Body of the sampler for one batch row; sample.cu gives the definition that it computes and makes
// the kernels.
#pragma once

#include "cluster.cuh"
#include "device_math.cuh"

namespace tracemill {

constexpr int kSubBits = 11;  // low bits of a key
constexpr int kSubBins = 1 << kSubBits;
constexpr int kBins = 22 * 128;                    // bins of 1/128 nat, 22 nats deep
constexpr unsigned kKeyLimit = kBins << kSubBits;  // keys from here on have no mass
constexpr float kKeyScale = 128.0f * kSubBins;     // keys per nat

struct SampleBatch {
  const float* logits;
  const uint2* massTable;
  const int* laneOf;
  const float* inverseTemperature;
  const int* topK;
  const float* topP;
  const int* minPKey;
  const float* repetitionPenalty;
  const unsigned long long* seed;
  int* tokenIndex;
  unsigned* seen;
  int* tokenId;
  int vocab;
};

// First output word of Philox4x32-10 for key = seed, counter = (index, 0, 0, 0).
__device__ __forceinline__ unsigned philoxFirstWord(unsigned long long seed, unsigned index) {
  unsigned key0 = static_cast<unsigned>(seed);
  unsigned key1 = static_cast<unsigned>(seed >> 32);
  unsigned c0 = index, c1 = 0, c2 = 0, c3 = 0;
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

__device__ __forceinline__ unsigned orderedBits(float x) {
  unsigned bits = __float_as_uint(x);
  return bits & 0x80000000u ? ~bits : bits | 0x80000000u;
}

__device__ __forceinline__ float fromOrderedBits(unsigned ordered) {
  return __uint_as_float(ordered & 0x80000000u ? ordered ^ 0x80000000u : ~ordered);
}

template <typename T>
__device__ __forceinline__ T warpTotal(T x) {
#pragma unroll
  for (int step = 16; step > 0; step >>= 1) x += __shfl_xor_sync(kFullMask, x, step);
  return x;
}

template <typename T>
__device__ __forceinline__ T warpInclusive(T x) {
#pragma unroll
  for (int step = 1; step < 32; step <<= 1) {
    T other = __shfl_up_sync(kFullMask, x, step);
    if ((threadIdx.x & 31) >= step) x += other;
  }
  return x;
}

// Where a prefix (by key, then id) that reaches a target ends.
struct Cut {
  unsigned bin;
  unsigned countBefore;
  unsigned long long massBefore;
};

// kCluster CTAs share a row. kStaged: the CTA's slice is held in shared memory; otherwise logits
// are read again each pass.
template <int kCluster, int kThreads, bool kStaged>
struct RowSampler {
  static constexpr int kWarps = kThreads / 32;
  static constexpr int kRangeBins = kBins / kCluster;
  static constexpr int kRangeSubs = kSubBins / kCluster;
  static constexpr int kSliceUnit = kThreads;

  // One mass and one count of every CTA of the cluster, sent by each to all.
  struct Peers {
    unsigned long long mass[kCluster];
    unsigned count[kCluster];
  };

  struct Shared {
    unsigned long long binMass[kRangeBins];  // reduced over the cluster, this CTA's range
    Peers best;                              // mass: ordered(z) << 32 | ~id
    Peers bins;                              // whole ranges of bins
    Peers subs;                              // whole ranges of keys of one bin
    Peers kept;                              // slices: mass below the cut, ties
    unsigned long long warpMass[kWarps];
    unsigned long long cutMass;
    unsigned sub[kSubBins];  // counts of the keys of one bin; 8-byte aligned, also scratch of find
    unsigned binCount[kRangeBins];
    unsigned subCount[kRangeSubs];
    unsigned warpCount[kWarps];
    unsigned cutBin;
    unsigned cutCount;
    unsigned count[kBins];  // this CTA's slice
    unsigned lowSum[kBins];
    unsigned subCopy[kRangeSubs];  // one range of reduced keys, brought here
  };

  const SampleBatch& batch;
  Shared& s;
  float* slice;
  const float* logits;
  const unsigned* seen;
  float inverseTemperature;
  float penalty;
  float zMax;
  int first;
  int length;
  int warp;
  int laneId;

  // Scaled logit of id first + i, whose raw logit is x.
  __device__ __forceinline__ float scaled(int i, float x) const {
    if (penalty != 1.0f && (seen[(first + i) >> 5] >> ((first + i) & 31) & 1u)) {
      x = x < 0.0f ? __fmul_rn(x, penalty) : __fdiv_rn(x, penalty);
    }
    return __fmul_rn(x, inverseTemperature == 0.0f ? 1.0f : inverseTemperature);
  }

  // Calls body(i, z) with z an array of the scaled logits from id first + i on, until the slice is
  // through; threads side by side.
  template <typename Body>
  __device__ __forceinline__ void forEachLogit(const Body& body) const {
    if (batch.vocab % 4 == 0) {
      // Rows of a multiple of four logits: 16 bytes at a time.
#pragma unroll 5
      for (int i = 4 * threadIdx.x; i < length; i += 4 * kThreads) {
        float4 x = __ldcg(reinterpret_cast<const float4*>(logits + first + i));
        float z[4] = {scaled(i, x.x), scaled(i + 1, x.y), scaled(i + 2, x.z), scaled(i + 3, x.w)};
        body(i, z);
      }
    } else {
#pragma unroll 8
      for (int i = threadIdx.x; i < length; i += kThreads) {
        float z[1] = {scaled(i, logits[first + i])};
        body(i, z);
      }
    }
  }

  __device__ __forceinline__ unsigned keyOf(float z) const {
    float distance = __fmul_rn(__fsub_rn(zMax, z), kKeyScale);
    return distance < static_cast<float>(kKeyLimit) ? static_cast<unsigned>(distance) : kKeyLimit;
  }

  __device__ __forceinline__ unsigned key(int i) const {
    if constexpr (kStaged) {
      return __float_as_uint(slice[i]);
    } else {
      return keyOf(scaled(i, logits[first + i]));
    }
  }

  __device__ __forceinline__ unsigned long long massOf(unsigned k) const {
    unsigned low = k & (kSubBins - 1);
    uint2 edges = __ldg(batch.massTable + (k >> kSubBits));
    return static_cast<unsigned long long>(edges.x) * (kSubBins - low) +
           static_cast<unsigned long long>(edges.y) * low;
  }

  __device__ __forceinline__ unsigned long long binMassOf(int bin, unsigned count,
                                                          unsigned long long lowSum) const {
    unsigned long long all = static_cast<unsigned long long>(count) * kSubBins;
    uint2 edges = __ldg(batch.massTable + bin);
    return edges.x * (all - lowSum) + edges.y * lowSum;
  }

  __device__ __forceinline__ void send(Peers& peers, int rank, unsigned count,
                                       unsigned long long mass) {
    if (laneId < kCluster) {
      Cluster<kCluster>::store(&peers.count[rank], laneId, count);
      Cluster<kCluster>::store(&peers.mass[rank], laneId, mass);
    }
  }

  // Sum over the CTA of one count and one mass, sent to every CTA: there after the cluster's next
  // barrier.
  __device__ __forceinline__ void sendTotal(Peers& peers, int rank, unsigned count,
                                            unsigned long long mass) {
    count = warpTotal(count);
    mass = warpTotal(mass);
    if (laneId == 0) {
      s.warpCount[warp] = count;
      s.warpMass[warp] = mass;
    }
    __syncthreads();
    if (warp == 0) {
      count = warpTotal(laneId < kWarps ? s.warpCount[laneId] : 0u);
      mass = warpTotal(laneId < kWarps ? s.warpMass[laneId] : 0ull);
      send(peers, rank, count, mass);
    }
  }

  // Reads the slice once; the cluster's best (z, lowest id) lands in every CTA. A value that is not
  // finite ranks above all others, as a NaN.
  __device__ __forceinline__ unsigned long long findBest(int rank) {
    unsigned long long best = 0;
    auto consider = [&](int i, float z) {
      unsigned ordered = fabsf(z) < __int_as_float(0x7f800000) ? orderedBits(z) : 0xffffffffu;
      unsigned long long candidate =
          static_cast<unsigned long long>(ordered) << 32 | (0xffffffffu - (first + i));
      best = candidate > best ? candidate : best;
    };
    forEachLogit([&](int i, const auto& z) {
      if constexpr (kStaged) {
        if constexpr (sizeof(z) == sizeof(float4)) {
          *reinterpret_cast<float4*>(slice + i) = make_float4(z[0], z[1], z[2], z[3]);
        } else {
          slice[i] = z[0];
        }
      }
#pragma unroll
      for (int k = 0; k < sizeof(z) / sizeof(float); k++) consider(i + k, z[k]);
    });
#pragma unroll
    for (int step = 16; step > 0; step >>= 1) {
      unsigned long long other = __shfl_xor_sync(kFullMask, best, step);
      best = other > best ? other : best;
    }
    if (laneId == 0) s.warpMass[warp] = best;
    __syncthreads();
    Cluster<kCluster>::awaitAll();
    if (warp == 0) {
      best = laneId < kWarps ? s.warpMass[laneId] : 0;
#pragma unroll
      for (int step = 16; step > 0; step >>= 1) {
        unsigned long long other = __shfl_xor_sync(kFullMask, best, step);
        best = other > best ? other : best;
      }
      send(s.best, rank, 0, best);
    }
    Cluster<kCluster>::sync();
    best = s.best.mass[0];
    for (int cta = 1; cta < kCluster; cta++)
      best = s.best.mass[cta] > best ? s.best.mass[cta] : best;
    return best;
  }

  // Keys and the slice's histogram, then this CTA's range of bins summed over the cluster.
  __device__ __forceinline__ void histogram(int rank) {
    for (int b = threadIdx.x; b < kBins; b += kThreads) s.count[b] = s.lowSum[b] = 0;
    __syncthreads();
    auto add = [&](unsigned k) {
      if (k < kKeyLimit) {
        atomicAdd(&s.count[k >> kSubBits], 1u);
        atomicAdd(&s.lowSum[k >> kSubBits], k & (kSubBins - 1));
      }
    };
    if constexpr (kStaged) {
#pragma unroll 4
      for (int i = threadIdx.x; i < length; i += kThreads) {
        unsigned k = keyOf(slice[i]);
        slice[i] = __uint_as_float(k);
        add(k);
      }
    } else {
      forEachLogit([&](int, const auto& z) {
#pragma unroll
        for (float one : z) add(keyOf(one));
      });
    }
    Cluster<kCluster>::sync();
    unsigned countSum = 0;
    unsigned long long massSum = 0;
    for (int b = threadIdx.x; b < kRangeBins; b += kThreads) {
      int bin = rank * kRangeBins + b;
      unsigned count = 0;
      unsigned long long lowSum = 0;
#pragma unroll
      for (int cta = 0; cta < kCluster; cta++) {
        count += Cluster<kCluster>::load(&s.count[bin], cta);
        lowSum += Cluster<kCluster>::load(&s.lowSum[bin], cta);
      }
      unsigned long long mass = binMassOf(bin, count, lowSum);
      s.binCount[b] = count;
      s.binMass[b] = mass;
      countSum += count;
      massSum += mass;
    }
    sendTotal(s.bins, rank, countSum, massSum);
    Cluster<kCluster>::sync();
  }

  // The same for the keys of one bin, one counter per key.
  __device__ __forceinline__ void subHistogram(unsigned bin, int rank) {
    for (int b = threadIdx.x; b < kSubBins; b += kThreads) s.sub[b] = 0;
    __syncthreads();
    auto add = [&](unsigned k) {
      if (k >> kSubBits == bin) atomicAdd(&s.sub[k & (kSubBins - 1)], 1u);
    };
    if constexpr (kStaged) {
#pragma unroll 4
      for (int i = threadIdx.x; i < length; i += kThreads) add(key(i));
    } else {
      forEachLogit([&](int, const auto& z) {
#pragma unroll
        for (float one : z) add(keyOf(one));
      });
    }
    Cluster<kCluster>::sync();
    unsigned countSum = 0;
    unsigned long long massSum = 0;
    for (int b = threadIdx.x; b < kRangeSubs; b += kThreads) {
      int sub = rank * kRangeSubs + b;
      unsigned count = 0;
#pragma unroll
      for (int cta = 0; cta < kCluster; cta++) count += Cluster<kCluster>::load(&s.sub[sub], cta);
      s.subCount[b] = count;
      countSum += count;
      if (count != 0) massSum += count * massOf(bin << kSubBits | sub);
    }
    sendTotal(s.subs, rank, countSum, massSum);
    Cluster<kCluster>::sync();
  }

  // First bin (kSub: first key of bin `parent`) at which the running count (kByMass: mass) reaches
  // `target`. The target must not exceed the whole. Every CTA finds the same answer.
  template <bool kSub, bool kByMass>
  __device__ __forceinline__ Cut find(unsigned long long target, unsigned parent) {
    constexpr int kRange = kSub ? kRangeSubs : kRangeBins;
    constexpr int kPerLane = kRange / 32;
    static_assert(kRange % 32 == 0, "ranges are walked by whole warps");
    const Peers& peers = kSub ? s.subs : s.bins;
    int cta = 0;
    unsigned countBefore = 0;
    unsigned long long massBefore = 0;
    while (cta < kCluster - 1 &&
           (kByMass ? massBefore + peers.mass[cta] : countBefore + peers.count[cta]) < target) {
      countBefore += peers.count[cta];
      massBefore += peers.mass[cta];
      cta++;
    }
    // The range that holds the cut comes here first: scattered reads of another CTA's memory are
    // slow.
    const unsigned* counts = kSub ? s.subCount : s.binCount;
    const unsigned long long* masses = s.binMass;
    if constexpr (kCluster > 1) {
      unsigned* countCopy = kSub ? s.subCopy : s.sub;
      unsigned long long* massCopy =
          reinterpret_cast<unsigned long long*>(s.sub + (kRangeBins + 1) / 2 * 2);
      for (int b = threadIdx.x; b < kRange; b += kThreads) {
        countCopy[b] = Cluster<kCluster>::load(counts + b, cta);
        if (!kSub) massCopy[b] = Cluster<kCluster>::load(masses + b, cta);
      }
      counts = countCopy;
      masses = massCopy;
      __syncthreads();
    }
    if (warp == 0) {
      // Each lane sums its own stretch of the range; then the stretch that reaches the target is
      // gone through by all lanes.
      unsigned count = 0;
      unsigned long long mass = 0;
      unsigned countEnd;
      unsigned long long massEnd;
      unsigned reached;
      auto measure = [&](int index) {
        if constexpr (kSub) {
          return counts[index] == 0
                     ? 0ull
                     : counts[index] * massOf(parent << kSubBits | (cta * kRange + index));
        } else {
          return masses[index];
        }
      };
#pragma unroll 4
      for (int b = 0; b < kPerLane; b++) {
        int index = laneId * kPerLane + b;
        count += counts[index];
        mass += measure(index);
      }
      countEnd = warpInclusive(count) + countBefore;
      massEnd = warpInclusive(mass) + massBefore;
      int owner = __ffs(__ballot_sync(kFullMask, (kByMass ? massEnd : countEnd) >= target)) - 1;
      countBefore = __shfl_sync(kFullMask, countEnd - count, owner);
      massBefore = __shfl_sync(kFullMask, massEnd - mass, owner);
      for (int base = 0; base < kPerLane; base += 32) {
        int index = owner * kPerLane + base + laneId;
        count = 0;
        mass = 0;
        if (base + laneId < kPerLane) {
          count = counts[index];
          mass = measure(index);
        }
        countEnd = warpInclusive(count) + countBefore;
        massEnd = warpInclusive(mass) + massBefore;
        reached = __ballot_sync(kFullMask, (kByMass ? massEnd : countEnd) >= target);
        if (reached != 0) {
          if (laneId == __ffs(reached) - 1) {
            s.cutBin = cta * kRange + index;
            s.cutCount = countEnd - count;
            s.cutMass = massEnd - mass;
          }
          break;
        }
        countBefore = __shfl_sync(kFullMask, countEnd, 31);
        massBefore = __shfl_sync(kFullMask, massEnd, 31);
      }
    }
    __syncthreads();
    Cut cut{s.cutBin, s.cutCount, s.cutMass};
    __syncthreads();
    return cut;
  }

  // Mass and ties of this CTA's slice below `cutKey`, out of its own histograms (s.sub holds the
  // bin of cutKey).
  __device__ __forceinline__ void keptOfSlice(unsigned cutKey, int rank) {
    unsigned long long mass = 0;
    unsigned ties = 0;
    int cutBin = cutKey >> kSubBits;
    for (int b = threadIdx.x; b < cutBin; b += kThreads)
      mass += binMassOf(b, s.count[b], s.lowSum[b]);
    if (cutKey < kKeyLimit) {
      int cutSub = cutKey & (kSubBins - 1);
      for (int b = threadIdx.x; b < cutSub; b += kThreads) {
        if (s.sub[b] != 0) mass += s.sub[b] * massOf(cutBin << kSubBits | b);
      }
      if (threadIdx.x == 0) ties = s.sub[cutSub];
    }
    sendTotal(s.kept, rank, ties, mass);
  }

  // The id at which the running mass of the kept tokens of this slice first exceeds `target`; -1 in
  // all but one warp.
  __device__ __forceinline__ int drawFromSlice(unsigned long long target, unsigned cutKey,
                                               unsigned tiesKept, unsigned long long tieMass) {
    int part = (length + kThreads - 1) / kThreads;  // consecutive ids per thread
    int begin = min(static_cast<int>(threadIdx.x) * part, length);
    int end = min(begin + part, length);
    unsigned long long mass = 0;
    unsigned ties = 0;
#pragma unroll 8
    for (int i = begin; i < end; i++) {
      unsigned k = key(i);
      if (k < cutKey) mass += massOf(k);
      ties += k == cutKey;
    }
    unsigned long long massEnd = warpInclusive(mass);
    unsigned tiesEnd = warpInclusive(ties);
    __syncthreads();
    if (laneId == 31) {
      s.warpMass[warp] = massEnd;
      s.warpCount[warp] = tiesEnd;
    }
    __syncthreads();
    unsigned long long lowerMass = warpTotal(laneId < warp ? s.warpMass[laneId] : 0ull);
    unsigned lowerTies = warpTotal(laneId < warp ? s.warpCount[laneId] : 0u);
    massEnd += lowerMass;
    tiesEnd += lowerTies;
    unsigned long long keptBefore = massEnd - mass + min(tiesEnd - ties, tiesKept) * tieMass;
    unsigned long long keptEnd = massEnd + min(tiesEnd, tiesKept) * tieMass;
    unsigned holds = __ballot_sync(kFullMask, keptBefore <= target && target < keptEnd);
    if (holds == 0) return -1;
    int owner = __ffs(holds) - 1;
    unsigned long long running = __shfl_sync(kFullMask, keptBefore, owner);
    unsigned tiesBefore = __shfl_sync(kFullMask, tiesEnd - ties, owner);
    begin = __shfl_sync(kFullMask, begin, owner);
    end = __shfl_sync(kFullMask, end, owner);
    for (int base = begin; base < end; base += 32) {
      bool inside = base + laneId < end;
      unsigned k = inside ? key(base + laneId) : kKeyLimit;
      unsigned tieMask = __ballot_sync(kFullMask, inside && k == cutKey);
      unsigned rank = tiesBefore + __popc(tieMask & ((1u << laneId) - 1));
      unsigned long long m = 0;
      if (k < cutKey) m = massOf(k);
      if (k == cutKey && rank < tiesKept) m = tieMass;
      unsigned long long reach = warpInclusive(m) + running;
      unsigned reached = __ballot_sync(kFullMask, reach > target);
      if (reached != 0) return first + base + __ffs(reached) - 1;
      running = __shfl_sync(kFullMask, reach, 31);
      tiesBefore += __popc(tieMask);
    }
    return -1;
  }

  __device__ __forceinline__ void finish(int lane, int index, int token) {
    batch.tokenId[lane] = token;
    batch.tokenIndex[lane] = index + 1;
    if (token >= 0) {
      long long words = (batch.vocab + 31) / 32;
      batch.seen[lane * words + (token >> 5)] |= 1u << (token & 31);
    }
  }

  __device__ __forceinline__ void run(int row, int lane) {
    Cluster<kCluster>::announce();
    int rank = Cluster<kCluster>::rank();
    int sliceLength =
        (batch.vocab + kCluster * kSliceUnit - 1) / (kCluster * kSliceUnit) * kSliceUnit;
    warp = threadIdx.x >> 5;
    laneId = threadIdx.x & 31;
    first = rank * sliceLength;
    length = max(0, min(sliceLength, batch.vocab - first));
    logits = batch.logits + static_cast<long long>(row) * batch.vocab;
    seen = batch.seen + static_cast<long long>(lane) * ((batch.vocab + 31) / 32);
    inverseTemperature = batch.inverseTemperature[lane];
    penalty = batch.repetitionPenalty[lane];
    unsigned topK = static_cast<unsigned>(batch.topK[lane]);
    float topP = batch.topP[lane];
    unsigned minPKey = static_cast<unsigned>(batch.minPKey[lane]);
    unsigned long long seed = batch.seed[lane];
    int index = batch.tokenIndex[lane];

    unsigned long long best = findBest(rank);
    zMax = fromOrderedBits(static_cast<unsigned>(best >> 32));
    int bestToken = static_cast<int>(0xffffffffu - static_cast<unsigned>(best));
    bool finite = fabsf(zMax) < __int_as_float(0x7f800000);
    if (inverseTemperature == 0.0f || !finite) {
      if (rank == 0 && threadIdx.x == 0) finish(lane, index, finite ? bestToken : -1);
      return;
    }
    histogram(rank);
    unsigned allCount = 0;
    unsigned long long keptMass = 0;
    for (int cta = 0; cta < kCluster; cta++) {
      allCount += s.bins.count[cta];
      keptMass += s.bins.mass[cta];
    }
    unsigned cutKey = kKeyLimit;
    unsigned tiesKept = 0;
    unsigned subBin = 0xffffffffu;  // the bin that s.sub describes
    if (topK > 0 && topK < allCount) {
      Cut cut = find<false, false>(topK, 0);
      subBin = cut.bin;
      subHistogram(subBin, rank);
      Cut sub = find<true, false>(topK - cut.countBefore, subBin);
      cutKey = subBin << kSubBits | sub.bin;
      tiesKept = topK - cut.countBefore - sub.countBefore;
      keptMass = cut.massBefore + sub.massBefore + tiesKept * massOf(cutKey);
    }
    if (topP < 1.0f) {
      double wanted = ceil(static_cast<double>(topP) * static_cast<double>(keptMass));
      unsigned long long need = wanted < 1.0 ? 1 : static_cast<unsigned long long>(wanted);
      if (need > keptMass) need = keptMass;
      Cut cut = find<false, true>(need, 0);
      if (kCluster > 1 || cut.bin != subBin) {  // in a cluster the search has used s.sub
        subBin = cut.bin;
        subHistogram(subBin, rank);
      }
      Cut sub = find<true, true>(need - cut.massBefore, subBin);
      cutKey = subBin << kSubBits | sub.bin;
      unsigned long long tieMass = massOf(cutKey);
      tiesKept =
          static_cast<unsigned>((need - cut.massBefore - sub.massBefore + tieMass - 1) / tieMass);
    }
    if (minPKey < cutKey) {
      cutKey = minPKey + 1;
      tiesKept = 0;
      if (cutKey < kKeyLimit && cutKey >> kSubBits != subBin)
        subHistogram(cutKey >> kSubBits, rank);
    }
    keptOfSlice(cutKey, rank);
    Cluster<kCluster>::sync();
    unsigned long long tieMass = cutKey < kKeyLimit ? massOf(cutKey) : 0;
    unsigned long long sum = 0;
    unsigned long long myBefore = 0;
    unsigned long long myMass = 0;
    unsigned myTies = 0;
    unsigned tiesLeft = tiesKept;
    for (int cta = 0; cta < kCluster; cta++) {
      unsigned ties = min(tiesLeft, s.kept.count[cta]);
      unsigned long long mass = s.kept.mass[cta] + ties * tieMass;
      if (cta == rank) {
        myBefore = sum;
        myMass = mass;
        myTies = ties;
      }
      sum += mass;
      tiesLeft -= ties;
    }
    unsigned long long u = philoxFirstWord(seed, static_cast<unsigned>(index)) >> 8;
    unsigned long long target = (sum >> 24) * u + ((sum & 0xffffffull) * u >> 24);
    if (target < myBefore || target - myBefore >= myMass) return;
    int token = drawFromSlice(target - myBefore, cutKey, myTies, tieMass);
    if (token >= 0 && laneId == 0) finish(lane, index, token);
  }
};

template <int kCluster, int kThreads, bool kStaged>
__device__ __forceinline__ void sampleRow(const SampleBatch& batch) {
  using Sampler = RowSampler<kCluster, kThreads, kStaged>;
  extern __shared__ __align__(16) char sampleShared[];
  begin_dependent();
  int row = blockIdx.x / kCluster;
  int lane = batch.laneOf[row];
  if (lane < 0) return;  // the whole cluster
  typename Sampler::Shared& shared = *reinterpret_cast<typename Sampler::Shared*>(sampleShared);
  float* slice =
      reinterpret_cast<float*>(sampleShared + (sizeof(typename Sampler::Shared) + 15) / 16 * 16);
  Sampler sampler{batch, shared, slice};
  sampler.run(row, lane);
}

}  // namespace tracemill
