// Attention shares and redundancy of the policies other than RPC against float64: every scope and
// fold, independence of other lanes and of the order of additions, nothing written past a lane.

#include "../../main/cuda/policy_attention.cu"
#include "../../main/cuda/policy_redundancy.cu"
#include "layered_caches.cuh"
#include "paged_cache.cuh"
#include "policy_due.cuh"

namespace check {
namespace {

// Keys of several layers, a third of them unlike all others, and the ring of queries.
struct PolicyProblem : LayeredCaches {
  int layers, hq, hkv, dim, ringRows, queries;
  std::vector<PolicyDue> dues;
  std::vector<uint16_t> ringData;  // [layer][lane][R][Hq][d]
  Buffer<uint16_t> ring;

  static std::vector<PagedCache> makeCaches(int layers, int hkv, int dim,
                                            const std::vector<PolicyDue>& dues, uint64_t stream) {
    std::vector<int> rows(kLanes, 1);
    for (const PolicyDue& d : dues) rows[d.lane] = d.rows();
    std::vector<PagedCache> caches;
    for (int layer = 0; layer < layers; layer++) {
      PagedCache cache(rows, hkv, dim, stream);
      Random random(stream * 77 + layer);
      for (int lane = 0; lane < kLanes; lane++) {
        for (int slot = 0; slot < rows[lane]; slot++) {
          for (int head = 0; head < hkv; head++) {
            uint16_t* key = &cache.pool[cache.row(lane, slot, 0, head)];
            bool alike = slot % 3 > 0;
            const uint16_t* other =
                alike ? &cache.pool[cache.row(lane, random.below(slot), 0, head)] : key;
            for (int i = 0; i < dim; i++) {
              float base = alike ? fromBf16(other[i]) : 0.0f;
              float noise = slot % 3 == 1 ? 0.4f : 1.0f;
              key[i] = toBf16(slot > 0 && slot == rows[lane] / 2 ? 0.0f
                                                                 : base + noise * random.normal());
            }
          }
        }
      }
      caches.push_back(cache);
    }
    return caches;
  }

  PolicyProblem(int layers_, int hq_, int hkv_, int dim_, int ringRows_, int queries_,
                const std::vector<PolicyDue>& dues_, uint64_t stream)
      : LayeredCaches(makeCaches(layers_, hkv_, dim_, dues_, stream)),
        layers(layers_),
        hq(hq_),
        hkv(hkv_),
        dim(dim_),
        ringRows(ringRows_),
        queries(queries_),
        dues(dues_),
        ringData(normalBf16(static_cast<size_t>(layers_) * kLanes * ringRows_ * hq_ * dim_, 1.5f,
                            stream)),
        ring(ringData) {}

  int group() const { return hq / hkv; }
  int problems() const { return static_cast<int>(dues.size()) * layers * hkv; }
  float scale() const { return 1.0f / std::sqrt(static_cast<float>(dim)); }
  const PolicyDue& due(int problem) const { return dues[problem / hkv / layers]; }
  const uint16_t* key(int problem, int slot) const {
    const PagedCache& cache = caches[problem / hkv % layers];
    return &cache.pool[cache.row(due(problem).lane, slot, 0, problem % hkv)];
  }
  const uint16_t* query(int problem, int age, int g) const {
    size_t lane = static_cast<size_t>(problem / hkv % layers) * kLanes + due(problem).lane;
    size_t slot = lane * ringRows + (due(problem).newest - age + ringRows) % ringRows;
    return &ringData[(slot * hq + problem % hkv * group() + g) * dim];
  }
  double dot(const uint16_t* a, const uint16_t* b) const {
    double sum = 0;
    for (int i = 0; i < dim; i++) sum += static_cast<double>(fromBf16(a[i])) * fromBf16(b[i]);
    return sum;
  }

