// The attention norm that is kept, in three parts: squares of attention against float64, counts of
// candidates against the rule itself, the decision over layers exactly.
#include "../../main/cuda/policy_norm.cu"
#include "policy_keys.cuh"

// Of policy_attention.cu, which check_policies.cu compiles.
extern "C" __global__ void policy_attention_stats_d64(const unsigned long long*, const int*,
                                                      const unsigned short*, const int*, float2*,
                                                      float*, int, int, int, int, int, int, int,
                                                      int, int, int, int, float);
extern "C" __global__ void policy_attention_stats_d128(const unsigned long long*, const int*,
                                                       const unsigned short*, const int*, float2*,
                                                       float*, int, int, int, int, int, int, int,
                                                       int, int, int, int, float);

namespace check {
namespace {

struct Queries {
  int ringRows, queries;
  std::vector<uint16_t> data;  // [layer][lane][R][Hq][d]
  Buffer<uint16_t> ring;

  Queries(const PolicyKeys& p, int ringRows_, int queries_, uint64_t stream)
      : ringRows(ringRows_),
        queries(queries_),
        data(normalBf16(static_cast<size_t>(p.layers) * kLanes * ringRows_ * p.hq * p.dim, 1.5f,
                        stream)),
        ring(data) {}

  const uint16_t* of(const PolicyKeys& p, int head, int age) const {
    const PolicyDue& d = p.due(head);
    size_t lane = static_cast<size_t>(p.layer(head)) * kLanes + d.lane;
    size_t slot = lane * ringRows + (d.newest - age + ringRows) % ringRows;
    return &data[(slot * p.hq + head % p.hq) * p.dim];
  }
};

// Squares of some due lanes, [due][layer][queryHead][their longest lane].
std::vector<float> squaresOf(const PolicyKeys& p, const Queries& q,
                             const std::vector<PolicyDue>& some) {
  int count = static_cast<int>(some.size()), rows = mostRows(some);
  int strips = (63 + rows + 511) / 512;
  size_t heads = static_cast<size_t>(count) * p.layers * p.hq;
  float scale = 1.0f / std::sqrt(static_cast<float>(p.dim));
  Buffer<int> words(pack(some));
  Buffer<float2> stats(heads * strips * q.queries);
  Buffer<float> out(heads * rows);
  auto* first = p.dim == 128 ? policy_attention_stats_d128 : policy_attention_stats_d64;
  auto* second = p.dim == 128 ? policy_norm_squares_d128 : policy_norm_squares_d64;
  first<<<dim3(strips, p.layers * p.hkv, count), 128>>>(
      p.layerPool.get(), p.table.get(), q.ring.get(), words.get(), stats.get(), nullptr,
      p.caches[0].maxPages, kLanes, p.layers, p.hq, p.hkv, q.ringRows, q.queries, strips, rows,
      tracemill::kAllRows, tracemill::kMean, scale);
  second<<<dim3((rows + 63) / 64, p.layers * p.hkv, count), 128>>>(
      p.layerPool.get(), p.table.get(), q.ring.get(), words.get(), stats.get(), out.get(),
      p.caches[0].maxPages, kLanes, p.layers, p.hq, p.hkv, q.ringRows, q.queries, strips, rows,
      scale);
  settle("policy_norm_squares");
  return out.download();
}

std::vector<double> squaresReference(const PolicyKeys& p, const Queries& q, int head) {
  int rows = p.due(head).rows();
  std::vector<double> squares(rows, 0.0);
  for (int age = 0; age < q.queries; age++) {
    const uint16_t* query = q.of(p, head, age);
    std::vector<double> z;
    double sum = 0;
    for (int slot = 0; slot < rows - age; slot++) {
      const uint16_t* key = p.key(head, slot);
      double dot = 0;
      for (int i = 0; i < p.dim; i++)
        dot += static_cast<double>(fromBf16(query[i])) * fromBf16(key[i]);
      z.push_back(std::exp(dot / std::sqrt(static_cast<double>(p.dim))));
      sum += z.back();
    }
    for (size_t slot = 0; slot < z.size(); slot++) squares[slot] += z[slot] / sum * z[slot] / sum;
  }
  return squares;
}

void checkSquares(const PolicyKeys& p, const Queries& q) {
  int maxRows = mostRows(p.dues);
  std::vector<float> got = squaresOf(p, q, p.dues);
  std::vector<Error> errors(p.heads());
  parallel(p.heads(), [&](int head) {
    std::vector<double> want = squaresReference(p, q, head);
    for (size_t row = 0; row < want.size(); row++)
      errors[head].add(got[static_cast<size_t>(head) * maxRows + row], want[row]);
  });
  double worst = 0;
  bool untouched = true;
  for (int head = 0; head < p.heads(); head++) {
    worst = std::max(worst, errors[head].nmse());
    for (int row = p.due(head).rows(); row < maxRows; row++)
      untouched &= std::isnan(got[static_cast<size_t>(head) * maxRows + row]);
  }
  expect(worst < kWorstNmse, "policy_norm_squares %d/%d d%d: NMSE %.3g", p.hq, p.hkv, p.dim, worst);
  expect(untouched, "policy_norm_squares %d/%d d%d: wrote past a lane", p.hq, p.hkv, p.dim);
  std::vector<float> alone = squaresOf(p, q, {p.dues.back()});
  bool same = true;
  int rows = p.dues.back().rows(), heads = p.layers * p.hq;
  for (int head = 0; head < heads; head++) {
    size_t from = static_cast<size_t>(p.heads() - heads + head) * maxRows;
    same &= std::memcmp(&alone[static_cast<size_t>(head) * rows], &got[from],
                        rows * sizeof(float)) == 0;
  }
  expect(same, "policy_norm_squares %d/%d d%d: depends on other lanes", p.hq, p.hkv, p.dim);
  std::printf("  squares of attention %d/%d d%d, %d of %d queries, %zu lanes: worst NMSE %.2e\n",
              p.hq, p.hkv, p.dim, q.queries, q.ringRows, p.dues.size(), worst);
}

// Loss after each number of dropped candidates of one set, from the lowest score up.
std::vector<double> lossesReference(const PolicyDue& d, const float* squares, int heads, int stride,
                                    const float* scores) {
  std::vector<int> order(d.candidates);
  for (int j = 0; j < d.candidates; j++) order[j] = j;
  std::sort(order.begin(), order.end(),
            [&](int a, int b) { return scores[a] != scores[b] ? scores[a] < scores[b] : a > b; });
  std::vector<double> left(heads, 0.0), losses;
  double full = 0;
  for (int h = 0; h < heads; h++) {
    for (int row = 0; row < d.rows(); row++) left[h] += squares[h * stride + row];
    full += std::sqrt(left[h]);
  }
  losses.push_back(0);
  for (int j : order) {
    double norm = 0;
    for (int h = 0; h < heads; h++) {
      left[h] -= squares[h * stride + d.first + j];
      norm += std::sqrt(std::max(0.0, left[h]));
    }
    losses.push_back(1 - norm / full);
  }
  return losses;
}

// `levels` different scores; 0 for all different.
void checkCounts(int layers, int hq, int sets, const std::vector<PolicyDue>& dues, int levels,
                 const std::vector<double>& thresholds, uint64_t stream) {
  int count = static_cast<int>(dues.size()), maxRows = mostRows(dues) + 3, heads = hq / sets;
  int maxCandidates = most(dues, &PolicyDue::candidates) + 1, lists = count * layers * sets;
  Random random(stream);
  Buffer<float> squares(static_cast<size_t>(count) * layers * hq * maxRows);
  Buffer<float> pooled(static_cast<size_t>(lists) * 2 * maxCandidates);
  std::vector<float> square = squares.download(), score = pooled.download();
  for (int n = 0; n < count; n++) {
    for (int head = 0; head < layers * hq; head++) {
      float* own = &square[(static_cast<size_t>(n) * layers * hq + head) * maxRows];
      for (int row = 0; row < dues[n].rows(); row++)
        own[row] = static_cast<float>(std::pow(random.uniform(), 6));
    }
    for (int set = 0; set < layers * sets; set++) {
      float* own = &score[((static_cast<size_t>(n) * layers * sets + set) * 2 + 1) * maxCandidates];
      for (int j = 0; j < dues[n].candidates; j++)
        own[j] = levels > 0 ? static_cast<float>(random.below(levels)) * 0.01f
                            : static_cast<float>(random.uniform());
    }
  }
  squares.upload(square);
  pooled.upload(score);
  for (double threshold : thresholds) {
    Buffer<int> words(pack(dues)), fewest(lists), kvLen(std::vector<int>(kLanes, -7)), kept(count);
    policy_norm_count<<<dim3(sets, layers, count), 1024>>>(squares.get(), pooled.get(), words.get(),
                                                           fewest.get(), layers, hq, sets, maxRows,
                                                           maxCandidates, threshold);
    settle("policy_norm_count");
    std::vector<int> got = fewest.download();
    bool good = true;
    for (int list = 0; list < lists; list++) {
      const PolicyDue& d = dues[list / sets / layers];
      const float* own = &square[static_cast<size_t>(list) * heads * maxRows];
      std::vector<double> losses = lossesReference(
          d, own, heads, maxRows, &score[(static_cast<size_t>(list) * 2 + 1) * maxCandidates]);
      int dropped = d.candidates - got[list];
      // Sums in another order may fall on the other side of the threshold.
      good &= dropped >= 0 && dropped <= d.candidates && losses[dropped] <= threshold + 1e-12 &&
              (dropped == d.candidates || losses[dropped + 1] > threshold - 1e-12);
    }
    expect(good, "policy_norm_count %d heads, %d sets, %d levels, threshold %g", hq, sets, levels,
           threshold);
    policy_norm_decide<<<count, 32>>>(fewest.get(), words.get(), kvLen.get(), kept.get(),
                                      layers * sets);
    settle("policy_norm_decide");
    std::vector<PolicyDue> decided = dues;
    std::vector<int> rows(kLanes, -7), stay;
    for (int n = 0; n < count; n++) {
      int* own = &got[static_cast<size_t>(n) * layers * sets];
      decided[n].kept = std::min(dues[n].kept, *std::max_element(own, own + layers * sets));
      stay.push_back(decided[n].kept);
      rows[dues[n].lane] = dues[n].first + decided[n].kept + dues[n].window;
    }
    expect(sameBits(words.download(), pack(decided)) && sameBits(kvLen.download(), rows) &&
               sameBits(kept.download(), stay),
           "policy_norm_decide %d sets, threshold %g", sets, threshold);
  }
}

// A small check is for compute-sanitizer, under which a count takes long.
void checkCountsOf(bool small, int layers, int hq, int hkv, const std::vector<PolicyDue>& dues,
                   uint64_t stream) {
  const std::vector<double> thresholds =
      small ? std::vector<double>{0.0, 0.05} : std::vector<double>{0.0, 0.01, 0.05, 0.3, 0.99};
  for (int sets : {1, hkv}) {
    checkCounts(layers, hq, sets, dues, 0, thresholds, stream);
    checkCounts(layers, hq, sets, dues, 5, thresholds, stream + 5);
    if (!small) checkCounts(layers, hq, sets, dues, 1, thresholds, stream + 1);
  }
  std::printf("  counts by norm %d/%d, %zu lanes\n", hq, hkv, dues.size());
}

}  // namespace

void policyNorm(bool small) {
  auto squares = [](int layers, int hq, int hkv, int dim, int ringRows, int queries,
                    const std::vector<PolicyDue>& dues, uint64_t stream) {
    PolicyKeys keys(layers, hq, hkv, dim, dues, stream);
    checkSquares(keys, Queries(keys, ringRows, queries, stream + 50));
  };
  squares(2, 14, 2, 128, 8, 8, kTwoLanes, 201);
  squares(1, 5, 5, 64, 8, 5, kEdgeLanes, 202);
  squares(2, 5, 1, 128, 9, 7, kPageLanes, 203);
  squares(1, 7, 1, 64, 7, 7, kPageLanes, 204);
  checkCountsOf(small, 2, 14, 2, kTwoLanes, 210);
  checkCountsOf(small, 1, 5, 5, kEdgeLanes, 220);
  checkCountsOf(small, 2, 40, 4, kPageLanes, 230);
  if (!small) {
    squares(1, 28, 4, 128, 32, 32, kLargeLanes, 205);
    squares(2, 4, 2, 64, 33, 1, kLargeLanes, 206);
    checkCountsOf(small, 2, 28, 4, kLargeLanes, 240);
  }
}

}  // namespace check
