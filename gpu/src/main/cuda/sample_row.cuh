// Body of the sampler for one batch row, from the logits to the token; sample.cu gives the
// definition that it computes and makes the kernels.
//   1. findBest    (sample_reduce.cuh)     reads the logits: largest z, lowest id; greedy ends here
//   2. countBins   (sample_histogram.cuh)  tokens and masses by bin
//   3. keptPrefix  (sample_filter.cuh)     top-k, top-p, min-p as one cut: 0 to 3 further passes
//   4. drawKept    (sample_draw.cuh)       the token
// kCtas consecutive CTAs, a cluster, take one row; they go through all steps together, and meet at
// barriers of the cluster between them. sample_slice.cuh says which token ids each has and lays out
// the dynamic shared memory; there is no static one.
#pragma once

#include "sample_draw.cuh"

namespace tracemill {

template <int kCtas, int kThreads, bool kHeld>
__device__ __forceinline__ void sampleRow(const SampleBatch& batch) {
  using Slice = SampleSlice<kCtas, kThreads, kHeld>;
  using Shared = typename Slice::Shared;
  extern __shared__ __align__(16) char sampleShared[];
  begin_dependent();
  int row = blockIdx.x / kCtas;
  int lane = batch.laneOf[row];
  if (lane < 0) return;  // the whole cluster
  Slice::Ctas::announce();
  Slice slice(batch, *reinterpret_cast<Shared*>(sampleShared),
              reinterpret_cast<float*>(sampleShared + (sizeof(Shared) + 15) / 16 * 16), row, lane);
  SampleFilters filters{static_cast<unsigned>(batch.topK[lane]), batch.topP[lane],
                        static_cast<unsigned>(batch.minPKey[lane])};
  LaneDraw draw{lane, batch.seed[lane], batch.tokenIndex[lane]};

  Best best = findBest(slice);
  bool finite = fabsf(best.z) < __int_as_float(0x7f800000);
  if (slice.inverseTemperature == 0.0f || !finite) {
    if (slice.rank == 0 && threadIdx.x == 0) finish(batch, draw, finite ? best.id : -1);
    return;
  }
  slice.zMax = best.z;
  countBins(slice);
  KeptPrefix kept = keptPrefix(slice, filters);
  drawKept(slice, kept, draw);
}

}  // namespace tracemill
