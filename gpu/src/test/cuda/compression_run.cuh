// One compression as its four launches: sizes, buffers and launches of both forms of the scoring
// kernels. Include after the kernels.
#pragma once

#include "paged_cache.cuh"

namespace check {

struct Due {
  int lane, first, candidates, kept, window, newest;
};

// The scoring kernels exist twice: for every device, and for the warpgroups of sm_90a.
enum class Form { kWarps, kWarpgroups };

inline std::vector<Form> forms() {
  cudaDeviceProp device;
  CUDA(cudaGetDeviceProperties(&device, 0));
  if (device.major != 9) return {Form::kWarps};
  return {Form::kWarps, Form::kWarpgroups};
}

inline int multiprocessors() {
  int count;
  CUDA(cudaDeviceGetAttribute(&count, cudaDevAttrMultiProcessorCount, 0));
  return count;
}

// A launch that may start while the kernel before it on the stream drains.
template <typename... Types, typename... Values>
void launchOverlapping(void (*kernel)(Types...), dim3 grid, int block, int sharedBytes,
                       cudaStream_t stream, Values... values) {
  cudaLaunchAttribute overlap = {};
  overlap.id = cudaLaunchAttributeProgrammaticStreamSerialization;
  overlap.val.programmaticStreamSerializationAllowed = 1;
  cudaLaunchConfig_t config = {};
  config.gridDim = grid;
  config.blockDim = dim3(block);
  config.dynamicSmemBytes = sharedBytes;
  config.stream = stream;
  config.attrs = &overlap;
  config.numAttrs = 1;
  CUDA(cudaLaunchKernelEx(&config, kernel, static_cast<Types>(values)...));
}

// Several layers of pools (all lanes), the ring, and the workspace of one compression.
struct Compression {
  int layers, lanes, hq, hkv, dim, ringRows, maxPages, strips, maxCandidates, maxKept, lists;
  std::vector<Due> dues;
  Buffer<unsigned long long> layerPool;
  Buffer<int> table, due, counters, slots;
  Buffer<uint16_t>* ring;
  Buffer<float> weights, offsets, scores, scratch, cut;
  Buffer<float2> stats;
  Form form = forms().back();
  int ctas = multiprocessors();  // of a scoring pass by warpgroups; any number gives the same bits

