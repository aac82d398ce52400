// Sampling: the integer definition of sample.cu repeated on the host (equal tokens), a float64 view
// of the filters, the distribution of the draws, and times.
#include "../../main/cuda/sample.cu"
#include "test_support.cuh"

namespace check {
namespace {

struct Row {
  float temperature = 1, topP = 1, minP = 0, penalty = 1;
  int topK = 0;
  uint64_t seed = 1;
  int index = 0;
};

std::vector<unsigned> massTable() {
  std::vector<unsigned> table(2817);
  for (int b = 0; b < 2817; b++)
    table[b] = static_cast<unsigned>(std::llround(std::exp(-b / 128.0) * 2147483648.0));
  return table;
}

std::vector<uint2> massPairs() {
  std::vector<unsigned> edges = massTable();
  std::vector<uint2> pairs;
  for (int b = 0; b < 2816; b++) pairs.push_back({edges[b], edges[b + 1]});
  return pairs;
}

int minPKey(float minP) {
  return minP > 0 ? static_cast<int>(std::floor(-std::log(static_cast<double>(minP)) * 262144.0))
                  : 0x7fffffff;
}

uint32_t philox(uint64_t key, uint32_t counter[4]) {
  uint32_t k0 = static_cast<uint32_t>(key), k1 = static_cast<uint32_t>(key >> 32);
  for (int round = 0; round < 10; round++) {
    uint64_t p0 = 0xD2511F53ull * counter[0], p1 = 0xCD9E8D57ull * counter[2];
    uint32_t next[4] = {
        static_cast<uint32_t>(p1 >> 32) ^ counter[1] ^ k0, static_cast<uint32_t>(p1),
        static_cast<uint32_t>(p0 >> 32) ^ counter[3] ^ k1, static_cast<uint32_t>(p0)};
    std::memcpy(counter, next, 16);
    k0 += 0x9E3779B9u;
    k1 += 0xBB67AE85u;
  }
  return counter[0];
}

struct Choice {
  int token;
  std::vector<int> kept;
};

Choice reference(const std::vector<float>& logits, const Row& row, const std::vector<bool>& seen,
                 const std::vector<unsigned>& edges) {
  int vocab = static_cast<int>(logits.size());
  std::vector<float> z(vocab);
  float inverse = row.temperature > 0 ? 1.0f / row.temperature : 0.0f;
  float top = -INFINITY;
  int best = -1;
  for (int i = 0; i < vocab; i++) {
    float x = logits[i];
    if (row.penalty != 1.0f && seen[i]) x = x < 0 ? x * row.penalty : x / row.penalty;
    x = x * (inverse == 0 ? 1.0f : inverse);
    z[i] = x;
    if (!std::isfinite(x)) return {-1, {}};
    if (z[i] > top) top = z[i], best = i;
  }
  if (inverse == 0) return {best, {best}};
  constexpr unsigned limit = 22u << 18;
  auto mass = [&](unsigned k) -> uint64_t {
    uint64_t low = k & 2047;
    return edges[k >> 11] * (2048 - low) + edges[(k >> 11) + 1] * low;
  };
  std::vector<std::pair<unsigned, int>> order;
  for (int i = 0; i < vocab; i++) {
    float distance = (top - z[i]) * 262144.0f;
    if (distance < static_cast<float>(limit)) order.push_back({static_cast<unsigned>(distance), i});
  }
  std::sort(order.begin(), order.end());
  if (row.topK > 0 && order.size() > static_cast<size_t>(row.topK)) order.resize(row.topK);
  uint64_t total = 0;
  for (auto& [k, i] : order) total += mass(k);
  if (row.topP < 1.0f) {
    double wanted = std::ceil(static_cast<double>(row.topP) * static_cast<double>(total));
    uint64_t need = std::min(total, wanted < 1 ? 1 : static_cast<uint64_t>(wanted));
    uint64_t sum = 0;
    size_t n = 0;
    while (sum < need) sum += mass(order[n++].first);
    order.resize(n);
  }
  while (order.back().first > static_cast<unsigned>(minPKey(row.minP))) order.pop_back();
  std::vector<int> kept;
  std::vector<unsigned> keys(vocab);
  total = 0;
  for (auto& [k, i] : order) kept.push_back(i), keys[i] = k, total += mass(k);
  std::sort(kept.begin(), kept.end());
  uint32_t counter[4] = {static_cast<uint32_t>(row.index), 0, 0, 0};
  uint64_t u = philox(row.seed, counter) >> 8;
  uint64_t target = static_cast<uint64_t>(static_cast<unsigned __int128>(total) * u >> 24);
  uint64_t sum = 0;
  for (int i : kept) {
    sum += mass(keys[i]);
    if (sum > target) return {i, kept};
  }
  return {-2, kept};
}

struct Sampler {
  const char* name;
  decltype(&sample_row) kernel;
  int cluster, threads, fixedBytes, sliceBytes;
};

const Sampler kSamplers[] = {{"sample_cluster", sample_cluster, 8, 512, 37584, 4 * 512},
                             {"sample_cluster_many", sample_cluster_many, 8, 384, 37536, 0},
                             {"sample_row", sample_row, 1, 1024, 81360, 0}};

struct Batch {
  int vocab, rows, lanes;
  Buffer<float> logits, inverse, topP, penalty;
  Buffer<uint2> table;
  Buffer<unsigned> seen;
  Buffer<int> laneOf, topK, minP, index, token;
  Buffer<unsigned long long> seed;

