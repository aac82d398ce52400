// RMSNorm: out[row][i] = bf16( x[source][i] * weight[i] / sqrt(mean(x[source]^2) + eps) ), fp32
// statistics.
//   x [rows][hidden] fp32, weight [hidden] fp32, out [rows][hidden] bf16; hidden a multiple of 4.
// rms_norm_decode: source = row; rows with laneOf[row] = -1 write nothing.
// rms_norm_prefill: source = row for every row.
// rms_norm_gather: source = sourceRow[row], -1 writes nothing (the last row of each prefill segment
// before the lm head).
// Launch: grid (rows), block 512. One CTA per row; the row is read once and kept in registers while
// hidden <= 8192, the rest is read again. The order of the sum is fixed by hidden alone. Shared
// memory: 64 bytes static.
// CPU twin: the RMSNorm of the CPU backend in fp32, rounded once to bf16.
#include "device_math.cuh"

namespace tracemill {

constexpr int kNormThreads = 512;
constexpr int kNormKept = 4;

__device__ __forceinline__ void normRow(const float* x, const float* weight, bf16* out, int hidden,
                                        float eps) {
  __shared__ float warpSums[kNormThreads / 32];
  const float4* x4 = reinterpret_cast<const float4*>(x);
  const float4* weight4 = reinterpret_cast<const float4*>(weight);
  uint2* out4 = reinterpret_cast<uint2*>(out);
  int count = hidden / 4;
  float4 kept[kNormKept];
  float sum = 0.0f;
#pragma unroll
  for (int k = 0; k < kNormKept; k++) {
    int i = threadIdx.x + k * kNormThreads;
    kept[k] = i < count ? x4[i] : make_float4(0.0f, 0.0f, 0.0f, 0.0f);
  }
#pragma unroll
  for (int k = 0; k < kNormKept; k++) {
    sum += kept[k].x * kept[k].x + kept[k].y * kept[k].y + kept[k].z * kept[k].z +
           kept[k].w * kept[k].w;
  }
  for (int i = threadIdx.x + kNormKept * kNormThreads; i < count; i += kNormThreads) {
    float4 v = x4[i];
    sum += v.x * v.x + v.y * v.y + v.z * v.z + v.w * v.w;
  }
  sum = warpSum(sum);
  if ((threadIdx.x & 31) == 0) warpSums[threadIdx.x >> 5] = sum;
  __syncthreads();
  sum = 0.0f;
#pragma unroll
  for (int w = 0; w < kNormThreads / 32; w++) sum += warpSums[w];
  float scale = 1.0f / sqrtf(sum / static_cast<float>(hidden) + eps);
#pragma unroll
  for (int k = 0; k < kNormKept; k++) {
    int i = threadIdx.x + k * kNormThreads;
    if (i < count) {
      float4 w = __ldg(weight4 + i);
      out4[i] = make_uint2(packBf16(kept[k].x * scale * w.x, kept[k].y * scale * w.y),
                           packBf16(kept[k].z * scale * w.z, kept[k].w * scale * w.w));
    }
  }
  for (int i = threadIdx.x + kNormKept * kNormThreads; i < count; i += kNormThreads) {
    float4 v = x4[i];
    float4 w = __ldg(weight4 + i);
    out4[i] = make_uint2(packBf16(v.x * scale * w.x, v.y * scale * w.y),
                         packBf16(v.z * scale * w.z, v.w * scale * w.w));
  }
}

}  // namespace tracemill

extern "C" __global__ void __launch_bounds__(512, 4)
    rms_norm_decode(const float* x, const float* weight, unsigned short* out, const int* laneOf,
                    int hidden, float eps) {
  tracemill::begin_dependent();
  if (laneOf[blockIdx.x] < 0) return;
  long long offset = static_cast<long long>(blockIdx.x) * hidden;
  tracemill::normRow(x + offset, weight, out + offset, hidden, eps);
}

extern "C" __global__ void __launch_bounds__(512, 4)
    rms_norm_prefill(const float* x, const float* weight, unsigned short* out, int hidden,
                     float eps) {
  long long offset = static_cast<long long>(blockIdx.x) * hidden;
  tracemill::normRow(x + offset, weight, out + offset, hidden, eps);
}

extern "C" __global__ void __launch_bounds__(512, 4)
    rms_norm_gather(const float* x, const float* weight, unsigned short* out, const int* sourceRow,
                    int hidden, float eps) {
  int source = sourceRow[blockIdx.x];
  if (source < 0) return;
  tracemill::normRow(x + static_cast<long long>(source) * hidden, weight,
                     out + static_cast<long long>(blockIdx.x) * hidden, hidden, eps);
}
