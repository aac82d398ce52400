// Scores that read values: LagKV's spread and VaSE's ranks, against a direct implementation; ties,
// independence of other lanes, nothing written past a lane or a list.

#include "../../main/cuda/policy_spread.cu"
#include "../../main/cuda/policy_values.cu"
#include "layered_caches.cuh"
#include "paged_cache.cuh"
#include "policy_due.cuh"

namespace check {
namespace {

// As many rows follow the candidates as there are, or more; but for the last lane, where fewer do.
const std::vector<PolicyDue> kPartitions = {
    {0, 0, 1, 1, 1, 0, 0, 2}, {1, 16, 128, 32, 133, 0, 0, 500}, {3, 5, 129, 30, 120, 0, 0, 300}};
const std::vector<PolicyDue> kOddPartitions = {
    {2, 63, 65, 17, 66, 0, 0, 9}, {0, 1, 63, 62, 64, 0, 0, 70}, {3, 64, 64, 1, 191, 0, 0, 7}};
const std::vector<PolicyDue> kLargePartitions = {{1, 129, 1024, 256, 1100, 0, 0, 5000},
                                                 {3, 16, 1537, 375, 1537, 0, 0, 9000}};

const std::vector<PolicyDue> kOneCandidate = {{1, 0, 1, 1, 0, 0, 0, 1}, {0, 65, 3, 0, 1, 0, 0, 69}};

// Keys and values of several layers with channels of different sizes and means. Some rows are equal
// to an earlier one, some have equal channels, and one channel of all lanes is the same in all
// rows.
struct ValueProblem : LayeredCaches {
  int layers, hkv, dim;
  std::vector<PolicyDue> dues;

  static std::vector<PagedCache> makeCaches(int layers, int hkv, int dim,
                                            const std::vector<PolicyDue>& dues, uint64_t stream) {
    std::vector<int> rows(kLanes, 1);
    for (const PolicyDue& d : dues) rows[d.lane] = d.rows();
    std::vector<PagedCache> caches;
    for (int layer = 0; layer < layers; layer++) {
      PagedCache cache(rows, hkv, dim, stream);
      Random random(stream * 131 + layer);
      for (int lane = 0; lane < kLanes; lane++) {
        for (int slot = 0; slot < rows[lane]; slot++) {
          for (int part = 0; part < 2 * hkv; part++) {
            uint16_t* x = &cache.pool[cache.row(lane, slot, part % 2, part / 2)];
            const uint16_t* other =
                &cache.pool[cache.row(lane, random.below(slot + 1), part % 2, part / 2)];
            for (int c = 0; c < dim; c++) {
              float value = (1 + c % 7) * random.normal() + c % 5;
              x[c] = slot % 7 == 3 ? other[c] : toBf16(c == 11 || slot % 29 == 5 ? 0.75f : value);
            }
          }
        }
      }
      caches.push_back(cache);
    }
    return caches;
  }

  ValueProblem(int layers_, int hkv_, int dim_, const std::vector<PolicyDue>& dues_,
               uint64_t stream)
      : LayeredCaches(makeCaches(layers_, hkv_, dim_, dues_, stream)),
        layers(layers_),
        hkv(hkv_),
        dim(dim_),
        dues(dues_) {}

  float at(int layer, int lane, int slot, int keyOrValue, int head, int channel) const {
    const PagedCache& cache = caches[layer];
    return fromBf16(cache.pool[cache.row(lane, slot, keyOrValue, head) + channel]);
  }

  // LagKV's scores of some due lanes, [due][layer][kvHead][maxRows].
  std::vector<float> spreads(const std::vector<PolicyDue>& some, int maxRows) const {
    size_t size = some.size() * layers * hkv * maxRows;
    Buffer<int> words(pack(some));
    Buffer<float> shares(size), space(size);
    auto* kernel = dim == 128 ? policy_lag_spread_d128 : policy_lag_spread_d64;
    kernel<<<dim3(hkv, layers, static_cast<int>(some.size())), 1024>>>(
        layerPool.get(), table.get(), words.get(), shares.get(), space.get(), caches[0].maxPages,
        layers, hkv, maxRows);
    settle("policy_lag_spread");
    return shares.download();
  }

