// What every kernel check uses: device buffers with a canary behind them, seeded random data, error
// measures, graph timing.
#pragma once

#include <cuda_runtime.h>

#include <algorithm>
#include <cmath>
#include <cstdarg>
#include <cstdint>
#include <cstdio>
#include <cstdlib>
#include <cstring>
#include <functional>
#include <string>
#include <thread>
#include <vector>

namespace check {

inline int failures = 0;
inline int passes = 0;
inline uint64_t runSeed = 1;
inline bool profiling = false;  // one plain launch in place of each timing, for a profiler

inline void cuda(cudaError_t status, const char* what, int line) {
  if (status != cudaSuccess) {
    std::printf("FATAL line %d: %s: %s\n", line, what, cudaGetErrorString(status));
    std::fflush(stdout);
    std::_Exit(2);
  }
}
#define CUDA(call) check::cuda((call), #call, __LINE__)

inline void expect(bool ok, const char* format, ...) {
  (ok ? passes : failures)++;
  if (ok) return;
  va_list arguments;
  va_start(arguments, format);
  std::printf("FAIL: ");
  std::vprintf(format, arguments);
  std::printf("\n");
  va_end(arguments);
}

// Waits for the device and reports what went wrong with the launches so far.
inline void settle(const char* what) {
  cudaError_t status = cudaGetLastError();
  if (status == cudaSuccess) status = cudaDeviceSynchronize();
  if (status != cudaSuccess) {
    std::printf("FATAL in %s: %s\n", what, cudaGetErrorString(status));
    std::fflush(stdout);
    std::_Exit(2);
  }
}

// Device memory filled with 0xff (NaN as bf16 and as fp32), with 512 canary bytes behind.
template <typename T>
class Buffer {
 public:
  explicit Buffer(size_t count) : count_(count) {
    CUDA(cudaMalloc(&data_, count * sizeof(T) + kCanary));
    poison();
    CUDA(cudaMemset(reinterpret_cast<char*>(data_) + count * sizeof(T), 0xa5, kCanary));
  }
  explicit Buffer(const std::vector<T>& host) : Buffer(host.size()) { upload(host); }
  Buffer(const Buffer&) = delete;
  ~Buffer() {
    std::vector<unsigned char> canary(kCanary);
    if (cudaMemcpy(canary.data(), reinterpret_cast<char*>(data_) + count_ * sizeof(T), kCanary,
                   cudaMemcpyDeviceToHost) == cudaSuccess) {
      bool intact = true;
      for (unsigned char c : canary) intact &= c == 0xa5;
      expect(intact, "canary behind a buffer of %zu bytes was overwritten", count_ * sizeof(T));
    }
    cudaFree(data_);
  }
  T* get() const { return data_; }
  size_t size() const { return count_; }
  void poison() { CUDA(cudaMemset(data_, 0xff, count_ * sizeof(T))); }
  void zero() { CUDA(cudaMemset(data_, 0, count_ * sizeof(T))); }
  void upload(const std::vector<T>& host) {
    CUDA(cudaMemcpy(data_, host.data(), host.size() * sizeof(T), cudaMemcpyHostToDevice));
  }
  std::vector<T> download() const {
    std::vector<T> host(count_);
    CUDA(cudaMemcpy(host.data(), data_, count_ * sizeof(T), cudaMemcpyDeviceToHost));
    return host;
  }

