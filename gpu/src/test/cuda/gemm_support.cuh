// Host side of the matrix-product kernels for their check and bench: buffers, launches, random
// data.
#pragma once

#include <cstdio>
#include <cstdlib>
#include <vector>

#include "../../main/cuda/pack_weights.cu"
#include "../../main/cuda/prefill_gemm.cu"
#include "../../main/cuda/skinny_gemm.cu"

#define CUDA_OK(call)                                                                       \
  do {                                                                                      \
    cudaError_t error_ = (call);                                                            \
    if (error_ != cudaSuccess) {                                                            \
      std::printf("%s:%d %s: %s\n", __FILE__, __LINE__, #call, cudaGetErrorString(error_)); \
      std::exit(2);                                                                         \
    }                                                                                       \
  } while (0)

template <class T>
class DeviceBuffer {
 public:
  explicit DeviceBuffer(size_t count) : count_(count) {
    CUDA_OK(cudaMalloc(&data_, count * sizeof(T)));
  }
  ~DeviceBuffer() { cudaFree(data_); }
  DeviceBuffer(const DeviceBuffer&) = delete;
  DeviceBuffer& operator=(const DeviceBuffer&) = delete;
  T* data() const { return data_; }
  size_t count() const { return count_; }
  void fill(int byte) { CUDA_OK(cudaMemset(data_, byte, count_ * sizeof(T))); }
  void upload(const T* host, size_t count) {
    CUDA_OK(cudaMemcpy(data_, host, count * sizeof(T), cudaMemcpyHostToDevice));
  }
  std::vector<T> download() const {
    std::vector<T> host(count_);
    CUDA_OK(cudaMemcpy(host.data(), data_, count_ * sizeof(T), cudaMemcpyDeviceToHost));
    return host;
  }

 private:
  T* data_ = nullptr;
  size_t count_;
};

using Bits = unsigned short;

__host__ __device__ inline unsigned mix(unsigned long long seed, unsigned long long index) {
  unsigned long long z = seed * 0x9E3779B97F4A7C15ull + index * 0xD1B54A32D192ED03ull;
  z = (z ^ (z >> 30)) * 0xBF58476D1CE4E5B9ull;
  z = (z ^ (z >> 27)) * 0x94D049BB133111EBull;
  return static_cast<unsigned>((z ^ (z >> 31)) >> 16);
}

// Uniform in (-scale, scale).
__host__ __device__ inline float random_value(unsigned long long seed, unsigned long long index,
                                              float scale) {
  return (static_cast<float>(mix(seed, index) >> 8) * (2.0f / 16777216.0f) - 1.0f) * scale;
}

__host__ __device__ inline Bits bfloat16_bits(float value) {
  union {
    float f;
    unsigned u;
  } bits{value};
  return static_cast<Bits>((bits.u + 0x7FFF + ((bits.u >> 16) & 1)) >> 16);
}

__host__ __device__ inline float bfloat16_value(Bits value) {
  union {
    unsigned u;
    float f;
  } bits{static_cast<unsigned>(value) << 16};
  return bits.f;
}

__global__ void fill_random_bfloat16(Bits* out, size_t count, unsigned long long seed,
                                     float scale) {
  for (size_t i = blockIdx.x * static_cast<size_t>(blockDim.x) + threadIdx.x; i < count;
       i += static_cast<size_t>(gridDim.x) * blockDim.x) {
    out[i] = bfloat16_bits(random_value(seed, i, scale));
  }
}

__global__ void fill_random_float(float* out, size_t count, unsigned long long seed, float scale) {
  for (size_t i = blockIdx.x * static_cast<size_t>(blockDim.x) + threadIdx.x; i < count;
       i += static_cast<size_t>(gridDim.x) * blockDim.x) {
    out[i] = random_value(seed, i, scale);
  }
}

inline size_t packed_elements(int n, int k) {
  return static_cast<size_t>(tracemill::blocks_of(n)) * tracemill::slabs_of(k) *
         (tracemill::kSlabBytes / 2);
}

using SkinnyKernel = void (*)(const Bits*, const Bits*, void*, const float*, const int*, float*,
                              int, int, int);

using PrefillKernel = void (*)(const Bits*, const Bits*, void*, const float*, const int*, int, int,
                               int);

struct SkinnyVariant {
  int tokens;
  SkinnyKernel kernel;
};

inline const std::vector<SkinnyVariant>& skinny_variants() {
  static const std::vector<SkinnyVariant> all = {{8, skinny_gemm_m8},     {16, skinny_gemm_m16},
                                                 {32, skinny_gemm_m32},   {64, skinny_gemm_m64},
                                                 {128, skinny_gemm_m128}, {192, skinny_gemm_m192},
                                                 {256, skinny_gemm_m256}};
  return all;
}

inline const SkinnyVariant& skinny_variant_for(int rows) {
  for (const SkinnyVariant& variant : skinny_variants()) {
    if (rows <= variant.tokens) {
      return variant;
    }
  }
  std::printf("no skinny kernel for %d rows\n", rows);
  std::exit(2);
}

// Multiprocessor count, shared memory, workspace and the one stream of a run.
struct Device {
  cudaDeviceProp properties;
  int grid;
  int shared_bytes;
  cudaStream_t stream;
  DeviceBuffer<float>* workspace;

  Device() {
    CUDA_OK(cudaGetDeviceProperties(&properties, 0));
    grid = properties.multiProcessorCount / 2 * 2;
    shared_bytes = static_cast<int>(properties.sharedMemPerBlockOptin);
    CUDA_OK(cudaStreamCreate(&stream));
    for (const SkinnyVariant& variant : skinny_variants()) {
      CUDA_OK(cudaFuncSetAttribute(reinterpret_cast<const void*>(variant.kernel),
                                   cudaFuncAttributeMaxDynamicSharedMemorySize, shared_bytes));
    }
    for (PrefillKernel kernel : {prefill_gemm, prefill_gemm_m128}) {
      CUDA_OK(cudaFuncSetAttribute(reinterpret_cast<const void*>(kernel),
                                   cudaFuncAttributeMaxDynamicSharedMemorySize, shared_bytes));
    }
    workspace = new DeviceBuffer<float>(static_cast<size_t>(grid) * 2 * 128 * 256);
    workspace->fill(0xFF);
  }
};

struct Product {
  const Bits* packed;
  const Bits* x;
  void* y;
  const float* bias;
  const int* num_rows;
  int n;
  int k;
  int epilogue;
};

enum class Launch { kPlain, kDependent };

inline void launch_skinny(const Device& device, const SkinnyVariant& variant,
                          const Product& product, Launch launch) {
  cudaLaunchConfig_t config = {};
  config.gridDim = dim3(device.grid);
  config.blockDim = dim3(tracemill::kThreads);
  config.dynamicSmemBytes = device.shared_bytes;
  config.stream = device.stream;
  cudaLaunchAttribute attribute;
  attribute.id = cudaLaunchAttributeProgrammaticStreamSerialization;
  attribute.val.programmaticStreamSerializationAllowed = 1;
  config.attrs = &attribute;
  config.numAttrs = launch == Launch::kDependent ? 1 : 0;
  CUDA_OK(cudaLaunchKernelEx(&config, variant.kernel, product.packed, product.x, product.y,
                             product.bias, product.num_rows, device.workspace->data(), product.n,
                             product.k, product.epilogue));
}

inline void launch_prefill(const Device& device, const Product& product, int rows) {
  PrefillKernel kernel = rows <= 128 ? prefill_gemm_m128 : prefill_gemm;
  kernel<<<device.grid, tracemill::kThreads, device.shared_bytes, device.stream>>>(
      product.packed, product.x, product.y, product.bias, product.num_rows, product.n, product.k,
      product.epilogue);
  CUDA_OK(cudaGetLastError());
}

inline void pack(const Device& device, const void* source, Bits* packed, int rows, int k, int type,
                 int first_row, int row_map) {
  pack_weights<<<device.grid * 8, 256, 0, device.stream>>>(source, packed, rows, k, type, first_row,
                                                           row_map);
  CUDA_OK(cudaGetLastError());
}