  // Shares of some due lanes, [due][layer][kvHead][their longest lane].
  std::vector<float> shares(const std::vector<PolicyDue>& some, int scope, int fold) const {
    int count = static_cast<int>(some.size()), rows = mostRows(some);
    int strips = (63 + rows + 511) / 512;
    size_t heads = static_cast<size_t>(count) * layers * hkv;
    Buffer<int> words(pack(some));
    Buffer<float2> stats(heads * strips * queries * group());
    Buffer<float> out(heads * rows);
    auto* first = dim == 128 ? policy_attention_stats_d128 : policy_attention_stats_d64;
    auto* second = dim == 128 ? policy_attention_columns_d128 : policy_attention_columns_d64;
    first<<<dim3(strips, layers * hkv, count), 128>>>(
        layerPool.get(), table.get(), ring.get(), words.get(), stats.get(), out.get(),
        caches[0].maxPages, kLanes, layers, hq, hkv, ringRows, queries, strips, rows, scope, fold,
        scale());
    second<<<dim3((rows + 63) / 64, layers * hkv, count), 128>>>(
        layerPool.get(), table.get(), ring.get(), words.get(), stats.get(), out.get(),
        caches[0].maxPages, kLanes, layers, hq, hkv, ringRows, queries, strips, rows, scope, fold,
        scale());
    settle("policy_attention");
    return out.download();
  }
};

// Mean over the queries of the group's folded share; logits [age][g][row] in double.
std::vector<double> sharesReference(const PolicyProblem& p, const PolicyDue& d,
                                    const std::vector<double>& logits, int scope, int fold) {
  int rows = d.rows(), group = p.group();
  int begin = scope == tracemill::kAllRows ? 0 : d.first;
  int end = scope == tracemill::kAllRows ? rows : d.first + d.candidates;
  std::vector<double> shares(rows, 0.0);
  for (int age = 0; age < p.queries; age++) {
    int seen = std::min(end, rows - age);
    std::vector<double> folded(rows, 0.0);
    for (int g = 0; g < group; g++) {
      const double* head = &logits[(static_cast<size_t>(age) * group + g) * rows];
      std::vector<double> z(head, head + rows);
      if (fold == tracemill::kLargestLogit) {
        for (int other = 0; other < group; other++)
          for (int j = 0; j < rows; j++) z[j] = std::max(z[j], head[(other - g) * rows + j]);
      }
      double sum = 0;
      for (int j = begin; j < seen; j++) sum += std::exp(z[j]);
      for (int j = begin; j < seen; j++) {
        double share = std::exp(z[j]) / sum;
        folded[j] =
            fold == tracemill::kMean ? folded[j] + share / group : std::max(folded[j], share);
      }
    }
    for (int j = 0; j < rows; j++) shares[j] += folded[j] / p.queries;
  }
  return shares;
}

void checkAttention(const PolicyProblem& p) {
  int maxRows = mostRows(p.dues);
  std::vector<std::vector<double>> logits(p.problems());
  parallel(p.problems(), [&](int problem) {
    for (int i = 0; i < p.queries * p.group(); i++) {
      const uint16_t* query = p.query(problem, i / p.group(), i % p.group());
      for (int slot = 0; slot < p.due(problem).rows(); slot++)
        logits[problem].push_back(p.dot(query, p.key(problem, slot)) * p.scale());
    }
  });
  double worst = 0;
  for (int scope : {tracemill::kCandidates, tracemill::kAllRows}) {
    for (int fold : {tracemill::kMean, tracemill::kLargestLogit, tracemill::kLargestShare}) {
      std::vector<float> shares = p.shares(p.dues, scope, fold);
      std::vector<Error> errors(p.problems());
      bool untouched = true, outside = true;
      for (int problem = 0; problem < p.problems(); problem++) {
        const PolicyDue& d = p.due(problem);
        std::vector<double> want = sharesReference(p, d, logits[problem], scope, fold);
        const float* got = &shares[static_cast<size_t>(problem) * maxRows];
        for (int j = 0; j < d.rows(); j++) {
          errors[problem].add(got[j], want[j]);
          outside &= want[j] != 0 || got[j] == 0;
        }
        for (int j = d.rows(); j < maxRows; j++) untouched &= std::isnan(got[j]);
        worst = std::max(worst, errors[problem].nmse());
        expect(errors[problem].nmse() < kWorstNmse,
               "policy attention %d/%d d%d, scope %d fold %d, lane %d: NMSE %.3g", p.hq, p.hkv,
               p.dim, scope, fold, d.lane, errors[problem].nmse());
      }
      expect(outside, "policy attention, scope %d fold %d: a share outside the scope", scope, fold);
      expect(untouched, "policy attention, scope %d fold %d: wrote past a lane", scope, fold);
      std::vector<float> alone = p.shares({p.dues.back()}, scope, fold);
      bool same = true;
      int rows = p.dues.back().rows(), heads = p.layers * p.hkv;
      for (int head = 0; head < heads; head++) {
        size_t from = static_cast<size_t>(p.problems() - heads + head) * maxRows;
        same &= std::memcmp(&alone[static_cast<size_t>(head) * rows], &shares[from],
                            rows * sizeof(float)) == 0;
      }
      expect(same, "policy attention, scope %d fold %d: depends on other lanes", scope, fold);
    }
  }
  std::printf("  policy attention %d/%d d%d, %d of %d queries, %zu lanes: worst NMSE %.2e\n", p.hq,
              p.hkv, p.dim, p.queries, p.ringRows, p.dues.size(), worst);
}

void checkRedundancy(const PolicyProblem& p) {
  int maxRows = mostRows(p.dues), count = static_cast<int>(p.dues.size());
  size_t size = static_cast<size_t>(p.problems()) * maxRows;
  Buffer<int> words(pack(p.dues)), latest(size);
  Buffer<float> sums(size), cosines(size);
  Buffer<unsigned long long> struck(size);
  auto* rowsKernel = p.dim == 128 ? policy_redundancy_rows_d128 : policy_redundancy_rows_d64;
  std::vector<float> rowSums, found, soft[2];
  std::vector<int> similar;
  for (int turn = 0; turn < 2; turn++) {
    rowsKernel<<<dim3(2 * ((maxRows + 63) / 64), p.layers * p.hkv, count), 128>>>(
        p.layerPool.get(), p.table.get(), words.get(), sums.get(), latest.get(), cosines.get(),
        p.caches[0].maxPages, p.layers, p.hkv, maxRows);
    settle("policy_redundancy_rows");
    rowSums = sums.download();
    found = cosines.download();
    similar = latest.download();
    policy_redundancy_softmax<<<dim3(p.layers * p.hkv, count), 1024>>>(
        words.get(), sums.get(), latest.get(), cosines.get(), struck.get(), p.layers, p.hkv,
        maxRows);
    settle("policy_redundancy_softmax");
    soft[turn] = sums.download();
  }
  expect(sameBits(soft[0], soft[1]), "redundancy differs between two runs");
  std::vector<double> worstOf(p.problems());
  std::vector<int> wrong(p.problems(), 0), strikes(p.problems(), 0);
  parallel(p.problems(), [&](int problem) {
    const PolicyDue& d = p.due(problem);
    int n = d.rows() - d.first;
    size_t at = static_cast<size_t>(problem) * maxRows;
    std::vector<double> length(n), c(static_cast<size_t>(n) * n, 0.0), mean(n, 0.0);
    for (int i = 0; i < n; i++) {
      const uint16_t* key = p.key(problem, d.first + i);
      length[i] = std::sqrt(p.dot(key, key)) + 1e-8;
    }
    for (int i = 0; i < n; i++) {
      for (int j = 0; j < n; j++) {
        if (i != j)
          c[i * n + j] = p.dot(p.key(problem, d.first + i), p.key(problem, d.first + j)) /
                         (length[i] * length[j]);
      }
    }
    // A cosine within rounding of 0.5 may be counted as similar or not.
    for (int i = 0; i < n; i++) {
      double sum = 0;
      int certain = -1, row = similar[at + d.first + i], chosen = row < 0 ? -1 : row - d.first;
      for (int j = 0; j < n; j++) {
        sum += c[i * n + j];
        if (c[i * n + j] > 0.5 + 1e-5) certain = j;
      }
      bool good = chosen >= certain && chosen < n && (row < 0 || row >= d.first);
      if (good && chosen >= 0) {
        double cosine = c[i * n + chosen];
        good = cosine > 0.5 - 1e-5 && std::fabs(found[at + d.first + i] - cosine) < 1e-5;
        c[i * n + chosen] = 0;
        strikes[problem]++;
      }
      good = good && std::fabs(rowSums[at + d.first + i] - sum) < 1e-6 * n + 1e-5;
      wrong[problem] += !good;
    }
    double top = -INFINITY, total = 0;
    for (int j = 0; j < n; j++) {
      for (int i = 0; i < n; i++) mean[j] += c[i * n + j] / n;
      top = std::max(top, mean[j]);
    }
    for (int j = 0; j < n; j++) total += std::exp(mean[j] - top);
    Error error;
    for (int j = 0; j < n; j++)
      error.add(soft[0][at + d.first + j], std::exp(mean[j] - top) / total);
    worstOf[problem] = error.nmse();
    for (int j = 0; j < maxRows; j++)
      wrong[problem] += (j < d.first || j >= d.rows()) && !std::isnan(soft[0][at + j]);
  });
  double worst = 0;
  int struckRows = 0;
  for (int problem = 0; problem < p.problems(); problem++) {
    expect(wrong[problem] == 0, "redundancy d%d, problem %d: %d rows wrong", p.dim, problem,
           wrong[problem]);
    expect(worstOf[problem] < kWorstNmse, "redundancy d%d, problem %d: NMSE %.3g", p.dim, problem,
           worstOf[problem]);
    worst = std::max(worst, worstOf[problem]);
    struckRows += strikes[problem];
  }
  expect(struckRows > 0, "no two rows of the redundancy check are similar");
  std::printf("  redundancy d%d, %d problems, %d entries struck out: worst NMSE %.2e\n", p.dim,
              p.problems(), struckRows, worst);
}

void checkProblem(const PolicyProblem& problem) {
  checkAttention(problem);
  checkRedundancy(problem);
}

}  // namespace

void policies(bool small) {
  checkProblem(PolicyProblem(2, 14, 2, 128, 8, 8, kTwoLanes, 151));
  checkProblem(PolicyProblem(1, 5, 5, 64, 8, 5, kEdgeLanes, 152));
  checkProblem(PolicyProblem(1, 5, 1, 128, 9, 7, kEdgeLanes, 153));
  if (!small) {
    checkProblem(PolicyProblem(1, 28, 4, 128, 32, 32, kLargeLanes, 156));
    checkProblem(PolicyProblem(2, 4, 2, 64, 33, 1, kLargeLanes, 157));
  }
  policyRanks(small);
  policyValues(small);
  policyNorm(small);
  policyExpected(small);
}

}  // namespace check
