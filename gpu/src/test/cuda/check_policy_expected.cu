// Attention expected of queries to come against float64: the made-up queries, the scores of single
// heads, the standardised ranks; nothing written past a lane, no lane depends on others.
#include "../../main/cuda/policy_expected.cu"
#include "policy_keys.cuh"

namespace check {
namespace {

struct Calibration {
  std::vector<float> means;  // [layer][queryHead][d / 2][3]
  std::vector<float> frequencies;
  float factor;

  Calibration(const PolicyKeys& p, float factor_, uint64_t stream)
      : means(static_cast<size_t>(p.layers) * p.hq * p.dim / 2 * 3), factor(factor_) {
    Random random(stream);
    for (size_t i = 0; i < means.size(); i += 3) {
      means[i] = random.normal();
      means[i + 1] = random.normal();
      means[i + 2] = std::hypot(means[i], means[i + 1]) + static_cast<float>(random.uniform());
    }
    for (int pair = 0; pair < p.dim / 2; pair++)
      frequencies.push_back(static_cast<float>(std::pow(10000.0, -2.0 * pair / p.dim)));
  }
};

struct Results {
  std::vector<float> queries, scores, ranks;
};

// Of some due lanes; arrays end with the longest of them.
Results expectedOf(const PolicyKeys& p, const Calibration& c, const std::vector<PolicyDue>& some,
                   int sets) {
  int count = static_cast<int>(some.size()), rows = mostRows(some);
  int candidates = most(some, &PolicyDue::candidates);
  size_t heads = static_cast<size_t>(count) * p.layers * p.hq;
  Buffer<int> words(pack(some));
  Buffer<float> means(c.means), frequencies(c.frequencies);
  Buffer<float> queries(heads * p.dim / 2 * 3), scores(heads * rows);
  Buffer<float> ranks(static_cast<size_t>(count) * p.layers * sets * candidates);
  policy_expected_queries<<<dim3(p.layers, count), 128>>>(means.get(), frequencies.get(),
                                                          words.get(), queries.get(), p.layers,
                                                          p.hq, p.dim / 2, c.factor);
  auto* kernel = p.dim == 128 ? policy_expected_scores_d128 : policy_expected_scores_d64;
  kernel<<<dim3((rows + 63) / 64, p.layers * p.hkv, count), 128>>>(
      p.layerPool.get(), p.table.get(), words.get(), queries.get(), scores.get(),
      p.caches[0].maxPages, p.layers, p.hq, p.hkv, rows);
  policy_expected_rank<<<dim3(sets, p.layers, count), 1024, p.hq / sets * sizeof(float2)>>>(
      scores.get(), words.get(), ranks.get(), p.layers, p.hq, sets, rows, candidates);
  settle("policy_expected");
  return {queries.download(), scores.download(), ranks.download()};
}

// [3][d / 2]: the made-up query's real and imaginary parts, the rest.
std::vector<double> queryReference(const PolicyKeys& p, const Calibration& c, int head) {
  int pairs = p.dim / 2, newest = p.due(head).position - 1;
  std::vector<double> query(3 * pairs);
  const float* mean = &c.means[static_cast<size_t>(p.layer(head) * p.hq + head % p.hq) * pairs * 3];
  for (int pair = 0; pair < pairs; pair++, mean += 3) {
    double real = 0, imaginary = 0;
    for (int distance = 1; distance <= 65536; distance *= 2) {
      float angle = static_cast<float>(newest + distance) * c.frequencies[pair];
      real += std::cos(static_cast<double>(angle)) / 17;
      imaginary += std::sin(static_cast<double>(angle)) / 17;
    }
    query[pair] = c.factor * (mean[0] * real - mean[1] * imaginary);
    query[pair + pairs] = c.factor * (mean[0] * imaginary + mean[1] * real);
    query[pair + 2 * pairs] =
        c.factor * (mean[2] - std::hypot(static_cast<double>(mean[0]), mean[1]));
  }
  return query;
}

std::vector<double> scoresReference(const PolicyKeys& p, int head,
                                    const std::vector<double>& query) {
  const PolicyDue& d = p.due(head);
  int pairs = p.dim / 2;
  std::vector<double> scores(d.candidates, 0.0);
  for (int j = 0; j < d.candidates; j++) {
    const uint16_t* key = p.key(head, d.first + j);
    for (int pair = 0; pair < pairs; pair++) {
      double real = fromBf16(key[pair]), imaginary = fromBf16(key[pair + pairs]);
      scores[j] += query[pair] * real + query[pair + pairs] * imaginary +
                   query[pair + 2 * pairs] * std::hypot(real, imaginary);
    }
  }
  return scores;
}

void addStandardised(const std::vector<double>& scores, int heads, std::vector<double>& ranks) {
  double mean = 0, variance = 0;
  for (double score : scores) mean += score / scores.size();
  for (double score : scores) variance += (score - mean) * (score - mean) / scores.size();
  for (size_t j = 0; j < scores.size() && scores.size() > 1; j++)
    ranks[j] += (scores[j] - mean) / std::sqrt(variance) / heads;
}

// The score that a rank stands for; its last bit is lost.
double scoreOfRank(float rank) {
  uint32_t bits;
  std::memcpy(&bits, &rank, 4);
  bits = bits & 0x40000000u ? bits << 1 & 0x7fffffffu : ~(bits << 1);
  float score;
  std::memcpy(&score, &bits, 4);
  return score;
}

void checkExpected(const PolicyKeys& p, const Calibration& c, int sets) {
  int rows = mostRows(p.dues), maxCandidates = most(p.dues, &PolicyDue::candidates);
  int pairs = p.dim / 2, heads = p.hq / sets, lists = p.heads() / heads;
  Results got = expectedOf(p, c, p.dues, sets);
  std::vector<Error> errors[3] = {std::vector<Error>(lists), std::vector<Error>(lists),
                                  std::vector<Error>(lists)};
  std::vector<int> wrong(lists, 0);
  parallel(lists, [&](int list) {
    const PolicyDue& d = p.due(list * heads);
    std::vector<double> ranks(d.candidates, 0.0);
    for (int head = list * heads; head < (list + 1) * heads; head++) {
      std::vector<double> query = queryReference(p, c, head);
      for (int i = 0; i < 3 * pairs; i++)
        errors[0][list].add(got.queries[static_cast<size_t>(head) * 3 * pairs + i], query[i]);
      std::vector<double> scores = scoresReference(p, head, query);
      for (int row = 0; row < rows; row++) {
        float score = got.scores[static_cast<size_t>(head) * rows + row];
        int j = row - d.first;
        if (j >= 0 && j < d.candidates) {
          errors[1][list].add(score, scores[j]);
        } else {
          wrong[list] += !std::isnan(score);
        }
      }
      addStandardised(scores, heads, ranks);
    }
    for (int j = 0; j < maxCandidates; j++) {
      float rank = got.ranks[static_cast<size_t>(list) * maxCandidates + j];
      if (j < d.candidates) {
        errors[2][list].add(scoreOfRank(rank), ranks[j]);
        wrong[list] += !(rank >= 0 && std::isfinite(rank));
      } else {
        wrong[list] += !std::isnan(rank);
      }
    }
  });
  const char* names[] = {"queries", "scores", "ranks"};
  double worst = 0;
  for (int list = 0; list < lists; list++) {
    for (int part = 0; part < 3; part++) {
      worst = std::max(worst, errors[part][list].nmse());
      expect(errors[part][list].nmse() < kWorstNmse, "expected %s %d/%d d%d, list %d: NMSE %.3g",
             names[part], p.hq, p.hkv, p.dim, list, errors[part][list].nmse());
    }
    expect(wrong[list] == 0, "expected %d/%d d%d, list %d: %d values where none belong", p.hq,
           p.hkv, p.dim, list, wrong[list]);
  }
  Results alone = expectedOf(p, c, {p.dues.back()}, sets);
  int candidates = p.dues.back().candidates, lanes = static_cast<int>(p.dues.size());
  bool same = true;
  for (int list = 0; list < lists / lanes; list++) {
    size_t from = static_cast<size_t>(lists - lists / lanes + list) * maxCandidates;
    same &= std::memcmp(&alone.ranks[static_cast<size_t>(list) * candidates], &got.ranks[from],
                        candidates * sizeof(float)) == 0;
  }
  expect(same, "expected %d/%d d%d: depends on other lanes", p.hq, p.hkv, p.dim);
  std::printf("  expected attention %d/%d d%d, %d sets, %d lanes: worst NMSE %.2e\n", p.hq, p.hkv,
              p.dim, sets, lanes, worst);
}

void checkModel(int layers, int hq, int hkv, int dim, float factor,
                const std::vector<PolicyDue>& dues, uint64_t stream) {
  PolicyKeys keys(layers, hq, hkv, dim, dues, stream);
  Calibration calibration(keys, factor, stream + 50);
  checkExpected(keys, calibration, 1);
  if (hkv > 1) checkExpected(keys, calibration, hkv);
}

}  // namespace

void policyExpected(bool small) {
  checkModel(2, 14, 2, 128, 1.0f, kTwoLanes, 301);
  checkModel(1, 5, 5, 64, 1.3f, kEdgeLanes, 302);
  checkModel(2, 5, 1, 128, 1.0f, kPageLanes, 303);
  checkModel(1, 7, 1, 64, 1.0f, kPageLanes, 304);
  if (!small) {
    checkModel(2, 28, 4, 128, 1.0f, kLargeLanes, 305);
    checkModel(1, 40, 5, 64, 1.0f, kLargeLanes, 306);
  }
}

}  // namespace check