  static std::vector<int> pack(const std::vector<Due>& dues) {
    std::vector<int> v;
    for (const Due& d : dues)
      v.insert(v.end(), {d.lane, d.first, d.candidates, d.kept, d.window, d.newest, 0, 0});
    return v;
  }
  static int most(const std::vector<Due>& dues, int Due::*field) {
    int m = 1;
    for (const Due& d : dues) m = std::max(m, d.*field);
    return m;
  }
  size_t problems() const { return dues.size() * layers * hkv; }
  int rows() const { return ringRows * (hq / hkv); }
  int rowBlocks() const { return (rows() + 255) / 256; }
  Compression(int layerCount, int laneCount, int queryHeads, int kvHeads, int headDim, int window,
              const std::vector<int>& pages, const std::vector<unsigned long long>& pools,
              Buffer<uint16_t>* ringBuffer, const std::vector<float>& weight,
              const std::vector<Due>& due_, int listsPerLayer)
      : layers(layerCount),
        lanes(laneCount),
        hq(queryHeads),
        hkv(kvHeads),
        dim(headDim),
        ringRows(window),
        maxPages(static_cast<int>(pages.size()) / laneCount),
        strips((most(due_, &Due::candidates) + 63 + 511) / 512),
        maxCandidates(most(due_, &Due::candidates)),
        maxKept(most(due_, &Due::kept)),
        lists(listsPerLayer),
        dues(due_),
        layerPool(pools),
        table(pages),
        due(pack(due_)),
        counters(problems() * rowBlocks()),
        slots(dues.size() * layers * lists * maxKept),
        ring(ringBuffer),
        weights(weight),
        offsets(problems() * rows()),
        scores(problems() * maxCandidates),
        scratch(dues.size() * layers * lists * 2 * maxCandidates),
        cut(dues.size() * layers * lists),
        stats(problems() * strips * rows()) {
    counters.zero();
  }
  void score(float scale, cudaStream_t stream = 0, int passes = 3) {
    form == Form::kWarps ? scoreByWarps(scale, stream, passes)
                         : scoreByWarpgroups(scale, stream, passes);
  }
  void scoreByWarpgroups(float scale, cudaStream_t stream, int passes) {
    auto* first = dim == 128 ? rpc_score_stats_wgmma_d128 : rpc_score_stats_wgmma_d64;
    auto* second = dim == 128 ? rpc_score_columns_wgmma_d128 : rpc_score_columns_wgmma_d64;
    int firstBytes = 8 * 128 * dim + 1152, secondBytes = 256 * (2 * dim + 8);
    CUDA(cudaFuncSetAttribute(first, cudaFuncAttributeMaxDynamicSharedMemorySize, firstBytes));
    CUDA(cudaFuncSetAttribute(second, cudaFuncAttributeMaxDynamicSharedMemorySize, secondBytes));
    int n = static_cast<int>(dues.size());
    if (passes & 1)
      first<<<ctas, 544, firstBytes, stream>>>(layerPool.get(), table.get(), ring->get(),
                                               weights.get(), due.get(), stats.get(), scores.get(),
                                               maxPages, lanes, layers, hq, hkv, ringRows, strips,
                                               maxCandidates, scale, n);
    if (passes & 2)
      launchOverlapping(second, dim3(ctas), 512, secondBytes, stream, layerPool.get(), table.get(),
                        ring->get(), weights.get(), due.get(), stats.get(), scores.get(), maxPages,
                        lanes, layers, hq, hkv, ringRows, strips, maxCandidates, scale, n);
  }
  void scoreByWarps(float scale, cudaStream_t stream, int passes) {
    auto* first = dim == 128 ? rpc_score_stats_d128 : rpc_score_stats_d64;
    auto* second = dim == 128 ? rpc_score_columns_d128 : rpc_score_columns_d64;
    int firstBytes = 4 * 64 * dim * 2, secondBytes = 256 * (2 * dim + 8);
    CUDA(cudaFuncSetAttribute(first, cudaFuncAttributeMaxDynamicSharedMemorySize, firstBytes));
    CUDA(cudaFuncSetAttribute(second, cudaFuncAttributeMaxDynamicSharedMemorySize, secondBytes));
    int n = static_cast<int>(dues.size());
    if (passes & 1)
      first<<<dim3(strips, layers * hkv, n * rowBlocks()), 256, firstBytes, stream>>>(
          layerPool.get(), table.get(), ring->get(), weights.get(), due.get(), stats.get(),
          offsets.get(), counters.get(), scores.get(), maxPages, lanes, layers, hq, hkv, ringRows,
          strips, maxCandidates, scale);
    if (passes & 2)
      second<<<dim3(strips, layers * hkv, n), 256, secondBytes, stream>>>(
          layerPool.get(), table.get(), ring->get(), weights.get(), due.get(), stats.get(),
          offsets.get(), counters.get(), scores.get(), maxPages, lanes, layers, hq, hkv, ringRows,
          strips, maxCandidates, scale);
  }
  void select(int pooling, int sharedScores = 12288, cudaStream_t stream = 0) {
    int shared = std::min(sharedScores, (maxCandidates + 3) / 4 * 4);
    CUDA(cudaFuncSetAttribute(rpc_select, cudaFuncAttributeMaxDynamicSharedMemorySize, shared * 4));
    launchOverlapping(rpc_select, dim3(layers * lists, static_cast<int>(dues.size())), 1024,
                      shared * 4, stream, scores.get(), due.get(), scratch.get(), slots.get(),
                      cut.get(), layers, hkv, hq / hkv, lists, pooling, maxCandidates, maxKept,
                      shared);
  }
  void compact(cudaStream_t stream = 0) {
    launchOverlapping(kv_compact, dim3(2 * hkv, layers, static_cast<int>(dues.size())), 4 * dim,
                      maxPages * 4, stream, layerPool.get(), table.get(), due.get(), slots.get(),
                      maxPages, layers, hkv, dim, lists, maxKept);
  }
};

}  // namespace check
