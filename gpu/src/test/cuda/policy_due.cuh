// Due lanes as the kernels of the policies take them.
#pragma once

#include "test_support.cuh"

namespace check {

constexpr int kLanes = 4;
constexpr double kWorstNmse = 1e-9;

struct PolicyDue {
  int lane, first, candidates, kept, window, newest, storedRows, position;
  int rows() const { return first + candidates + window; }
};

inline std::vector<int> pack(const std::vector<PolicyDue>& dues) {
  std::vector<int> v;
  for (const PolicyDue& d : dues)
    v.insert(v.end(),
             {d.lane, d.first, d.candidates, d.kept, d.window, d.newest, d.storedRows, d.position});
  return v;
}

inline int mostRows(const std::vector<PolicyDue>& dues) {
  int most = 0;
  for (const PolicyDue& d : dues) most = std::max(most, d.rows());
  return most;
}

inline int most(const std::vector<PolicyDue>& dues, int PolicyDue::*field) {
  int m = 1;
  for (const PolicyDue& d : dues) m = std::max(m, d.*field);
  return m;
}

template <typename T>
bool sameBits(const std::vector<T>& a, const std::vector<T>& b) {
  return a.size() == b.size() && std::memcmp(a.data(), b.data(), a.size() * sizeof(T)) == 0;
}

inline const std::vector<PolicyDue> kTwoLanes = {{1, 10, 130, 40, 8, 3, 30, 148},
                                                 {3, 64, 70, 64, 8, 7, 0, 142}};

// The older queries of lane 0 see no candidate; lane 2 begins at the last row of a page.
inline const std::vector<PolicyDue> kEdgeLanes = {{0, 30, 2, 1, 2, 4, 31, 9},
                                                  {2, 63, 66, 17, 4, 0, 133, 7}};

inline const std::vector<PolicyDue> kLargeLanes = {{1, 129, 1024, 256, 32, 31, 400, 5000},
                                                   {0, 1, 1792, 1300, 32, 5, 1825, 70000},
                                                   {3, 64, 65, 1, 32, 12, 0, 161}};

// First word of Philox4x32-10.
inline uint32_t philox(uint64_t key, uint32_t c0, uint32_t c1, uint32_t c2, uint32_t c3) {
  uint32_t k0 = static_cast<uint32_t>(key), k1 = static_cast<uint32_t>(key >> 32);
  for (int round = 0; round < 10; round++) {
    uint64_t a = 0xD2511F53ull * c0, b = 0xCD9E8D57ull * c2;
    c0 = static_cast<uint32_t>(b >> 32) ^ c1 ^ k0;
    c2 = static_cast<uint32_t>(a >> 32) ^ c3 ^ k1;
    c1 = static_cast<uint32_t>(b);
    c3 = static_cast<uint32_t>(a);
    k0 += 0x9E3779B9u;
    k1 += 0xBB67AE85u;
  }
  return c0;
}

// Called by policies().
void policyRanks(bool small);
void policyValues(bool small);
void policyNorm(bool small);
void policyExpected(bool small);

}  // namespace check
