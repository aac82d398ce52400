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

// Called by policies().
void policyRanks(bool small);
void policyValues(bool small);
void policyNorm(bool small);
void policyExpected(bool small);

}  // namespace check
