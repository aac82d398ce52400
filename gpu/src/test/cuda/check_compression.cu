// RPC: golden vector, worked example, random problems against float64, exact selection and
// compaction, independence of other lanes, and times of one whole compression.
#include "../../main/cuda/kv_compact.cu"
#include "../../main/cuda/rpc_score.cu"
#include "../../main/cuda/rpc_select.cu"
#include "compression_run.cuh"

namespace check {
namespace {

std::vector<float> ringWeights(int ringRows, bool release) {
  std::vector<float> w(ringRows, 1.0f);
  if (release && ringRows > 1) w[0] = 0.0f, w[ringRows - 1] = 2.0f;
  return w;
}

struct Selection {
  std::vector<float> pooled;
  std::vector<int> kept;
  float cut;
};

// Mean over heads, pooling and top-n in the kernels' fp32 order.
Selection selectReference(const std::vector<const float*>& heads, int candidates, float divisor,
                          int pooling, int kept) {
  std::vector<float> mean(candidates), pooled(candidates);
  for (int j = 0; j < candidates; j++) {
    float sum = 0;
    for (const float* h : heads) sum += h[j];
    mean[j] = sum / divisor;
  }
  std::vector<int> order(candidates);
  for (int j = 0; j < candidates; j++) {
    float sum = 0;
    for (int i = std::max(0, j - pooling / 2); i <= std::min(candidates - 1, j + pooling / 2); i++)
      sum += mean[i];
    pooled[j] = sum / static_cast<float>(pooling);
    order[j] = j;
  }
  std::stable_sort(order.begin(), order.end(), [&](int a, int b) { return pooled[a] > pooled[b]; });
  order.resize(kept);
  float cut = kept > 0 ? pooled[order.back()] : INFINITY;
  std::sort(order.begin(), order.end());
  return {pooled, order, cut};
}

void checkGolden() {
  const double logits[2][2][8] = {{{0, 1, 2, 0, 0, 1, 3, 0}, {1, 0, 2, 0, 0, 0, 2, 1}},
                                  {{2, 0, 0, 0, 1, 0, 1, 0}, {2, 0, 0, 1, 0, 0, 1, 2}}};
  struct Case {
    bool release;
    int pooling;
    double score[8];
    int keep[2];
  };
  const std::vector<Case> cases = {
      {false, 1, {0.4295, 0.1062, 0.3014, 0.1184, 0.1311, 0.1062, 0.5570, 0.2503}, {0, 6}},
      {false, 3, {0.1786, 0.2790, 0.1753, 0.1836, 0.1185, 0.2648, 0.3045, 0.2691}, {1, 6}},
      {false, 7, {0.1365, 0.1552, 0.1704, 0.2500, 0.2244, 0.2092, 0.1661, 0.1492}, {3, 4}},
      {true, 3, {0.1667, 0.2821, 0.1942, 0.1942, 0.1062, 0.1942, 0.3058, 0.2783}, {1, 6}},
      {true, 7, {0.1429, 0.1547, 0.1665, 0.2261, 0.2261, 0.2143, 0.1648, 0.1429}, {3, 4}}};
  for (int first : {0, 5, 60}) {
    PagedCache cache({first + 8 + 2}, 1, 64, 100 + first);
    for (int j = 0; j < 8; j++) {
      uint16_t* key = &cache.pool[cache.row(0, first + j, 0, 0)];
      for (int i = 0; i < 64; i++) key[i] = toBf16(i == j ? 1.0f : 0.0f);
    }
    for (int newest : {0, 1}) {
      std::vector<uint16_t> ringData(2 * 2 * 64, 0);  // [R][Hq][d], the newest row in slot `newest`
      for (int r = 0; r < 2; r++) {
        for (int h = 0; h < 2; h++) {
          for (int j = 0; j < 8; j++) {
            int slot = r == 1 ? newest : 1 - newest;
            ringData[(slot * 2 + h) * 64 + j] = toBf16(static_cast<float>(logits[h][r][j]));
          }
        }
      }
      for (const Case& c : cases) {
        Buffer<uint16_t> pool(cache.pool), ring(ringData);
        Compression run(1, 1, 2, 1, 64, 2, cache.table,
                        {reinterpret_cast<unsigned long long>(pool.get())}, &ring,
                        ringWeights(2, c.release), {{0, first, 8, 2, 2, newest}}, 1);
        for (Form form : forms()) {
          run.form = form;
          run.scores.poison();
          run.score(1.0f);
          run.select(c.pooling);
          settle("golden vector");
          std::vector<float> scratch = run.scratch.download();
          double worst = 0;
          for (int j = 0; j < 8; j++)
            worst = std::max(worst, std::fabs(scratch[8 + j] - c.score[j]));
          std::vector<int> slots = run.slots.download();
          expect(worst < 6e-5 && slots[0] == first + c.keep[0] && slots[1] == first + c.keep[1],
                 "golden vector, %s kernel %d: score off by %.2g, kept %d %d",
                 c.release ? "release" : "paper", c.pooling, worst, slots[0] - first,
                 slots[1] - first);
        }
      }
    }
  }
  std::printf("  RPC golden vector: 5 cases x 3 prompts x 2 ring phases\n");
}

// P = 4, R = 2, T = 1, prompt 2: step 6 keeps O2, step 10 keeps O6 and O7, by queries that look at
// just those rows.
void checkWorkedExample() {
  const int dim = 64;
  PagedCache cache({16}, 1, dim, 120);
  Buffer<uint16_t> pool(cache.pool);
  auto writeRow = [&](int slot, int label) {
    std::vector<uint16_t> key(dim, 0), value(dim, toBf16(static_cast<float>(label)));
    key[label] = toBf16(1.0f);
    CUDA(cudaMemcpy(pool.get() + cache.row(0, slot, 0, 0), key.data(), dim * 2,
                    cudaMemcpyHostToDevice));
    CUDA(cudaMemcpy(pool.get() + cache.row(0, slot, 1, 0), value.data(), dim * 2,
                    cudaMemcpyHostToDevice));
  };
  auto labels = [&](int rows) {
    std::vector<uint16_t> host = pool.download();
    std::vector<int> v;
    for (int slot = 0; slot < rows; slot++)
      v.push_back(static_cast<int>(fromBf16(host[cache.row(0, slot, 1, 0)])));
    return v;
  };
  int kvLen = 0, compressions = 0;
  for (int i = 0; i < 2; i++) writeRow(kvLen++, 50 + i);  // prompt rows
  for (int step = 1; step <= 10; step++) {
    writeRow(kvLen++, step);
    if (kvLen != 2 + compressions + 4 + 2) continue;
    std::vector<uint16_t> ringData(2 * dim, 0);
    for (int r = 0; r < 2; r++) {
      if (step == 6) ringData[r * dim + 2] = toBf16(8.0f);
      if (step == 10) ringData[r * dim + 6] = ringData[r * dim + 7] = toBf16(8.0f);
    }
    Buffer<uint16_t> ring(ringData);
    Compression run(1, 1, 1, 1, dim, 2, cache.table,
                    {reinterpret_cast<unsigned long long>(pool.get())}, &ring,
                    ringWeights(2, false), {{0, 2, kvLen - 4, compressions + 1, 2, step % 2}}, 1);
    run.score(1.0f);
    run.select(1);
    run.compact();
    settle("worked example");
    compressions++;
    kvLen = 2 + compressions + 2;
    if (step == 6)
      expect(labels(kvLen) == std::vector<int>({50, 51, 2, 5, 6}), "worked example, step 6");
    if (step == 10)
      expect(labels(kvLen) == std::vector<int>({50, 51, 6, 7, 9, 10}), "worked example, step 10");
  }
  expect(compressions == 2 && kvLen == 6, "worked example: %d compressions, %d rows", compressions,
         kvLen);
}

// Scores of few different values, so that most are equal to the cut: the lower slots win, in
// registers, in shared and in global memory.
void checkTies() {
  const int pages = 220;  // no row of them is read
  Buffer<uint16_t> none(std::vector<uint16_t>(64, 0));
  for (int candidates : {1, 31, 1024, 1025, 5000, 12288, 12289, 14000}) {
    for (int kept : {0, 1, candidates / 2, candidates - 1, candidates}) {
      for (int sharedScores : {0, 12288, 16384}) {
        Compression run(1, 1, 2, 2, 64, 1, std::vector<int>(pages, 0), {0ull}, &none, {1.0f},
                        {{0, 3, candidates, kept, 1, 0}}, 1);
        Random random(candidates * 7 + kept);
        std::vector<float> scores(2 * candidates);
        for (float& x : scores) x = 0.25f * static_cast<float>(random.below(3));
        run.scores.upload(scores);
        run.select(1, sharedScores);
        settle("rpc select of equal scores");
        Selection want =
            selectReference({scores.data(), scores.data() + candidates}, candidates, 2.0f, 1, kept);
        std::vector<int> slots = run.slots.download();
        bool same = run.cut.download()[0] == want.cut;
        for (int i = 0; i < kept; i++) same &= slots[i] == 3 + want.kept[i];
        expect(same, "rpc select of equal scores: %d of %d, %d floats shared", kept, candidates,
               sharedScores);
      }
    }
  }
}

void checkRandom(int layers, int hq, int hkv, int dim, int ringRows, const std::vector<Due>& dues,
                 bool perHead, bool release, int pooling, int sharedScores, uint64_t stream) {
  std::vector<int> rowsOfLane(4, 1);
  for (const Due& d : dues) rowsOfLane[d.lane] = d.first + d.candidates + d.window;
  std::vector<PagedCache> caches;
  for (int l = 0; l < layers; l++) {
    caches.emplace_back(rowsOfLane, hkv, dim, stream);
    if (l > 0) {
      Random random(stream * 77 + l);
      for (uint16_t& x : caches[l].pool) {
        if (x != 0x7fff) x = toBf16(random.normal());
      }
    }
  }
  std::vector<Buffer<uint16_t>*> pools;
  std::vector<unsigned long long> addresses;
  for (auto& c : caches) {
    pools.push_back(new Buffer<uint16_t>(c.pool));
    addresses.push_back(reinterpret_cast<unsigned long long>(pools.back()->get()));
  }
  std::vector<uint16_t> ringData =
      normalBf16(static_cast<size_t>(layers) * 4 * ringRows * hq * dim, 2.0f, stream + 9);
  Buffer<uint16_t> ring(ringData);
  float scale = 1.0f / std::sqrt(static_cast<float>(dim));
  std::vector<float> weights = ringWeights(ringRows, release);
  int group = hq / hkv, lists = perHead ? hkv : 1;
  Compression run(layers, 4, hq, hkv, dim, ringRows, caches[0].table, addresses, &ring, weights,
                  dues, lists);
  std::vector<std::vector<float>> scoresOf;  // by form
  for (Form form : forms()) {
    run.form = form;
    run.stats.poison();
    run.scores.poison();
    run.score(scale);
    settle("rpc score");
    scoresOf.push_back(run.scores.download());
  }
  run.select(pooling, sharedScores);
  settle("rpc select");
  for (int c : run.counters.download()) expect(c == 0, "a score counter was not reset");
  std::vector<float> scores = scoresOf.back(), cut = run.cut.download();
  std::vector<int> slots = run.slots.download();
  int problems = static_cast<int>(dues.size()) * layers * hkv;
  std::vector<Error> errors(problems * scoresOf.size());
  parallel(problems, [&](int problem) {
    int head = problem % hkv, layer = problem / hkv % layers;
    const Due& d = dues[problem / hkv / layers];
    std::vector<double> expected(d.candidates, 0.0), z(d.candidates);
    for (int slot = 0; slot < ringRows; slot++) {
      int age = (d.newest - slot + ringRows) % ringRows;
      for (int h = 0; h < group; h++) {
        const uint16_t* q =
            &ringData[((static_cast<size_t>(layer) * 4 + d.lane) * ringRows + slot) * hq * dim +
                      (head * group + h) * dim];
        double top = -INFINITY, sum = 0;
        for (int j = 0; j < d.candidates; j++) {
          const uint16_t* k = &caches[layer].pool[caches[layer].row(d.lane, d.first + j, 0, head)];
          double dot = 0;
          for (int i = 0; i < dim; i++) dot += static_cast<double>(fromBf16(q[i])) * fromBf16(k[i]);
          z[j] = dot * scale;
          top = std::max(top, z[j]);
        }
        for (int j = 0; j < d.candidates; j++) sum += std::exp(z[j] - top);
        for (int j = 0; j < d.candidates; j++)
          expected[j] += weights[ringRows - 1 - age] * std::exp(z[j] - top) / sum;
      }
    }
    for (size_t form = 0; form < scoresOf.size(); form++) {
      for (int j = 0; j < d.candidates; j++) {
        errors[form * problems + problem].add(
            scoresOf[form][static_cast<size_t>(problem) * run.maxCandidates + j], expected[j]);
      }
    }
  });
  double worst = 0;
  for (size_t i = 0; i < errors.size(); i++) {
    worst = std::max(worst, errors[i].nmse());
    expect(errors[i].nmse() < 1e-9, "rpc score %d/%d d%d, form %zu, problem %zu: NMSE %.3g", hq,
           hkv, dim, i / problems, i % problems, errors[i].nmse());
  }
  // Selection is exact on the kernel's own scores; compaction moves exactly the listed rows.
  std::vector<std::vector<uint16_t>> expectedPools;
  for (auto& c : caches) expectedPools.push_back(c.pool);
  for (size_t n = 0; n < dues.size(); n++) {
    const Due& d = dues[n];
    for (int layer = 0; layer < layers; layer++) {
      for (int list = 0; list < lists; list++) {
        std::vector<const float*> heads;
        for (int h = 0; h < hkv / lists; h++) {
          heads.push_back(
              &scores[((n * layers + layer) * hkv + list * (hkv / lists) + h) * run.maxCandidates]);
        }
        Selection want = selectReference(heads, d.candidates,
                                         static_cast<float>(hkv / lists * group), pooling, d.kept);
        size_t at = (n * layers + layer) * lists + list;
        bool same = cut[at] == want.cut;
        for (int i = 0; i < d.kept; i++)
          same &= slots[at * run.maxKept + i] == d.first + want.kept[i];
        expect(same, "rpc select: layer %d list %d of lane %d (%d of %d)", layer, list, d.lane,
               d.kept, d.candidates);
        for (int head = 0; head < hkv; head++) {
          if (perHead && head != list) continue;
          const PagedCache& c = caches[layer];
          for (int kv = 0; kv < 2; kv++) {
            for (int i = 0; i < d.kept + d.window; i++) {
              int source =
                  i < d.kept ? d.first + want.kept[i] : d.first + d.candidates + i - d.kept;
              std::copy_n(c.pool.begin() + c.row(d.lane, source, kv, head), dim,
                          expectedPools[layer].begin() + c.row(d.lane, d.first + i, kv, head));
            }
          }
        }
      }
    }
  }
  run.compact();
  settle("kv_compact");
  for (int layer = 0; layer < layers; layer++) {
    expect(pools[layer]->download() == expectedPools[layer], "kv_compact: layer %d", layer);
    pools[layer]->upload(caches[layer].pool);
  }
  // The last due lane alone gives the same bits, however its work is dealt out.
  Compression alone(layers, 4, hq, hkv, dim, ringRows, caches[0].table, addresses, &ring, weights,
                    {dues.back()}, lists);
  for (size_t form = 0; form < scoresOf.size(); form++) {
    alone.form = forms()[form];
    for (int ctas : {1, 7, multiprocessors()}) {
      alone.ctas = ctas;
      alone.stats.poison();
      alone.scores.poison();
      alone.score(scale);
      settle("rpc score alone");
      std::vector<float> single = alone.scores.download();
      bool same = true;
      for (int p = 0; p < layers * hkv; p++) {
        size_t from = ((dues.size() - 1) * layers * hkv + p) * run.maxCandidates;
        same &= std::equal(single.begin() + p * alone.maxCandidates,
                           single.begin() + p * alone.maxCandidates + dues.back().candidates,
                           scoresOf[form].begin() + from);
      }
      expect(same, "rpc score, form %zu, depends on the other due lanes or on %d CTAs", form, ctas);
      if (alone.form == Form::kWarps) break;
    }
  }
  for (auto* p : pools) delete p;
  std::printf("  RPC %d/%d d%d R=%d, %zu lanes: worst score NMSE %.2e, lists and rows exact\n", hq,
              hkv, dim, ringRows, dues.size(), worst);
}

}  // namespace

void compression(bool small) {
  checkGolden();
  checkWorkedExample();
  checkTies();
  if (small) {
    checkRandom(2, 14, 2, 128, 8, {{1, 10, 130, 40, 8, 3}, {3, 64, 70, 64, 8, 7}}, false, false, 7,
                12288, 130);
    checkRandom(1, 5, 1, 128, 4, {{2, 1, 66, 17, 4, 0}}, false, true, 5, 0, 136);
    checkRandom(1, 4, 2, 64, 8, {{0, 63, 129, 64, 8, 2}, {1, 30, 2, 1, 8, 7}}, true, false, 3,
                12288, 137);
    checkRandom(1, 7, 1, 128, 40, {{2, 5, 700, 17, 40, 0}}, false, false, 7, 12288, 139);
    return;
  }
  checkRandom(2, 28, 4, 128, 32,
              {{1, 129, 1024, 256, 32, 31}, {0, 1, 1792, 1024, 32, 5}, {3, 64, 65, 1, 32, 12}},
              false, false, 7, 12288, 131);
  checkRandom(1, 40, 8, 128, 32, {{2, 63, 513, 511, 32, 0}}, false, true, 7, 100, 132);
  checkRandom(1, 4, 2, 64, 32, {{0, 100, 448, 64, 32, 9}, {1, 30, 2, 1, 32, 9}}, true, false, 3,
              12288, 133);
  checkRandom(1, 14, 2, 128, 128, {{0, 7, 700, 300, 128, 100}}, false, true, 7, 12288, 134);
  checkRandom(1, 2, 1, 64, 1, {{0, 0, 70000, 30000, 1, 0}}, false, true, 7, 12288, 135);
  checkRandom(1, 16, 2, 128, 16, {{0, 5, 13000, 9000, 16, 3}}, false, false, 7, 16384, 138);
  for (int group = 1; group <= 8; group++) {
    checkRandom(1, 2 * group, 2, group % 2 == 0 ? 64 : 128, 32,
                {{1, 61 + group, 500 + 37 * group, 200, 32, 2 * group}}, false, group % 3 == 0, 7,
                12288, 140 + group);
  }
}

void benchCompression() {
  std::printf("one compression, 7B, all 28 layers, R=32 (us)\n");
  struct Case {
    int candidates, kept, lanes;
  };
  for (const Case& c :
       {Case{1024, 256, 1}, Case{4864, 4096, 1}, Case{8704, 7936, 1}, Case{8704, 7936, 16}}) {
    if (profiling && (c.candidates != 8704 || c.lanes > 1)) continue;
    const int layers = 28, hq = 28, hkv = 4, dim = 128, ringRows = 32, prompt = 128;
    int rows = prompt + c.candidates + ringRows, pagesPerLane = (rows + 63) / 64;
    std::vector<int> table;
    std::vector<Due> dues;
    for (int lane = 0; lane < c.lanes; lane++) {
      for (int p = 0; p < pagesPerLane; p++)
        table.push_back(lane * pagesPerLane + (p * 37 + 11) % pagesPerLane);
      dues.push_back({lane, prompt, c.candidates, c.kept, ringRows, 5});
    }
    if (pagesPerLane % 37 == 0) std::printf("  (page order is not a permutation)\n");
    size_t layerHalves = static_cast<size_t>(c.lanes) * pagesPerLane * 2 * hkv * 64 * dim;
    Buffer<uint16_t> chunk(normalBf16(1 << 20, 1.0f, 140));
    Buffer<uint16_t> pool(layerHalves * layers);
    for (size_t at = 0; at < pool.size(); at += chunk.size()) {
      CUDA(cudaMemcpyAsync(pool.get() + at, chunk.get(),
                           std::min(chunk.size(), pool.size() - at) * 2, cudaMemcpyDeviceToDevice));
    }
    std::vector<unsigned long long> addresses;
    for (int l = 0; l < layers; l++)
      addresses.push_back(reinterpret_cast<unsigned long long>(pool.get() + layerHalves * l));
    Buffer<uint16_t> ring(
        normalBf16(static_cast<size_t>(layers) * c.lanes * ringRows * hq * dim, 1.5f, 141));
    Compression run(layers, c.lanes, hq, hkv, dim, ringRows, table, addresses, &ring,
                    ringWeights(ringRows, false), dues, 1);
    const float scale = 0.0883883f;
    double flop = 2.0 * c.lanes * layers * hq * ringRows * static_cast<double>(c.candidates) * dim;
    double keys = 2.0 * c.lanes * layers * hkv * static_cast<double>(c.candidates) * dim;
    double moved = 2.0 * c.lanes * layers * hkv * 2 * (c.kept + ringRows) * dim * 2.0;
    std::printf("  %d lane(s), %d -> %d:", c.lanes, c.candidates, c.kept);
    for (Form form : forms()) {
      run.form = form;
      double stats = graphMicros(2, [&](cudaStream_t s, int) { run.score(scale, s, 1); });
      double columns = graphMicros(2, [&](cudaStream_t s, int) { run.score(scale, s, 2); });
      std::printf(" %s: stats %.1f (%.0f TFLOP/s, %.0f GB/s) columns %.1f (%.0f, %.0f);",
                  form == Form::kWarps ? "warps" : "\n    warpgroups", stats, flop / stats * 1e-6,
                  keys / stats * 1e-3, columns, flop / columns * 1e-6, keys / columns * 1e-3);
    }
    double score = graphMicros(2, [&](cudaStream_t s, int) { run.score(scale, s); });
    double select = graphMicros(2, [&](cudaStream_t s, int) { run.select(7, 12288, s); });
    double compact = graphMicros(2, [&](cudaStream_t s, int) { run.compact(s); });
    double whole = graphMicros(2, [&](cudaStream_t s, int) {
      run.score(scale, s);
      run.select(7, 12288, s);
      run.compact(s);
    });
    settle("bench compression");
    std::printf(
        "\n    both passes %.1f, select %.1f, compact %.1f (%.0f GB/s, %.0f %% of 3.0 TB/s), whole "
        "%.1f, per lane %.1f\n",
        score, select, compact, moved / compact * 1e-3, 100 * bandwidthShare(moved, compact), whole,
        whole / c.lanes);
  }
}

}  // namespace check
