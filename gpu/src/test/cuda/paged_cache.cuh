// A host-side paged KV cache for the checks: random pages per lane, NaN everywhere that no row was
// written.
#pragma once

#include "test_support.cuh"

namespace check {

struct PagedCache {
  int numLanes, maxPages, numPages, numKvHeads, headDim;
  std::vector<int> table;      // [lane][maxPages]
  std::vector<uint16_t> pool;  // [page][K|V][kvHead][64][d]

  PagedCache(const std::vector<int>& rowsOfLane, int kvHeads, int dim, uint64_t stream,
             int spareRows = 64)
      : numLanes(static_cast<int>(rowsOfLane.size())), numKvHeads(kvHeads), headDim(dim) {
    int longest = *std::max_element(rowsOfLane.begin(), rowsOfLane.end()) + spareRows;
    maxPages = ((longest + 63) / 64 + 3) / 4 * 4;
    numPages = 1;
    for (int rows : rowsOfLane) numPages += (rows + spareRows + 63) / 64;
    std::vector<int> order(numPages);
    for (int i = 0; i < numPages; i++) order[i] = i;
    Random random(stream);
    for (int i = numPages - 1; i > 0; i--) std::swap(order[i], order[random.below(i + 1)]);
    table.assign(static_cast<size_t>(numLanes) * maxPages, 0x7fffffff);
    pool.assign(static_cast<size_t>(numPages) * 2 * kvHeads * 64 * dim, 0x7fff);
    int used = 0;
    for (int lane = 0; lane < numLanes; lane++) {
      for (int p = 0; p < (rowsOfLane[lane] + spareRows + 63) / 64; p++)
        table[lane * maxPages + p] = order[used++];
    }
    parallel(numLanes, [&](int lane) {
      Random data(stream * 1000 + 17 + lane);
      for (int slot = 0; slot < rowsOfLane[lane]; slot++) {
        for (int kv = 0; kv < 2; kv++) {
          for (int h = 0; h < numKvHeads; h++) {
            uint16_t* target = &pool[row(lane, slot, kv, h)];
            for (int i = 0; i < headDim; i++) target[i] = toBf16(data.normal());
          }
        }
      }
    });
  }

  size_t row(int lane, int slot, int keyOrValue, int kvHead) const {
    size_t page = table[static_cast<size_t>(lane) * maxPages + slot / 64];
    return (((page * 2 + keyOrValue) * numKvHeads + kvHead) * 64 + slot % 64) * headDim;
  }

  // softmax(scale * q . K) V over slots 0..rows-1 in double.
  void attend(const uint16_t* q, int lane, int kvHead, int rows, double scale, double* out) const {
    std::vector<double> z(rows);
    double top = -INFINITY;
    for (int j = 0; j < rows; j++) {
      const uint16_t* k = &pool[row(lane, j, 0, kvHead)];
      double dot = 0;
      for (int i = 0; i < headDim; i++) dot += static_cast<double>(fromBf16(q[i])) * fromBf16(k[i]);
      z[j] = dot * scale;
      top = std::max(top, z[j]);
    }
    double sum = 0;
    std::fill(out, out + headDim, 0.0);
    for (int j = 0; j < rows; j++) {
      double p = std::exp(z[j] - top);
      sum += p;
      const uint16_t* v = &pool[row(lane, j, 1, kvHead)];
      for (int i = 0; i < headDim; i++) out[i] += p * fromBf16(v[i]);
    }
    for (int i = 0; i < headDim; i++) out[i] /= sum;
  }
};

}  // namespace check
