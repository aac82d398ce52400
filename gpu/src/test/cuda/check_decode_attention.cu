// Decode attention: against float64, bitwise independence of the batch and of the grid, and
// bandwidth.
#include "../../main/cuda/attention_merge.cu"
#include "../../main/cuda/attention_work_list.cu"
#include "../../main/cuda/paged_attention_decode.cu"
#include "paged_cache.cuh"

// A variant for tuning, timed next to the shipped configuration.
TRACEMILL_DECODE_KERNEL(decode_d128_w8s3, 128, 8, 3, 1)

namespace check {
namespace {

using DecodeKernel = void (*)(const unsigned short*, const unsigned short*, const int*, const int*,
                              float*, float2*, unsigned short*, int, int, float);

struct Variant {
  const char* name;
  DecodeKernel kernel;
  int threads, sharedBytes, blocksPerSm;
};

template <int kDim, int kWarps, int kStages>
Variant variant(const char* name, DecodeKernel kernel, int blocksPerSm) {
  int bytes = tracemill::DecodeShape<kDim, kWarps, kStages>::kSharedBytes;
  CUDA(cudaFuncSetAttribute(kernel, cudaFuncAttributeMaxDynamicSharedMemorySize, bytes));
  return {name, kernel, kWarps * 32 + 128, bytes, blocksPerSm};
}

Variant shipped(int dim) {
  return dim == 128 ? variant<128, 4, 3>("shipped", paged_attention_decode_d128, 2)
                    : variant<64, 4, 6>("shipped", paged_attention_decode_d64, 2);
}

Variant smallShared(int dim) {
  return dim == 128 ? variant<128, 4, 2>("small", paged_attention_decode_d128_small, 1)
                    : variant<64, 4, 3>("small", paged_attention_decode_d64_small, 1);
}

int multiprocessors() {
  int count;
  CUDA(cudaDeviceGetAttribute(&count, cudaDevAttrMultiProcessorCount, 0));
  return count;
}

constexpr int kNoGroups = 1 << 30;

// Workspace and launch of work list + attention for a batch on the device.
struct Runner {
  int rows, numLanes, maxPages, hq, hkv, dim;
  float scale;
  bool merged = true;
  Buffer<int> laneOf, kvLen, table, work, workCount;
  Buffer<int2> rowChunks;
  Buffer<float> partial;
  Buffer<float2> stats;
  Buffer<uint16_t> query, out;