 private:
  static constexpr size_t kCanary = 512;
  T* data_ = nullptr;
  size_t count_;
};

struct Random {
  uint64_t state;
  explicit Random(uint64_t stream)
      : state(runSeed * 0x9e3779b97f4a7c15ull + stream * 0xd1342543de82ef95ull) {}
  uint64_t next() {
    uint64_t z = (state += 0x9e3779b97f4a7c15ull);
    z = (z ^ (z >> 30)) * 0xbf58476d1ce4e5b9ull;
    z = (z ^ (z >> 27)) * 0x94d049bb133111ebull;
    return z ^ (z >> 31);
  }
  double uniform() { return static_cast<double>(next() >> 11) * 0x1.0p-53; }
  int below(int n) { return static_cast<int>(next() % static_cast<uint64_t>(n)); }
  float normal() {
    double u = uniform() + 0x1.0p-54;
    return static_cast<float>(std::sqrt(-2.0 * std::log(u)) *
                              std::cos(6.283185307179586 * uniform()));
  }
};

inline float fromBf16(uint16_t x) {
  uint32_t bits = static_cast<uint32_t>(x) << 16;
  float f;
  std::memcpy(&f, &bits, 4);
  return f;
}

inline uint16_t toBf16(float f) {
  uint32_t bits;
  std::memcpy(&bits, &f, 4);
  if (std::isnan(f)) return 0x7fff;
  return static_cast<uint16_t>((bits + 0x7fff + (bits >> 16 & 1)) >> 16);
}

inline std::vector<uint16_t> normalBf16(size_t count, float sigma, uint64_t stream) {
  Random random(stream);
  std::vector<uint16_t> v(count);
  for (auto& x : v) x = toBf16(random.normal() * sigma);
  return v;
}

inline std::vector<float> normalFloat(size_t count, float sigma, uint64_t stream) {
  Random random(stream);
  std::vector<float> v(count);
  for (auto& x : v) x = random.normal() * sigma;
  return v;
}

inline void parallel(int count, const std::function<void(int)>& body) {
  int workers =
      std::max(1, std::min<int>(count, static_cast<int>(std::thread::hardware_concurrency())));
  std::vector<std::thread> threads;
  for (int w = 0; w < workers; w++) {
    threads.emplace_back([=, &body] {
      for (int i = w; i < count; i += workers) body(i);
    });
  }
  for (auto& t : threads) t.join();
}

// Normalised mean squared error and largest absolute error; NaN or infinity anywhere makes both
// infinite.
struct Error {
  double squares = 0, norm = 0, largest = 0;
  void add(double actual, double expected) {
    double difference = std::fabs(actual - expected);
    if (!(difference < 1e300)) difference = INFINITY;
    squares += difference * difference;
    norm += expected * expected;
    largest = std::max(largest, difference);
  }
  double nmse() const { return norm > 0 ? squares / norm : squares; }
};

// Microseconds of one of `launches` launches captured in a graph: median over 7 replays after 2 for
// warm-up.
inline double graphMicros(int launches, const std::function<void(cudaStream_t, int)>& launch) {
  if (profiling) {
    launch(nullptr, 0);
    settle("profiled launch");
    return 1.0;
  }
  cudaStream_t stream;
  CUDA(cudaStreamCreate(&stream));
  cudaGraph_t graph;
  cudaGraphExec_t executable;
  CUDA(cudaStreamBeginCapture(stream, cudaStreamCaptureModeThreadLocal));
  for (int i = 0; i < launches; i++) launch(stream, i);
  CUDA(cudaStreamEndCapture(stream, &graph));
  CUDA(cudaGraphInstantiate(&executable, graph, 0));
  cudaEvent_t begin, end;
  CUDA(cudaEventCreate(&begin));
  CUDA(cudaEventCreate(&end));
  std::vector<float> times;
  for (int i = 0; i < 9; i++) {
    CUDA(cudaEventRecord(begin, stream));
    CUDA(cudaGraphLaunch(executable, stream));
    CUDA(cudaEventRecord(end, stream));
    CUDA(cudaStreamSynchronize(stream));
    float ms;
    CUDA(cudaEventElapsedTime(&ms, begin, end));
    if (i >= 2) times.push_back(ms);
  }
  std::sort(times.begin(), times.end());
  CUDA(cudaGraphExecDestroy(executable));
  CUDA(cudaGraphDestroy(graph));
  CUDA(cudaStreamDestroy(stream));
  return times[times.size() / 2] * 1000.0 / launches;
}

constexpr double kPeakBytesPerSecond = 3.0e12;  // measured copy rate of the H100 80GB HBM3

inline double bandwidthShare(double bytes, double micros) {
  return bytes / (micros * 1e-6) / kPeakBytesPerSecond;
}

// The files' entry points.
void embedNormRope();
void decodeAttention(bool small);
void prefillAttention(bool small);
void sampling(bool small);
void compression(bool small);
void policies(bool small);
void benchDecodeAttention();
void benchPrefillAttention();
void benchSmall();
void benchSampling();
void benchCompression();

}  // namespace check
