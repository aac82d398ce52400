// policy_rank in every mode against double, stored scores that follow their rows, ranks turned
// back; what no kernel owns keeps its bits.
#include "../../main/cuda/policy_rank.cu"
#include "policy_due.cuh"

namespace check {
namespace {

struct RankRule {
  int mode, queries, pooling, chunkRows;
  float weight, decay;
};

// What a rule ranks the candidates of one retained set by, in double; m is attention, repeats
// redundancy and memory the stored scores, by row. Stored scores are brought up to date.
std::vector<double> rankReference(const RankRule& rule, const PolicyDue& d, int setIndex,
                                  uint64_t seed, const std::vector<double>& m,
                                  const std::vector<double>& repeats, std::vector<double>& memory) {
  std::vector<double> out(d.candidates);
  double top = 0, topRepeats = 0;
  for (double x : m) top = std::max(top, x);
  for (int row = d.first; row < d.rows(); row++) topRepeats = std::max(topRepeats, repeats[row]);
  for (int row = 0; row < d.rows(); row++) {
    double old = row < d.storedRows ? memory[row] : 0.0;
    if (rule.mode == tracemill::kAccumulated) memory[row] = old + rule.queries * m[row];
    if (rule.mode == tracemill::kStoredMaximum)
      memory[row] = std::max(rule.decay * old, m[row] / top);
  }
  for (int j = 0; j < d.candidates; j++) {
    int row = d.first + j;
    double near = 0, sum = 0;
    for (int i = std::max(0, j - rule.pooling / 2);
         i <= std::min(d.candidates - 1, j + rule.pooling / 2); i++)
      near = std::max(near, m[d.first + i]);
    int from = j / rule.chunkRows * rule.chunkRows;
    int to = std::min(d.candidates, from + rule.chunkRows);
    for (int i = from; i < to; i++) sum += rule.queries * m[d.first + i];
    switch (rule.mode) {
      case tracemill::kRecent:
        out[j] = near;
        break;
      case tracemill::kImportance:
        out[j] = rule.weight * near - (1.0 - rule.weight) * repeats[row];
        break;
      case tracemill::kStoredMaximum:
        out[j] = (1.0 - rule.weight) * memory[row] - rule.weight / topRepeats * repeats[row];
        break;
      case tracemill::kAccumulated:
        out[j] = memory[row];
        break;
      case tracemill::kChunks:
        out[j] = sum / (to - from);
        break;
      case tracemill::kNewest:
        out[j] = j;
        break;
      default:
        out[j] = (philox(seed, j, d.position, setIndex, 1) >> 8) * 0x1.0p-24;
    }
  }
  return out;
}

void checkRanks(int layers, int hkv, int sets, const std::vector<PolicyDue>& dues,
                const RankRule& rule, uint64_t stream) {
  int maxRows = mostRows(dues) + 3, maxCandidates = most(dues, &PolicyDue::candidates);
  int laneRows = maxRows + 61, count = static_cast<int>(dues.size()), heads = hkv / sets;
  Random random(stream);
  Buffer<float> shares(static_cast<size_t>(count) * layers * hkv * maxRows);
  Buffer<float> redundancy(shares.size());
  Buffer<float> stored(static_cast<size_t>(kLanes) * layers * hkv * laneRows);
  Buffer<float> ranks(static_cast<size_t>(count) * layers * sets * maxCandidates);
  std::vector<float> share = shares.download(), repeat = share, memory = stored.download();
  std::vector<unsigned long long> seeds(kLanes);
  for (auto& seed : seeds) seed = random.next();
  for (int n = 0; n < count; n++) {
    const PolicyDue& d = dues[n];
    for (int head = 0; head < layers * hkv; head++) {
      size_t at = (static_cast<size_t>(n) * layers * hkv + head) * maxRows;
      for (int row = 0; row < d.rows(); row++) share[at + row] = random.uniform() * 0.1;
      for (int row = d.first; row < d.rows(); row++) repeat[at + row] = random.uniform() * 0.1;
      size_t own = (static_cast<size_t>(d.lane) * layers * hkv + head) * laneRows;
      for (int row = 0; row < d.storedRows; row++) memory[own + row] = random.uniform();
    }
  }
  shares.upload(share);
  redundancy.upload(repeat);
  stored.upload(memory);
  Buffer<unsigned long long> seedBuffer(seeds);
  Buffer<int> words(pack(dues));
  std::vector<float> poison = ranks.download();
  policy_rank<<<dim3(sets, layers, count), 1024>>>(
      shares.get(), redundancy.get(), stored.get(), seedBuffer.get(), words.get(), ranks.get(),
      layers, hkv, sets, maxRows, maxCandidates, laneRows, rule.mode, rule.queries,
      rule.pooling > 1 ? 1 : 0, rule.pooling, rule.chunkRows, rule.weight, rule.decay);
  settle("policy_rank");
  std::vector<float> raw = ranks.download(), means = shares.download(), after = stored.download();
  bool turned = rule.mode == tracemill::kImportance || rule.mode == tracemill::kStoredMaximum;
  bool drawn = rule.mode == tracemill::kNewest || rule.mode == tracemill::kRandom;
  bool stores = rule.mode == tracemill::kAccumulated || rule.mode == tracemill::kStoredMaximum;
  bool selectable = true;
  if (turned) {
    int size = static_cast<int>(ranks.size());
    policy_unrank<<<(size + 255) / 256, 256>>>(ranks.get(), size);
    settle("policy_unrank of ranks");
  }
  std::vector<float> got = ranks.download();
  Error rankError, meanError, storedError;
  for (int n = 0; n < count; n++) {
    const PolicyDue& d = dues[n];
    for (int set = 0; set < layers * sets; set++) {
      int layer = set / sets;
      size_t at = (static_cast<size_t>(n * layers + layer) * hkv + set % sets * heads) * maxRows;
      size_t own = (static_cast<size_t>(d.lane) * layers * hkv + set) * laneRows;
      size_t list = (static_cast<size_t>(n) * layers * sets + set) * maxCandidates;
      std::vector<double> m(d.rows(), 0.0), repeats(d.rows(), 0.0);
      for (int row = 0; row < d.rows(); row++) {
        for (int h = 0; h < heads; h++) {
          m[row] += static_cast<double>(share[at + h * maxRows + row]) / heads;
          repeats[row] += static_cast<double>(repeat[at + h * maxRows + row]) / heads;
        }
      }
      std::vector<double> now(memory.begin() + own, memory.begin() + own + d.rows());
      std::vector<double> want = rankReference(rule, d, set, seeds[d.lane], m, repeats, now);
      for (int j = 0; j < d.candidates; j++) {
        rankError.add(got[list + j], want[j]);
        selectable &= raw[list + j] >= 0 && std::isfinite(raw[list + j]);
        raw[list + j] = poison[list + j];
      }
      for (int row = 0; row < d.rows() && !drawn; row++) {
        meanError.add(means[at + row], m[row]);
        means[at + row] = share[at + row];
      }
      for (int row = 0; row < d.rows() && stores; row++) {
        storedError.add(after[own + row], now[row]);
        after[own + row] = memory[own + row];
      }
    }
  }
  expect(drawn ? rankError.largest == 0 : rankError.nmse() < kWorstNmse,
         "policy_rank mode %d, %d sets: NMSE %.3g", rule.mode, sets, rankError.nmse());
  expect(meanError.nmse() < kWorstNmse, "policy_rank mode %d: mean shares", rule.mode);
  expect(storedError.nmse() < kWorstNmse, "policy_rank mode %d: stored scores", rule.mode);
  expect(selectable, "policy_rank mode %d: a rank that rpc_select cannot take", rule.mode);
  expect(sameBits(raw, poison), "policy_rank mode %d: wrote past the candidates", rule.mode);
  expect(sameBits(means, share), "policy_rank mode %d: wrote other shares", rule.mode);
  expect(sameBits(after, memory), "policy_rank mode %d: wrote other stored scores", rule.mode);
}

void checkMove(int layers, int hkv, int sets, const std::vector<PolicyDue>& dues, uint64_t stream) {
  int maxKept = most(dues, &PolicyDue::kept), laneRows = mostRows(dues) + 5;
  int count = static_cast<int>(dues.size());
  Random random(stream);
  std::vector<float> memory =
      normalFloat(static_cast<size_t>(kLanes) * layers * hkv * laneRows, 1.0f, stream + 1);
  std::vector<float> want = memory;
  std::vector<int> slots(static_cast<size_t>(count) * layers * sets * maxKept, 0x7fffffff);
  for (int n = 0; n < count; n++) {
    const PolicyDue& d = dues[n];
    for (int set = 0; set < layers * sets; set++) {
      int* list = &slots[(static_cast<size_t>(n) * layers * sets + set) * maxKept];
      size_t own = (static_cast<size_t>(d.lane) * layers * hkv + set) * laneRows;
      int to = 0;
      for (int j = 0; j < d.candidates; j++) {  // d.kept of them, all equally likely
        if (random.below(d.candidates - j) < d.kept - to) list[to++] = d.first + j;
      }
      for (int i = 0; i < d.kept; i++) want[own + d.first + i] = memory[own + list[i]];
      for (int i = 0; i < d.window; i++)
        want[own + d.first + d.kept + i] = memory[own + d.first + d.candidates + i];
    }
  }
  Buffer<float> stored(memory);
  Buffer<int> words(pack(dues)), slotBuffer(slots);
  policy_move_scores<<<dim3(sets, layers, count), 1024>>>(
      stored.get(), words.get(), slotBuffer.get(), layers, hkv, sets, maxKept, laneRows);
  settle("policy_move_scores");
  expect(sameBits(stored.download(), want), "policy_move_scores: %d sets", sets);
}

// Ranks made here, back to the scores that they stand for; infinity stays.
void checkUnrank(uint64_t stream) {
  std::vector<float> scores = normalFloat(600, 1.0f, stream);
  for (float x : {0.0f, 1e-40f, -1e-40f, 1e30f, -1e30f, 1.0f, -1.0f, 0.5f}) scores.push_back(x);
  std::vector<float> ranks(scores.size() + 1, INFINITY);
  for (size_t i = 0; i < scores.size(); i++) {
    int32_t bits;
    std::memcpy(&bits, &scores[i], 4);
    int64_t place = bits < 0 ? -static_cast<int64_t>(bits & 0x7fffffff) - 1 : bits;
    uint32_t rank = static_cast<uint32_t>((place + (1ll << 31)) / 2);
    std::memcpy(&ranks[i], &rank, 4);
  }
  Buffer<float> cuts(ranks);
  policy_unrank<<<static_cast<int>((ranks.size() + 255) / 256), 256>>>(
      cuts.get(), static_cast<int>(ranks.size()));
  settle("policy_unrank");
  std::vector<float> back = cuts.download();
  bool good = back.back() == INFINITY;
  for (size_t i = 0; i < scores.size(); i++) {
    good &= back[i] == scores[i] || back[i] == std::nextafter(scores[i], 0.0f) ||
            back[i] == std::nextafter(scores[i], scores[i] < 0 ? -INFINITY : 0.0f);
  }
  expect(good, "policy_unrank does not give scores back");
}

void checkRules(int layers, int hkv, const std::vector<PolicyDue>& dues, uint64_t stream) {
  const std::vector<RankRule> rules = {
      {tracemill::kRecent, 8, 1, 1, 0, 0},        {tracemill::kRecent, 8, 7, 1, 0, 0},
      {tracemill::kAccumulated, 5, 1, 1, 0, 0},   {tracemill::kImportance, 8, 1, 1, 0.1f, 0},
      {tracemill::kImportance, 8, 5, 1, 0.6f, 0}, {tracemill::kStoredMaximum, 4, 1, 1, 0.3f, 0.8f},
      {tracemill::kChunks, 8, 1, 10, 0, 0},       {tracemill::kNewest, 0, 1, 1, 0, 0},
      {tracemill::kRandom, 0, 1, 1, 0, 0}};
  for (int sets : {1, hkv}) {
    for (const RankRule& rule : rules) checkRanks(layers, hkv, sets, dues, rule, stream);
    checkMove(layers, hkv, sets, dues, stream);
  }
  std::printf("  policy ranks and stored scores, %d KV heads, %zu lanes: %zu rules\n", hkv,
              dues.size(), rules.size());
}

}  // namespace

void policyRanks(bool small) {
  checkUnrank(150);
  checkRules(2, 2, kTwoLanes, 154);
  checkRules(1, 3, kEdgeLanes, 155);
  if (!small) checkRules(2, 4, kLargeLanes, 158);
}

}  // namespace check