  static size_t chunks(const std::vector<int>& laneOf, const std::vector<int>& kvLen) {
    size_t total = 1;
    for (int lane : laneOf) total += lane < 0 ? 0 : (kvLen[lane] + 1 + 255) / 256;
    return total;
  }
  Runner(const std::vector<int>& lanes, const std::vector<int>& lengths,
         const std::vector<int>& pages, int pagesPerLane, int queryHeads, int kvHeads, int headDim)
      : rows(static_cast<int>(lanes.size())),
        numLanes(static_cast<int>(lengths.size())),
        maxPages(pagesPerLane),
        hq(queryHeads),
        hkv(kvHeads),
        dim(headDim),
        scale(1.0f / std::sqrt(static_cast<float>(headDim))),
        laneOf(lanes),
        kvLen(lengths),
        table(pages),
        work(std::max<size_t>(chunks(lanes, lengths), 256) * 8),
        workCount(4),
        rowChunks(rows),
        partial(chunks(lanes, lengths) * hkv * (hq / hkv) * dim),
        stats(chunks(lanes, lengths) * hkv * (hq / hkv)),
        query(static_cast<size_t>(rows) * hq * dim),
        out(static_cast<size_t>(rows) * hq * dim) {}
  // leastGroups: 0 for groups of four chunks, kNoGroups for none.
  void list(cudaStream_t stream, int leastGroups) {
    attention_work_list<<<16, 256, 0, stream>>>(laneOf.get(), kvLen.get(), table.get(), work.get(),
                                                workCount.get(), rowChunks.get(), rows, maxPages,
                                                leastGroups);
  }
  // As the backend launches it.
  void list(cudaStream_t stream) { list(stream, 3 * 2 * multiprocessors() / hkv); }
  void attend(const Variant& v, const uint16_t* pool, cudaStream_t stream, int grid = 0) {
    int ctas = grid > 0 ? grid : multiprocessors() * v.blocksPerSm;
    v.kernel<<<ctas, v.threads, v.sharedBytes, stream>>>(query.get(), pool, work.get(),
                                                         workCount.get(), partial.get(),
                                                         stats.get(), out.get(), hq, hkv, scale);
    if (!merged) return;
    (dim == 128 ? attention_merge_d128 : attention_merge_d64)<<<dim3(hq, rows), 128, 0, stream>>>(
        partial.get(), stats.get(), workCount.get(), rowChunks.get(), out.get(), hq, hkv);
  }
};

void checkCase(int hq, int hkv, int dim, const std::vector<int>& attended, uint64_t stream) {
  std::vector<int> cached, laneOf;
  for (size_t i = 0; i < attended.size(); i++) cached.push_back(attended[i] - 1);
  PagedCache cache(attended, hkv, dim, stream, 0);
  int lanes = static_cast<int>(attended.size());
  for (int i = 0; i < lanes; i++) {
    laneOf.push_back(lanes - 1 - i);
    if (i == lanes / 2) laneOf.push_back(-1);
  }
  std::vector<int> table = cache.table;
  for (int& page : table)
    page = page == 0x7fffffff ? -1000000 : page;  // an unused entry must never be followed
  Runner run(laneOf, cached, table, cache.maxPages, hq, hkv, dim);
  Buffer<uint16_t> pool(cache.pool);
  std::vector<uint16_t> query = normalBf16(run.query.size(), 1.5f, stream + 5);
  run.query.upload(query);
  run.list(0);
  Variant v = shipped(dim);
  run.attend(v, pool.get(), 0);
  settle("paged_attention_decode");
  std::vector<uint16_t> out = run.out.download();
  int rows = run.rows;
  std::vector<Error> errors(rows * hq);
  parallel(rows * hq, [&](int i) {
    int row = i / hq, head = i % hq;
    if (laneOf[row] < 0) return;
    std::vector<double> expected(dim);
    size_t offset = (static_cast<size_t>(row) * hq + head) * dim;
    cache.attend(&query[offset], laneOf[row], head / (hq / hkv), attended[laneOf[row]],
                 1.0f / std::sqrt(static_cast<float>(dim)), expected.data());
    for (int k = 0; k < dim; k++) errors[i].add(fromBf16(out[offset + k]), expected[k]);
  });
  double worst = 0, largest = 0;
  int at = 0;
  for (int i = 0; i < rows * hq; i++) {
    if (errors[i].nmse() > worst) worst = errors[i].nmse(), at = i;
    largest = std::max(largest, errors[i].largest);
  }
  expect(worst < 3e-5, "decode attention %d/%d d%d: NMSE %.3g at row %d (%d cache rows) head %d",
         hq, hkv, dim, worst, at / hq, laneOf[at / hq] < 0 ? -1 : attended[laneOf[at / hq]],
         at % hq);
  std::printf("  decode %d/%d d%d, %d rows: worst NMSE %.2e, largest error %.2e\n", hq, hkv, dim,
              rows, worst, largest);
  for (int row = 0; row < rows; row++) {
    bool untouched = true;
    for (int k = 0; k < hq * dim; k++)
      untouched &= out[static_cast<size_t>(row) * hq * dim + k] == 0xffff;
    expect(untouched == (laneOf[row] < 0), "padding row %d", row);
  }
  // Again in the same workspace with another grid, then every row alone.
  run.out.poison();
  run.attend(v, pool.get(), 0, 7);
  settle("paged_attention_decode, grid 7");
  expect(run.out.download() == out, "decode attention depends on the grid");
  run.out.poison();
  run.attend(smallShared(dim), pool.get(), 0);
  settle("paged_attention_decode_small");
  expect(run.out.download() == out, "the small decode attention differs");
  // Merged as it goes, by fours and by twos, and chunk by chunk.
  int quads = 0;
  for (int lane : laneOf) quads += lane < 0 ? 0 : attended[lane] / 1024;
  for (int leastGroups : {0, quads + 1, kNoGroups}) {
    run.list(0, leastGroups);
    for (int grid : {0, 7}) {
      run.out.poison();
      run.attend(v, pool.get(), 0, grid);
      settle("paged_attention_decode in groups");
      expect(run.out.download() == out,
             "decode attention depends on its groups (least %d, grid %d)", leastGroups, grid);
    }
  }
  for (int row = 0; row < rows; row += std::max(1, rows / 6)) {
    if (laneOf[row] < 0) continue;
    Runner alone({laneOf[row]}, cached, table, cache.maxPages, hq, hkv, dim);
    size_t width = static_cast<size_t>(hq) * dim;
    alone.query.upload(
        std::vector<uint16_t>(query.begin() + row * width, query.begin() + (row + 1) * width));
    alone.list(0);
    alone.attend(v, pool.get(), 0);
    settle("paged_attention_decode alone");
    std::vector<uint16_t> single = alone.out.download();
    expect(std::equal(single.begin(), single.end(), out.begin() + row * width),
           "row %d (%d cache rows) differs when it is alone in the batch", row,
           attended[laneOf[row]]);
  }
}

__global__ void fillNormal(uint32_t* target, size_t words, uint32_t seed) {
  for (size_t i = blockIdx.x * static_cast<size_t>(blockDim.x) + threadIdx.x; i < words;
       i += static_cast<size_t>(gridDim.x) * blockDim.x) {
    uint32_t h = static_cast<uint32_t>(i) * 0x9e3779b1u + seed;
    h ^= h >> 16, h *= 0x85ebca6bu, h ^= h >> 13, h *= 0xc2b2ae35u, h ^= h >> 16;
    float a = static_cast<float>(static_cast<int>(h & 0xffff) - 32768) * (1.7f / 32768.0f);
    float b = static_cast<float>(static_cast<int>(h >> 16) - 32768) * (1.7f / 32768.0f);
    target[i] = tracemill::packBf16(a, b);
  }
}

void bench(const char* name, int hq, int hkv, int dim, const std::vector<int>& attended, int layers,
           const std::vector<Variant>& variants) {
  int batch = static_cast<int>(attended.size());
  std::vector<int> laneOf, cached;
  int longest = 0, pages = 0;
  for (int i = 0; i < batch; i++) {
    laneOf.push_back(i);
    cached.push_back(attended[i] - 1);
    longest = std::max(longest, attended[i]);
    pages += (attended[i] + 63) / 64;
  }
  int maxPages = ((longest + 63) / 64 + 3) / 4 * 4;
  std::vector<int> order(pages), table(static_cast<size_t>(batch) * maxPages, 0);
  for (int i = 0; i < pages; i++) order[i] = i;
  Random random(99);
  for (int i = pages - 1; i > 0; i--) std::swap(order[i], order[random.below(i + 1)]);
  int used = 0;
  double bytes = 0;
  for (int i = 0; i < batch; i++) {
    for (int p = 0; p < (attended[i] + 63) / 64; p++) table[i * maxPages + p] = order[used++];
    bytes += static_cast<double>(attended[i]) * hkv * dim * 4;
  }
  size_t layerWords = static_cast<size_t>(pages) * 2 * hkv * 64 * dim / 2;
  Buffer<uint32_t> pool(layerWords * layers);
  fillNormal<<<1024, 256>>>(pool.get(), layerWords * layers, 7);
  Runner run(laneOf, cached, table, maxPages, hq, hkv, dim);
  run.query.upload(normalBf16(run.query.size(), 1.0f, 3));
  run.list(0);
  settle("bench setup");
  std::printf("%-26s %7.1f MB", name, bytes / 1e6);
  for (const Variant& v : variants) {
    double micros = graphMicros(layers * 2, [&](cudaStream_t stream, int i) {
      run.attend(v, reinterpret_cast<uint16_t*>(pool.get() + layerWords * (i % layers)), stream);
    });
    run.merged = false;
    double alone = graphMicros(layers * 2, [&](cudaStream_t stream, int i) {
      run.attend(v, reinterpret_cast<uint16_t*>(pool.get() + layerWords * (i % layers)), stream);
    });
    run.merged = true;
    std::printf("  %s %7.1f us %5.1f %% (unmerged %.1f)", v.name, micros,
                100 * bandwidthShare(bytes, micros), alone);
  }
  double listMicros = graphMicros(20, [&](cudaStream_t stream, int) { run.list(stream); });
  std::printf("  list %.1f us\n", listMicros);
}

}  // namespace

void decodeAttention(bool small) {
  if (small) {
    // Every number of query heads that a KV head can have.
    for (int group = 1; group <= 8; group++) {
      int hkv = group <= 4 ? 2 : 1;
      checkCase(group * hkv, hkv, 128, {1, 65, 530}, group);
      checkCase(group * hkv, hkv, 64, {17, 64, 257}, group + 10);
    }
    checkCase(7, 1, 128, {1100, 1800}, 21);
    return;
  }
  checkCase(28, 4, 128,
            {1, 2, 15, 16, 17, 63, 64, 65, 255, 256, 257, 511, 513, 1000, 4096, 4097, 4600, 8200},
            1);
  checkCase(40, 8, 128, {1, 130, 256, 2049}, 2);
  checkCase(32, 8, 128, {33, 191, 1025}, 3);
  checkCase(4, 2, 64, {1, 2, 16, 64, 65, 257, 1000, 4097, 9000}, 4);
  checkCase(6, 6, 64, {1, 100, 700}, 5);
  checkCase(16, 2, 128, {9, 300}, 6);
  checkCase(9, 3, 64, {255, 256, 257}, 7);
  checkCase(10, 2, 64, {31, 800}, 8);
  checkCase(7, 1, 64, {129, 2000}, 9);
  // Every remainder of quads and pairs, with and without a partial chunk.
  checkCase(7, 1, 128, {512, 768, 1024, 1030, 1280, 1281, 1536, 1792, 1793, 2048, 2304, 3583}, 10);
}

void benchDecodeAttention() {
  std::vector<Variant> all = {shipped(128),
                              variant<128, 8, 3>("8 warps, 1 CTA", decode_d128_w8s3, 1)};
  std::vector<Variant> one = {shipped(128)};
  Random random(5);
  std::vector<int> ragged;
  for (int i = 0; i < 16; i++) ragged.push_back(300 + random.below(8600));
  std::printf("decode attention per layer (share of 3.0 TB/s)\n");
  bench("7B B=16 4.1K", 28, 4, 128, std::vector<int>(16, 4100), 12, all);
  bench("7B B=16 4.6K", 28, 4, 128, std::vector<int>(16, 4600), 12, all);
  if (profiling) return;
  bench("7B B=16 ragged 0.3-8.9K", 28, 4, 128, ragged, 12, all);
  bench("7B B=16 1K", 28, 4, 128, std::vector<int>(16, 1024), 24, all);
  bench("7B B=64 4.6K", 28, 4, 128, std::vector<int>(64, 4600), 4, all);
  bench("7B B=16 16.5K", 28, 4, 128, std::vector<int>(16, 16500), 4, one);
  bench("7B B=1 4K", 28, 4, 128, {4096}, 28, all);
  bench("7B B=1 32K", 28, 4, 128, {32768}, 12, all);
  bench("7B B=4 4K", 28, 4, 128, std::vector<int>(4, 4096), 24, all);
  bench("QwQ 40/8 B=16 4.6K", 40, 8, 128, std::vector<int>(16, 4600), 6, one);
  bench("8B 32/8 B=16 4.6K", 32, 8, 128, std::vector<int>(16, 4600), 6, one);
  bench("demo 4/2 d64 B=16 2K", 4, 2, 64, std::vector<int>(16, 2048), 24, {shipped(64)});
}

}  // namespace check
