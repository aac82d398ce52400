// Packed weight layout and work partition shared by pack_weights, skinny_gemm and prefill_gemm.
//
// A weight W[N][K] is cut into blocks of 256 rows and slabs of 64 columns. A slab is 256 rows of
// 128 bytes, the eight 16-byte chunks of a row permuted by chunk ^ (row % 8): the order that
// ldmatrix reads without bank conflicts and that wgmma calls the 128-byte swizzle. Slabs of a block
// follow one another by k, so a half slab (128 rows, 16 KB) is one contiguous bulk copy.
//
//   numBlocks = ceil(N / 256), numSlabs = ceil(K / 64) per block, missing rows and columns are zero
//   offset(row, k) in elements = ((row / 256) * numSlabs + k / 64) * 16384
//                              + (row % 256) * 64 + (((k % 64) / 8) ^ (row % 8)) * 8 + k % 8
//   bytes = numBlocks * numSlabs * 32768
//
// Gate and up share one matrix of 2 * inter rows: packed row p holds, with g = p / 16 and r = p %
// 16, gate row 8 g + r for r < 8 and up row 8 g + r - 8 otherwise. A thread's accumulator rows are
// 8 apart, so it owns a gate and its up value and the product needs no exchange.
#pragma once

namespace tracemill {

constexpr int kBlockRows = 256;
constexpr int kHalfRows = 128;
constexpr int kSlabColumns = 64;
constexpr int kRowBytes = kSlabColumns * 2;
constexpr int kHalfSlabBytes = kHalfRows * kRowBytes;
constexpr int kSlabBytes = kBlockRows * kRowBytes;

__host__ __device__ inline int blocks_of(int n) { return (n + kBlockRows - 1) / kBlockRows; }
__host__ __device__ inline int slabs_of(int k) { return (k + kSlabColumns - 1) / kSlabColumns; }

__host__ __device__ inline long long packed_offset(int row, int k, int num_slabs) {
  long long slab = static_cast<long long>(row / kBlockRows) * num_slabs + k / kSlabColumns;
  int chunk = ((k % kSlabColumns) / 8) ^ (row % 8);
  return slab * (kBlockRows * kSlabColumns) + (row % kBlockRows) * kSlabColumns + chunk * 8 + k % 8;
}

// Who works on what: the thread blocks of a grid form pairs. With at least as many blocks of rows
// as pairs, each pair gets the same number of whole blocks; the slabs of the remaining blocks,
// which come first in the matrix, are dealt out evenly: pair p takes split slabs [p * units /
// pairs, (p + 1) * units / pairs), so such a block is split over k. The partition knows the shape
// and the grid but not the number of tokens, so the order of additions is the same for every batch.
// units * pairs stays below 2^32 for any matrix of less than 2 TB.
struct Partition {
  int slabs;
  unsigned pairs;       // pairs that get a part of the split blocks
  unsigned units;       // slabs of the split blocks
  int split_blocks;     // blocks that are split, the first of the matrix
  int blocks_per_pair;  // whole blocks for each pair

  __device__ Partition(int n, int k, unsigned grid_pairs) {
    slabs = slabs_of(k);
    const int blocks = blocks_of(n);
    blocks_per_pair = blocks / grid_pairs;
    split_blocks = blocks - blocks_per_pair * grid_pairs;
    units = split_blocks * slabs;
    pairs = grid_pairs < units ? grid_pairs : units;
  }
  __device__ int begin(unsigned pair) const { return static_cast<int>(pair * units / pairs); }
  __device__ int pair_of(unsigned unit) const {
    return static_cast<int>(((unit + 1) * pairs - 1) / units);
  }
};

// One uninterrupted run over k for one block of rows and one tile of tokens.
struct Segment {
  int block;
  int slab_begin;
  int slab_end;
  int token_base;
  int first_pair;
  int last_pair;
};

}  // namespace tracemill
