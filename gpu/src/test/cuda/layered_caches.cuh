// The caches of several layers behind one page table, on the card.
#pragma once

#include <memory>
#include <utility>
#include <vector>

#include "paged_cache.cuh"

namespace check {

struct LayeredCaches {
  std::vector<PagedCache> caches;  // by layer, with one page table
  std::vector<std::unique_ptr<Buffer<uint16_t>>> pools;
  Buffer<int> table;
  Buffer<unsigned long long> layerPool;

  explicit LayeredCaches(std::vector<PagedCache> byLayer)
      : caches(std::move(byLayer)), table(caches[0].table), layerPool(caches.size()) {
    std::vector<unsigned long long> addresses;
    for (const PagedCache& cache : caches) {
      pools.push_back(std::make_unique<Buffer<uint16_t>>(cache.pool));
      addresses.push_back(reinterpret_cast<unsigned long long>(pools.back()->get()));
    }
    layerPool.upload(addresses);
  }
};

}  // namespace check
