// Prefill attention: against float64, bitwise independence of the chunking and of other segments,
// and rate.
#include "../../main/cuda/paged_attention_prefill.cu"
#include "paged_cache.cuh"

namespace check {
namespace {

struct Segment {
  int lane, slot, rows;
};

std::vector<uint16_t> attend(const PagedCache& cache, const uint16_t* pool,
                             const std::vector<Segment>& segments, int hq,
                             const std::vector<uint16_t>& query) {
  std::vector<int> segRow = {0}, segLane, segSlot;
  int tiles = 0;
  for (const Segment& s : segments) {
    segRow.push_back(segRow.back() + s.rows);
    segLane.push_back(s.lane);
    segSlot.push_back(s.slot);
    tiles += (s.rows + 127) / 128;
  }
  Buffer<int> rowBuffer(segRow), laneBuffer(segLane), slotBuffer(segSlot), table(cache.table);
  Buffer<uint16_t> queryBuffer(query), out(query.size());
  auto* kernel = cache.headDim == 128 ? paged_attention_prefill_d128 : paged_attention_prefill_d64;
  int bytes = 3 * 2 * 64 * cache.headDim * 2;
  CUDA(cudaFuncSetAttribute(kernel, cudaFuncAttributeMaxDynamicSharedMemorySize, bytes));
  kernel<<<dim3(hq, tiles), 256, bytes>>>(
      queryBuffer.get(), pool, rowBuffer.get(), laneBuffer.get(), slotBuffer.get(), table.get(),
      out.get(), static_cast<int>(segments.size()), cache.maxPages, hq, cache.numKvHeads,
      1.0f / std::sqrt(static_cast<float>(cache.headDim)));
  settle("paged_attention_prefill");
  return out.download();
}

void checkCase(int hq, int hkv, int dim, const std::vector<Segment>& segments, uint64_t stream) {
  int lanes = 0;
  for (const Segment& s : segments) lanes = std::max(lanes, s.lane + 1);
  std::vector<int> rowsOfLane(lanes, 1);
  int rows = 0;
  for (const Segment& s : segments) {
    rowsOfLane[s.lane] = std::max(rowsOfLane[s.lane], s.slot + s.rows);
    rows += s.rows;
  }
  PagedCache cache(rowsOfLane, hkv, dim, stream);
  Buffer<uint16_t> pool(cache.pool);
  std::vector<uint16_t> query = normalBf16(static_cast<size_t>(rows) * hq * dim, 1.5f, stream + 3);
  std::vector<uint16_t> out = attend(cache, pool.get(), segments, hq, query);
  std::vector<int> lane, slot;
  for (const Segment& s : segments) {
    for (int i = 0; i < s.rows; i++) lane.push_back(s.lane), slot.push_back(s.slot + i);
  }
  std::vector<Error> errors(rows);
  parallel(rows, [&](int row) {
    std::vector<double> expected(dim);
    for (int head = 0; head < hq; head++) {
      size_t offset = (static_cast<size_t>(row) * hq + head) * dim;
      cache.attend(&query[offset], lane[row], head / (hq / hkv), slot[row] + 1,
                   1.0f / std::sqrt(static_cast<float>(dim)), expected.data());
      for (int k = 0; k < dim; k++) errors[row].add(fromBf16(out[offset + k]), expected[k]);
    }
  });
  double worst = 0;
  for (const Error& e : errors) worst = std::max(worst, e.nmse());
  expect(worst < 3e-5, "prefill attention %d/%d d%d: NMSE %.3g", hq, hkv, dim, worst);
  std::printf("  prefill %d/%d d%d, %d rows in %zu segments: worst row NMSE %.2e\n", hq, hkv, dim,
              rows, segments.size(), worst);
}

void checkChunks(int hq, int hkv, int dim, int rows, const std::vector<int>& chunks,
                 uint64_t stream) {
  PagedCache cache({rows, 200}, hkv, dim, stream);
  Buffer<uint16_t> pool(cache.pool);
  size_t width = static_cast<size_t>(hq) * dim;
  std::vector<uint16_t> query = normalBf16(rows * width, 1.5f, stream + 3);
  std::vector<uint16_t> whole = attend(cache, pool.get(), {{0, 0, rows}}, hq, query);
  int at = 0;
  for (int chunk : chunks) {
    std::vector<uint16_t> part(query.begin() + at * width, query.begin() + (at + chunk) * width);
    std::vector<uint16_t> other = normalBf16(30 * width, 1.0f, stream + at + 50);
    std::vector<uint16_t> joined = other;
    joined.insert(joined.end(), part.begin(), part.end());
    std::vector<uint16_t> out =
        attend(cache, pool.get(), {{1, 170, 30}, {0, at, chunk}}, hq, joined);
    expect(std::equal(out.begin() + 30 * width, out.end(), whole.begin() + at * width),
           "prefill rows %d..%d differ when the prompt is cut", at, at + chunk);
    at += chunk;
  }
}

}  // namespace

void prefillAttention(bool small) {
  if (small) {
    checkCase(4, 2, 128, {{0, 0, 70}, {1, 100, 30}}, 21);
    checkCase(4, 2, 64, {{0, 3, 130}}, 22);
    checkCase(7, 1, 128, {{0, 60, 65}}, 26);
    checkCase(5, 1, 64, {{0, 0, 1}, {1, 0, 129}}, 27);
    return;
  }
  checkCase(
      28, 4, 128,
      {{0, 0, 1}, {1, 0, 63}, {2, 0, 64}, {3, 0, 65}, {4, 0, 300}, {5, 190, 257}, {6, 1000, 129}},
      21);
  checkCase(4, 2, 64, {{0, 0, 700}, {1, 63, 2}, {2, 64, 128}}, 22);
  checkCase(10, 2, 128, {{0, 0, 200}, {1, 5, 127}}, 23);
  checkChunks(14, 2, 128, 700, {256, 300, 144}, 24);
  checkChunks(4, 2, 64, 500, {1, 127, 128, 65, 179}, 25);
}

void benchPrefillAttention() {
  std::printf(
      "prefill attention per layer, 28/4 d128 (causal FLOP = 4 * d * heads * sum of rows "
      "attended)\n");
  for (const Segment& s : {Segment{0, 0, 2048}, Segment{0, 6144, 2048}, Segment{0, 0, 512}}) {
    int hq = 28, hkv = 4, dim = 128, slot = s.slot, rows = s.rows;
    PagedCache cache({slot + rows}, hkv, dim, 31);
    Buffer<uint16_t> pool(cache.pool),
        query(normalBf16(static_cast<size_t>(rows) * hq * dim, 1.0f, 32));
    Buffer<uint16_t> out(query.size());
    Buffer<int> segRow(std::vector<int>{0, rows}), segLane(std::vector<int>{0}),
        segSlot(std::vector<int>{slot});
    Buffer<int> table(cache.table);
    int bytes = 3 * 2 * 64 * dim * 2;
    CUDA(cudaFuncSetAttribute(paged_attention_prefill_d128,
                              cudaFuncAttributeMaxDynamicSharedMemorySize, bytes));
    double micros = graphMicros(10, [&](cudaStream_t stream, int) {
      paged_attention_prefill_d128<<<dim3(hq, (rows + 127) / 128), 256, bytes, stream>>>(
          query.get(), pool.get(), segRow.get(), segLane.get(), segSlot.get(), table.get(),
          out.get(), 1, cache.maxPages, hq, hkv, 0.0883883f);
    });
    double flop = 4.0 * dim * hq * (static_cast<double>(rows) * slot + 0.5 * rows * (rows + 1.0));
    std::printf("  %d rows after %d: %.1f us, %.0f TFLOP/s\n", rows, slot, micros,
                flop / micros * 1e-6);
  }
}

}  // namespace check
