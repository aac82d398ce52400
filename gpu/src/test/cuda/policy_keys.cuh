// Keys of several layers behind one page table, as the kernels of the policies take them.
#pragma once

#include "layered_caches.cuh"
#include "paged_cache.cuh"
#include "policy_due.cuh"

namespace check {

struct PolicyKeys : LayeredCaches {
  int layers, hq, hkv, dim;
  std::vector<PolicyDue> dues;

  static std::vector<PagedCache> makeCaches(int layers, int hkv, int dim,
                                            const std::vector<PolicyDue>& dues, uint64_t stream) {
    std::vector<int> rows(kLanes, 1);
    for (const PolicyDue& d : dues) rows[d.lane] = d.rows();
    std::vector<PagedCache> caches(layers, PagedCache(rows, hkv, dim, stream));
    for (int layer = 1; layer < layers; layer++) {
      Random random(stream * 31 + layer);
      for (int lane = 0; lane < kLanes; lane++) {
        for (int at = 0; at < rows[lane] * hkv; at++) {
          uint16_t* key = &caches[layer].pool[caches[layer].row(lane, at / hkv, 0, at % hkv)];
          for (int i = 0; i < dim; i++) key[i] = toBf16(random.normal());
        }
      }
    }
    return caches;
  }

  PolicyKeys(int layers_, int hq_, int hkv_, int dim_, const std::vector<PolicyDue>& dues_,
             uint64_t stream)
      : LayeredCaches(makeCaches(layers_, hkv_, dim_, dues_, stream)),
        layers(layers_),
        hq(hq_),
        hkv(hkv_),
        dim(dim_),
        dues(dues_) {}

  int group() const { return hq / hkv; }

  // A head is (due lane, layer, query head), in this order.
  int heads() const { return static_cast<int>(dues.size()) * layers * hq; }
  const PolicyDue& due(int head) const { return dues[head / hq / layers]; }
  int layer(int head) const { return head / hq % layers; }
  const uint16_t* key(int head, int slot) const {
    const PagedCache& cache = caches[layer(head)];
    return &cache.pool[cache.row(due(head).lane, slot, 0, head % hq / group())];
  }
};

// Lanes of one candidate, and of a page's rows less one, exactly and more one.
inline const std::vector<PolicyDue> kPageLanes = {{0, 0, 1, 1, 1, 2, 0, 2},
                                                  {1, 0, 62, 20, 1, 5, 0, 63},
                                                  {2, 3, 60, 59, 1, 6, 0, 900},
                                                  {3, 1, 63, 7, 1, 0, 0, 65}};

}  // namespace check