  Batch(int vocabSize, const std::vector<int>& lanesOfRows, const std::vector<Row>& rowOfLane)
      : vocab(vocabSize),
        rows(static_cast<int>(lanesOfRows.size())),
        lanes(static_cast<int>(rowOfLane.size())),
        logits(static_cast<size_t>(rows) * vocab),
        inverse(lanes),
        topP(lanes),
        penalty(lanes),
        table(massPairs()),
        seen(static_cast<size_t>(lanes) * ((vocab + 31) / 32)),
        laneOf(lanesOfRows),
        topK(lanes),
        minP(lanes),
        index(lanes),
        token(lanes),
        seed(lanes) {
    std::vector<float> a, b, c;
    std::vector<int> d, e, f;
    std::vector<unsigned long long> g;
    for (const Row& r : rowOfLane) {
      a.push_back(r.temperature > 0 ? 1.0f / r.temperature : 0.0f);
      b.push_back(r.topP);
      c.push_back(r.penalty);
      d.push_back(r.topK);
      e.push_back(minPKey(r.minP));
      f.push_back(r.index);
      g.push_back(r.seed);
    }
    inverse.upload(a), topP.upload(b), penalty.upload(c), topK.upload(d), minP.upload(e),
        index.upload(f), seed.upload(g);
    seen.zero();
  }
  void launch(const Sampler& sampler, cudaStream_t stream) {
    int bytes = sampler.fixedBytes + sampler.sliceBytes * ((vocab + 4095) / 4096);
    CUDA(cudaFuncSetAttribute(sampler.kernel, cudaFuncAttributeMaxDynamicSharedMemorySize, bytes));
    sampler.kernel<<<rows * sampler.cluster, sampler.threads, bytes, stream>>>(
        logits.get(), table.get(), laneOf.get(), inverse.get(), topK.get(), topP.get(), minP.get(),
        penalty.get(), seed.get(), index.get(), seen.get(), token.get(), vocab);
  }
};

std::vector<float> logitsOf(int vocab, int kind, Random& random) {
  std::vector<float> v(vocab);
  for (float& x : v) {
    if (kind == 0) x = random.normal();
    if (kind == 1) x = 4.0f * random.normal();
    if (kind == 2) x = 0.25f * random.below(8);
    if (kind == 3) x = -3.5f;
    if (kind == 4) x = random.below(3) == 0 ? random.normal() * 2 : -1e30f;
    if (kind == 5) x = random.normal() * 1e3f;
  }
  if (kind == 1) v[random.below(vocab)] = 25;
  return v;
}

void checkVocab(int vocab, int kinds, uint64_t stream) {
  std::vector<Row> settings = {{0.0f},
                               {1.0f},
                               {0.6f, 0.95f},
                               {0.6f, 0.95f, 0, 1, 40},
                               {1.3f, 1, 0, 1, 1},
                               {0.8f, 1, 0, 1.2f, 100000},
                               {0.7f, 0.3f, 0, 1.1f, 7},
                               {1.0f, 1, 0.1f},
                               {1.0f, 0.5f, 0.02f, 1, 500},
                               {1.0f, 0.999f},
                               {1.0f, 1e-6f},
                               {0.0f, 1, 0, 1.5f}};
  Random random(stream);
  std::vector<Row> lanes;
  std::vector<int> laneOf;
  std::vector<std::vector<float>> logits;
  for (int kind = 0; kind < kinds; kind++) {
    for (Row r : settings) {
      r.seed = random.next();
      r.index = random.below(40000);
      lanes.push_back(r);
      logits.push_back(logitsOf(vocab, kind, random));
    }
  }
  logits[0][vocab - 1] = 9;
  // One value that is not finite fails the row, wherever it stands and whatever the setting.
  logits[1][random.below(vocab)] = NAN;
  logits[2][vocab - 1] = INFINITY;
  logits[3][0] = -INFINITY;
  if (kinds > 1) std::fill(logits[settings.size()].begin(), logits[settings.size()].end(), NAN);
  int count = static_cast<int>(lanes.size());
  for (int i = 0; i < count; i++) {
    laneOf.push_back(count - 1 - i);
    if (i == 3) laneOf.push_back(-1);
  }
  std::vector<unsigned> edges = massTable();
  int words = (vocab + 31) / 32;
  std::vector<unsigned> seenBits(static_cast<size_t>(count) * words);
  for (auto& w : seenBits) w = static_cast<unsigned>(random.next() & random.next());
  Batch batch(vocab, laneOf, lanes);
  std::vector<float> all;
  for (int lane : laneOf) {
    const std::vector<float>& source = logits[lane < 0 ? 0 : lane];
    all.insert(all.end(), source.begin(), source.end());
  }
  batch.logits.upload(all);
  std::vector<Choice> expected(count);
  parallel(count, [&](int lane) {
    std::vector<bool> seen(vocab);
    for (int i = 0; i < vocab; i++)
      seen[i] = seenBits[static_cast<size_t>(lane) * words + i / 32] >> (i % 32) & 1;
    expected[lane] = reference(logits[lane], lanes[lane], seen, edges);
  });
  for (const Sampler& sampler : kSamplers) {
    batch.seen.upload(seenBits);
    batch.token.poison();
    std::vector<int> index;
    for (const Row& r : lanes) index.push_back(r.index);
    batch.index.upload(index);
    batch.launch(sampler, 0);
    settle(sampler.name);
    std::vector<int> token = batch.token.download(), indexOut = batch.index.download();
    std::vector<unsigned> seenOut = batch.seen.download();
    int wrong = 0;
    for (int lane = 0; lane < count; lane++) {
      int want = expected[lane].token;
      if (token[lane] != want && wrong++ < 4) {
        expect(false, "%s vocab %d kind %d setting %d: token %d, expected %d of %zu kept",
               sampler.name, vocab, lane / static_cast<int>(settings.size()),
               lane % static_cast<int>(settings.size()), token[lane], want,
               expected[lane].kept.size());
      }
      expect(indexOut[lane] == index[lane] + 1, "token index of lane %d", lane);
      std::vector<unsigned> before(seenBits.begin() + lane * words,
                                   seenBits.begin() + (lane + 1) * words);
      if (want >= 0) before[want / 32] |= 1u << want % 32;
      expect(wrong > 0 || std::equal(before.begin(), before.end(), seenOut.begin() + lane * words),
             "seen bits of lane %d", lane);
    }
    expect(wrong == 0, "sampling vocab %d: %d of %d tokens differ", vocab, wrong, count);
  }
  std::printf("  sampling vocab %d: %d rows equal to the host's integers in three kernels\n", vocab,
              count);
}

// The draws follow the softmax of the kept tokens, and the kept set is what sorting in float64
// keeps.
void checkDistribution() {
  int vocab = 300, rows = 4096;
  Random random(71);
  std::vector<float> logits = logitsOf(vocab, 0, random);
  std::vector<Row> lanes(rows, Row{0.9f, 0.9f, 0, 1, 60});
  std::vector<int> laneOf;
  for (int i = 0; i < rows; i++) {
    laneOf.push_back(i);
    lanes[i].seed = 0x1234567812345678ull + i % 2;
    lanes[i].index = i / 2;
  }
  Batch batch(vocab, laneOf, lanes);
  std::vector<float> all;
  for (int i = 0; i < rows; i++) all.insert(all.end(), logits.begin(), logits.end());
  batch.logits.upload(all);
  batch.launch(kSamplers[0], 0);
  settle("sample_cluster");
  std::vector<std::pair<double, int>> order;
  for (int i = 0; i < vocab; i++) order.push_back({-static_cast<double>(logits[i]) / 0.9, i});
  std::sort(order.begin(), order.end());
  order.resize(60);
  double total = 0, sum = 0;
  for (auto& [z, i] : order) total += std::exp(-z);
  std::vector<double> p(vocab, 0.0);
  double kept = 0;
  for (auto& [z, i] : order) {
    if (sum >= 0.9 * total) break;
    sum += std::exp(-z);
    p[i] = std::exp(-z);
    kept += p[i];
  }
  std::vector<int> hits(vocab, 0);
  for (int token : batch.token.download()) hits[token]++;
  double chi = 0;
  int cells = 0;
  for (int i = 0; i < vocab; i++) {
    if (p[i] == 0) {
      expect(hits[i] == 0, "token %d is outside the kept set but was drawn", i);
      continue;
    }
    double want = p[i] / kept * rows;
    chi += (hits[i] - want) * (hits[i] - want) / want;
    cells++;
  }
  double z = (chi - (cells - 1)) / std::sqrt(2.0 * (cells - 1));
  expect(std::fabs(z) < 4.5, "draws do not follow the softmax: chi2 %.1f over %d cells", chi,
         cells);
  std::printf("  sampling distribution: chi2 %.1f over %d kept tokens\n", chi, cells);
}

// Prompt tokens in the bitmap.
void checkMarkSeen() {
  Buffer<int> tokens(std::vector<int>{1, 33, 64, 0}), segRow(std::vector<int>{0, 3, 4}),
      segLane(std::vector<int>{1, 0});
  Buffer<unsigned> seen(6);
  seen.zero();
  mark_seen<<<2, 256>>>(tokens.get(), segRow.get(), segLane.get(), seen.get(), 2, 70);
  settle("mark_seen");
  expect(seen.download() == std::vector<unsigned>({1u, 0u, 0u, 2u, 2u, 1u}), "mark_seen");
}

}  // namespace

void sampling(bool small) {
  uint32_t zero[4] = {0, 0, 0, 0};
  philox(0, zero);
  expect(zero[0] == 0x6627e8d5u && zero[3] == 0x9b00dbd8u, "Philox known answer: %08x", zero[0]);
  checkMarkSeen();
  if (small) {
    checkVocab(2048, 2, 80);
    checkVocab(131, 1, 85);
    return;
  }
  checkVocab(2048, 6, 81);
  checkVocab(5003, 6, 82);
  checkVocab(31, 6, 83);
  checkVocab(152064, 6, 84);
  checkDistribution();
}

void benchSampling() {
  std::printf(
      "sampling, vocab 152064, us (T 0.6, top-p 0.95; flat = normal logits, peaked = 4 sigma; "
      "sample_cluster, sample_cluster_many, sample_row)\n");
  for (int rows : {1, 16, 64, 128}) {
    for (int kind : {0, 1}) {
      std::vector<Row> lanes(rows, Row{0.6f, 0.95f}), greedy(rows, Row{0.0f}),
          both(rows, Row{0.6f, 0.95f, 0, 1, 40});
      std::vector<int> laneOf;
      Random random(90);
      std::vector<float> all;
      std::vector<float> one = logitsOf(152064, kind, random);
      for (int i = 0; i < rows; i++) {
        laneOf.push_back(i);
        std::rotate(one.begin(), one.begin() + 977, one.end());
        all.insert(all.end(), one.begin(), one.end());
      }
      std::printf("  B=%d %s:", rows, kind == 0 ? "flat  " : "peaked");
      for (auto& [name, setting] : {std::pair<const char*, std::vector<Row>&>{"top-p", lanes},
                                    {"greedy", greedy},
                                    {"top-k 40 + top-p", both}}) {
        Batch batch(152064, laneOf, setting);
        batch.logits.upload(all);
        std::printf("  %s", name);
        for (const Sampler& sampler : kSamplers) {
          std::printf(" %.1f",
                      graphMicros(5, [&](cudaStream_t s, int) { batch.launch(sampler, s); }));
        }
      }
      std::printf("\n");
    }
  }
}

}  // namespace check