  // The same by its formula, by candidate.
  std::vector<double> spreadReference(const PolicyDue& d, int layer, int head) const {
    std::vector<double> scores(d.candidates, 0.0);
    int after = d.first + d.candidates;
    for (int part = 0; part < 2; part++) {
      std::vector<float> least(dim, INFINITY), most(dim, -INFINITY);
      for (int i = 0; i < std::min(d.candidates, d.window); i++) {
        for (int c = 0; c < dim; c++) {
          least[c] = std::min(least[c], at(layer, d.lane, after + i, part, head, c));
          most[c] = std::max(most[c], at(layer, d.lane, after + i, part, head, c));
        }
      }
      std::vector<double> e(d.candidates), y(dim);
      double total = 0;
      for (int j = 0; j < d.candidates; j++) {
        double mean = 0, squares = 0;
        for (int c = 0; c < dim; c++) {
          double x = at(layer, d.lane, d.first + j, part, head, c);
          double range = static_cast<double>(most[c]) - least[c];
          y[c] = range > 0 ? (x - least[c]) / range : 0.0;
          mean += y[c] / dim;
        }
        for (double v : y) squares += (v - mean) * (v - mean);
        e[j] = std::exp(std::sqrt(squares / (dim - 1)));
        total += e[j];
      }
      for (int j = 0; j < d.candidates; j++) scores[j] += e[j] / total;
    }
    return scores;
  }
};

void checkSpread(const ValueProblem& p) {
  int maxRows = mostRows(p.dues) + 2, heads = p.layers * p.hkv;
  int problems = static_cast<int>(p.dues.size()) * heads;
  std::vector<float> shares = p.spreads(p.dues, maxRows);
  std::vector<Error> errors(problems), deviations(problems);
  std::vector<int> wrong(problems, 0);
  parallel(problems, [&](int problem) {
    const PolicyDue& d = p.dues[problem / heads];
    std::vector<double> want = p.spreadReference(d, problem % heads / p.hkv, problem % p.hkv);
    const float* got = &shares[static_cast<size_t>(problem) * maxRows];
    for (int row = 0; row < maxRows; row++) {
      int j = row - d.first;
      if (j >= 0 && j < d.candidates) {
        errors[problem].add(got[row], want[j]);
        // Scores differ little from row to row: what ranks is how they differ from their mean.
        deviations[problem].add(got[row] - 2.0 / d.candidates, want[j] - 2.0 / d.candidates);
      } else {
        wrong[problem] += row < d.rows() ? got[row] != 0 : !std::isnan(got[row]);
      }
    }
  });
  double worst = 0;
  for (int problem = 0; problem < problems; problem++) {
    expect(errors[problem].nmse() < 1e-11, "lag spread d%d, problem %d: NMSE %.3g", p.dim, problem,
           errors[problem].nmse());
    expect(deviations[problem].nmse() < kWorstNmse,
           "lag spread d%d, problem %d: NMSE %.3g of "
           "deviations",
           p.dim, problem, deviations[problem].nmse());
    expect(wrong[problem] == 0, "lag spread d%d, problem %d: %d rows outside the candidates", p.dim,
           problem, wrong[problem]);
    worst = std::max(worst, deviations[problem].nmse());
  }
  std::vector<float> last(shares.end() - static_cast<size_t>(heads) * maxRows, shares.end());
  expect(sameBits(p.spreads({p.dues.back()}, maxRows), last), "lag spread depends on other lanes");
  std::printf("  lag spread %d KV heads d%d, %zu lanes: worst NMSE of deviations %.2e\n", p.hkv,
              p.dim, p.dues.size(), worst);
}

// Ranks of one retained set: `m` are its mean shares by row.
std::vector<double> sampleReference(const PolicyDue& d, const std::vector<float>& widths,
                                    const float* m, uint64_t seed, int setIndex, int pooling,
                                    int wideRows) {
  std::vector<double> ranks(d.candidates);
  std::vector<int> order(d.candidates);
  for (int j = 0; j < d.candidates; j++) {
    double sum = 0;
    for (int i = std::max(0, j - pooling / 2); i <= std::min(d.candidates - 1, j + pooling / 2);
         i++)
      sum += m[d.first + i];
    double uniform = ((philox(seed, j, d.position, setIndex, 1) >> 9) + 0.5) * 0x1.0p-23;
    ranks[j] = sum / pooling / -std::log(uniform);
    order[j] = j;
  }
  std::stable_sort(order.begin(), order.end(), [&](int a, int b) { return widths[a] > widths[b]; });
  for (int i = 0; i < std::min(wideRows, d.kept); i++) ranks[order[i]] = tracemill::kLargest;
  return ranks;
}

// One launch of both kernels, against the reference; ranks are returned, [due][layer][set][list].
std::vector<float> checkSample(const ValueProblem& p, const std::vector<PolicyDue>& dues, int sets,
                               int pooling, int wideRows, uint64_t stream) {
  int maxRows = mostRows(p.dues) + 1, maxCandidates = most(p.dues, &PolicyDue::candidates) + 3;
  int count = static_cast<int>(dues.size()), heads = p.hkv / sets;
  Random random(stream);
  std::vector<unsigned long long> seeds(kLanes);
  for (auto& seed : seeds) seed = random.next();
  std::vector<float> shares(static_cast<size_t>(count) * p.layers * p.hkv * maxRows, NAN);
  for (int n = 0; n < count; n++) {
    Random own(stream + 1 + dues[n].lane);  // by lane: the same in every batch
    for (int head = 0; head < p.layers * p.hkv; head++) {
      size_t at = (static_cast<size_t>(n) * p.layers * p.hkv + head) * maxRows;
      for (int row = 0; row < dues[n].rows(); row++) {
        float share = static_cast<float>(own.uniform() * 0.1);
        shares[at + row] = row % 9 == 4 ? 0.0f : share;
      }
    }
  }
  Buffer<int> words(pack(dues));
  Buffer<unsigned long long> seedBuffer(seeds);
  Buffer<float> shareBuffer(shares);
  Buffer<float> widths(static_cast<size_t>(count) * p.layers * sets * maxCandidates);
  Buffer<float> ranks(widths.size());
  auto* kernel = p.dim == 128 ? policy_value_widths_d128 : policy_value_widths_d64;
  kernel<<<dim3((maxCandidates + 63) / 64, p.layers * sets, count), 256>>>(
      p.layerPool.get(), p.table.get(), words.get(), widths.get(), p.caches[0].maxPages, p.layers,
      p.hkv, sets, maxCandidates);
  settle("policy_value_widths");
  policy_wide_sample<<<dim3(sets, p.layers, count), 1024>>>(
      shareBuffer.get(), widths.get(), seedBuffer.get(), words.get(), ranks.get(), p.layers, p.hkv,
      sets, maxRows, maxCandidates, pooling, wideRows);
  settle("policy_wide_sample");
  std::vector<float> gotWidths = widths.download(), got = ranks.download();
  int wrongWidths = 0, wrongRanks = 0, outside = 0;
  for (int list = 0; list < count * p.layers * sets; list++) {
    const PolicyDue& d = dues[list / sets / p.layers];
    int layer = list / sets % p.layers, firstHead = list % sets * heads;
    size_t at = static_cast<size_t>(list) * maxCandidates;
    std::vector<float> want(d.candidates, 0.0f);
    for (int j = 0; j < d.candidates; j++) {
      for (int head = firstHead; head < firstHead + heads; head++) {
        float least = INFINITY, most = -INFINITY;
        for (int c = 0; c < p.dim; c++) {
          least = std::min(least, p.at(layer, d.lane, d.first + j, 1, head, c));
          most = std::max(most, p.at(layer, d.lane, d.first + j, 1, head, c));
        }
        want[j] += most - least;
      }
      want[j] /= static_cast<float>(heads);
      wrongWidths += gotWidths[at + j] != want[j];
    }
    size_t own = (static_cast<size_t>(list / sets) * p.hkv + firstHead) * maxRows;
    std::vector<double> wantRanks = sampleReference(d, want, &shares[own], seeds[d.lane],
                                                    list % (p.layers * sets), pooling, wideRows);
    for (int j = 0; j < d.candidates; j++)
      wrongRanks += !(std::fabs(got[at + j] - wantRanks[j]) <= 1e-6 * wantRanks[j]);
    for (int j = d.candidates; j < maxCandidates; j++)
      outside += !std::isnan(got[at + j]) + !std::isnan(gotWidths[at + j]);
  }
  expect(wrongWidths == 0, "value widths d%d, %d sets: %d wrong", p.dim, sets, wrongWidths);
  expect(wrongRanks == 0, "wide sample d%d, %d sets, pooling %d, %d wide rows: %d wrong", p.dim,
         sets, pooling, wideRows, wrongRanks);
  expect(outside == 0, "wide sample d%d, %d sets: wrote past the candidates", p.dim, sets);
  expect(sameBits(shareBuffer.download(), shares), "wide sample changed shares");
  return got;
}

void checkSamples(const ValueProblem& p, uint64_t stream) {
  for (int sets : {1, p.hkv}) {
    for (int wideRows : {0, 1, 7, 50, 1 << 30}) {
      checkSample(p, p.dues, sets, 5, wideRows, stream);
    }
    checkSample(p, p.dues, sets, 1, 3, stream);
    std::vector<float> all = checkSample(p, p.dues, sets, 7, 12, stream);
    std::vector<float> alone = checkSample(p, {p.dues.back()}, sets, 7, 12, stream);
    std::vector<float> last(all.end() - alone.size(), all.end());
    expect(sameBits(alone, last), "wide sample d%d, %d sets: depends on other lanes", p.dim, sets);
  }
  std::printf("  wide sample %d KV heads d%d, %zu lanes\n", p.hkv, p.dim, p.dues.size());
}

void checkProblem(int layers, int hkv, int dim, const std::vector<PolicyDue>& dues,
                  uint64_t stream) {
  ValueProblem problem(layers, hkv, dim, dues, stream);
  checkSpread(problem);
  checkSamples(problem, stream + 1000);
}

}  // namespace

void policyValues(bool small) {
  checkProblem(2, 2, 128, kPartitions, 161);
  checkProblem(1, 5, 64, kOddPartitions, 162);
  checkProblem(1, 1, 128, kOddPartitions, 163);
  checkProblem(2, 1, 64, kPartitions, 164);
  checkSamples(ValueProblem(1, 3, 64, kOneCandidate, 165), 166);
  checkSamples(ValueProblem(2, 7, 128, kEdgeLanes, 167), 168);
  if (!small) {
    checkProblem(1, 4, 128, kLargePartitions, 169);
    checkProblem(1, 2, 64, kLargePartitions, 170);
    checkSamples(ValueProblem(2, 4, 128, kLargeLanes, 171), 172);
  }
}

}  // namespace check
