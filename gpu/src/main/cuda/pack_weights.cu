// Repacks rows of a row-major weight [rows][K] into the layout that the GEMM kernels stream.
//
// Formula: packed[packed_offset(p(row), k)] = bfloat16(source[row][k]), zero for k from K to
// 64 * numSlabs, where by row_map, with i = first_row + row,
//   0: p(row) = i                         plain; the rows of q, k and v after one another
//   1: p(row) = 16 * (i / 8) + i % 8      gate
//   2: p(row) = 16 * (i / 8) + 8 + i % 8  up
// so a matrix may arrive in slices of rows, each a launch of its own. Rows that no slice covers (N
// not a multiple of 256) must be zero: clear the packed buffer before the first slice.
//
// Shapes: source [num_rows][k] contiguous, 16-byte aligned, K % 8 == 0; source_type 0 bfloat16,
// 1 IEEE half, 2 float. packed: gemm_layout.cuh, 16-byte aligned, 32768 * numBlocks * numSlabs
// bytes. Conversion rounds to nearest even; bfloat16 is copied bit for bit.
//
// Work: a thread turns 8 neighbouring values into one 16-byte chunk; grid-stride over all chunks.
// Launch: any grid (8 thread blocks of 256 per multiprocessor is enough), no shared memory.
//
// CPU twin: the rounding of io.tracemill.engine.weights; the order is this file's own.

#include "gemm_layout.cuh"

namespace tracemill {

__device__ __forceinline__ unsigned pack_bfloat16(float low, float high) {
  unsigned bits;
  asm("cvt.rn.bf16x2.f32 %0, %1, %2;" : "=r"(bits) : "f"(high), "f"(low));
  return bits;
}

__device__ __forceinline__ float half_to_float(unsigned bits) {
  float value;
  asm("{\n .reg .b16 h;\n cvt.u16.u32 h, %1;\n cvt.f32.f16 %0, h;\n}"
      : "=f"(value)
      : "r"(bits & 0xFFFF));
  return value;
}

__device__ __forceinline__ unsigned halves_to_bfloat16(unsigned bits) {
  return pack_bfloat16(half_to_float(bits), half_to_float(bits >> 16));
}

__device__ __forceinline__ uint4 load_chunk(const void* source, long long chunk, int source_type) {
  if (source_type == 2) {
    float4 a = static_cast<const float4*>(source)[2 * chunk];
    float4 b = static_cast<const float4*>(source)[2 * chunk + 1];
    return make_uint4(pack_bfloat16(a.x, a.y), pack_bfloat16(a.z, a.w), pack_bfloat16(b.x, b.y),
                      pack_bfloat16(b.z, b.w));
  }
  uint4 bits = static_cast<const uint4*>(source)[chunk];
  if (source_type == 1) {
    return make_uint4(halves_to_bfloat16(bits.x), halves_to_bfloat16(bits.y),
                      halves_to_bfloat16(bits.z), halves_to_bfloat16(bits.w));
  }
  return bits;
}

}  // namespace tracemill

extern "C" __global__ void __launch_bounds__(256)
    pack_weights(const void* source, unsigned short* packed, int num_rows, int k, int source_type,
                 int first_row, int row_map) {
  using namespace tracemill;
  const int num_slabs = slabs_of(k);
  const int chunks_per_row = num_slabs * 8;
  const int source_chunks = k / 8;
  const long long total = static_cast<long long>(num_rows) * chunks_per_row;
  const long long stride = static_cast<long long>(gridDim.x) * blockDim.x;
  for (long long i = static_cast<long long>(blockIdx.x) * blockDim.x + threadIdx.x; i < total;
       i += stride) {
    const int row = static_cast<int>(i / chunks_per_row);
    const int chunk = static_cast<int>(i - static_cast<long long>(row) * chunks_per_row);
    uint4 value = make_uint4(0, 0, 0, 0);
    if (chunk < source_chunks) {
      value = load_chunk(source, static_cast<long long>(row) * source_chunks + chunk, source_type);
    }
    int target = first_row + row;
    if (row_map != 0) {
      target = (target / 8) * 16 + target % 8 + (row_map == 2 ? 8 : 0);
    }
    *reinterpret_cast<uint4*>(packed + packed_offset(target, chunk * 8, num_slabs)) = value;
  }
}
