// How the warpgroup form of the RPC scoring passes deals out its work: a grid of as many CTAs as
// multiprocessors, each with an equal share of the units (strips of 512 rows, pages of 64) of all
// problems, in order, so that a CTA keeps the selector rows of a problem for as long as it can. A
// problem is one KV head of one layer of one due lane. What a unit is and how it is computed does
// not depend on the share that it falls in.
#pragma once

#include "rpc_score.cuh"

namespace tracemill {

constexpr float kNoMaximum =
    -1.0e30f;  // below every score and finite, so that no difference of two is NaN

// Consecutive units of one problem.
struct ScoreRun {
  int dueIndex;
  int layer;
  int kvHead;
  int units;  // of the whole problem
  int begin;
  int end;
};

// This CTA's runs. kBackwards numbers lanes, problems and units from the last: the second pass
// starts with the keys that the first has left in L2.
template <int kUnitRows, bool kBackwards>
class ScoreRuns {
 public:
  // `blocks`: how often a problem's rows are gone through, once per block of selector rows.
  __device__ __forceinline__ void start(const RpcScore& a, int numDue, int blocks) {
    due_ = a.due;
    numDue_ = numDue;
    blocks_ = blocks;
    numKvHeads_ = a.numKvHeads;
    problems_ = a.numLayers * a.numKvHeads;
    lane_ = problem_ = unit_ = 0;
    long long all = 0;
    for (int lane = 0; lane < numDue; lane++) all += unitsOf(lane);
    all *= problems_;
    long long begin = all * blockIdx.x / gridDim.x;
    left_ = static_cast<int>(all * (blockIdx.x + 1) / gridDim.x - begin);
    while (left_ > 0) {
      long long here = static_cast<long long>(unitsOf(lane_)) * problems_;
      if (begin < here) {
        problem_ = static_cast<int>(begin / unitsOf(lane_));
        unit_ = static_cast<int>(begin % unitsOf(lane_));
        break;
      }
      begin -= here;
      lane_++;
    }
  }

  __device__ __forceinline__ bool next(ScoreRun& run) {
    if (left_ <= 0) return false;
    int units = unitsOf(lane_);
    while (unit_ >= units) {
      unit_ = 0;
      if (++problem_ == problems_) {
        problem_ = 0;
        lane_++;
        units = unitsOf(lane_);
      }
    }
    int count = min(units - unit_, left_);
    int problem = kBackwards ? problems_ - 1 - problem_ : problem_;
    run.dueIndex = kBackwards ? numDue_ - 1 - lane_ : lane_;
    run.layer = problem / numKvHeads_;
    run.kvHead = problem % numKvHeads_;
    run.units = units;
    run.begin = kBackwards ? units - unit_ - count : unit_;
    run.end = run.begin + count;
    unit_ += count;
    left_ -= count;
    return true;
  }

 private:
  // A lane without candidates has no units, even where its first page holds rows of the prompt.
  __device__ __forceinline__ int unitsOf(int lane) const {
    const int* words = due_ + (kBackwards ? numDue_ - 1 - lane : lane) * kDueWords;
    int candidates = words[2];
    int rows = words[1] % kPageTokens + candidates;
    return candidates > 0 ? (rows + kUnitRows - 1) / kUnitRows * blocks_ : 0;
  }

  const int* due_;
  int numDue_;
  int blocks_;
  int numKvHeads_;
  int problems_;
  int left_;
  int lane_;
  int problem_;
  int unit_;
};

}  // namespace tracemill
