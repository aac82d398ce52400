// Times the linear layers of one model step in a CUDA graph: 28 x (QKV, O, gate_up, down) and
// lm_head of a 7B Qwen2 shape, every matrix with memory of its own (14.14 GB), so the L2 helps
// nobody.
//
// Usage: gemm_bench [decode] [parts] [prefill]; all three without arguments. Shares are of 3.0
// TB/s.

#include <algorithm>
#include <cstring>
#include <string>

#include "gemm_support.cuh"

struct Matrix {
  const char* name;
  int n;
  int k;
  int epilogue;
  const Bits* packed;
};

class Model {
 public:
  static constexpr int kLayers = 28;
  static constexpr int kHidden = 3584;
  static constexpr int kInter = 18944;
  static constexpr int kVocabulary = 152064;
  static constexpr int kMaxRows = 2048;

  explicit Model(const Device& device)
      : x_hidden(static_cast<size_t>(kMaxRows) * kHidden),
        x_inter(static_cast<size_t>(kMaxRows) * kInter),
        y(static_cast<size_t>(kMaxRows) * 2 * kInter),
        bias(8192),
        num_rows(1) {
    const Matrix kinds[] = {{"qkv", 4608, kHidden, 0, nullptr},
                            {"o", kHidden, kHidden, 1, nullptr},
                            {"gate_up", 2 * kInter, kHidden, 2, nullptr},
                            {"down", kHidden, kInter, 1, nullptr}};
    for (int layer = 0; layer < kLayers; ++layer) {
      for (const Matrix& kind : kinds) {
        add(kind);
      }
    }
    add({"lm_head", kVocabulary, kHidden, 0, nullptr});
    fill_random_bfloat16<<<1024, 256>>>(x_hidden.data(), x_hidden.count(), 1, 1.0f);
    fill_random_bfloat16<<<1024, 256>>>(x_inter.data(), x_inter.count(), 2, 1.0f);
    bias.fill(0);
    y.fill(0);
    CUDA_OK(cudaDeviceSynchronize());
    static_cast<void>(device);
  }

  Product product(const Matrix& matrix) const {
    const Bits* x = matrix.k == kInter ? x_inter.data() : x_hidden.data();
    // SiLU output goes to a scratch place, not to the down projection's input: values stay bounded.
    return {matrix.packed,   x,        y.data(), matrix.n == 4608 ? bias.data() : nullptr,
            num_rows.data(), matrix.n, matrix.k, matrix.epilogue};
  }

  std::vector<Matrix> matrices;
  DeviceBuffer<Bits> x_hidden;
  DeviceBuffer<Bits> x_inter;
  DeviceBuffer<float> y;
  DeviceBuffer<float> bias;
  DeviceBuffer<int> num_rows;

 private:
  void add(const Matrix& kind) {
    auto* buffer = new DeviceBuffer<Bits>(packed_elements(kind.n, kind.k));
    fill_random_bfloat16<<<2048, 256>>>(buffer->data(), buffer->count(), matrices.size(), 0.03f);
    matrices.push_back(kind);
    matrices.back().packed = buffer->data();
  }
};

// Root-mean-square norm of each row of the residual stream: the small kernel between the products.
__global__ void __launch_bounds__(256) norm_rows(const float* y, Bits* x, const int* num_rows) {
  __shared__ float partial[8];
  tracemill::allow_dependents();
  tracemill::wait_for_inputs();
  const int row = blockIdx.x;
  if (row >= *num_rows) {
    return;
  }
  float squares = 0.0f;
  float values[14];
#pragma unroll
  for (int i = 0; i < 14; ++i) {
    values[i] = y[static_cast<size_t>(row) * Model::kHidden + i * 256 + threadIdx.x];
    squares += values[i] * values[i];
  }
  for (int offset = 16; offset > 0; offset /= 2) {
    squares += __shfl_xor_sync(~0u, squares, offset);
  }
  if (threadIdx.x % 32 == 0) {
    partial[threadIdx.x / 32] = squares;
  }
  __syncthreads();
  squares = 0.0f;
  for (int i = 0; i < 8; ++i) {
    squares += partial[i];
  }
  const float scale = rsqrtf(squares / Model::kHidden + 1e-6f);
#pragma unroll
  for (int i = 0; i < 14; ++i) {
    x[static_cast<size_t>(row) * Model::kHidden + i * 256 + threadIdx.x] =
        bfloat16_bits(values[i] * scale);
  }
}

static void launch_norm(const Device& device, const Model& model, int rows, Launch launch) {
  cudaLaunchConfig_t config = {};
  config.gridDim = dim3(rows);
  config.blockDim = dim3(256);
  config.stream = device.stream;
  cudaLaunchAttribute attribute;
  attribute.id = cudaLaunchAttributeProgrammaticStreamSerialization;
  attribute.val.programmaticStreamSerializationAllowed = 1;
  config.attrs = &attribute;
  config.numAttrs = launch == Launch::kDependent ? 1 : 0;
  CUDA_OK(cudaLaunchKernelEx(&config, norm_rows, static_cast<const float*>(model.y.data()),
                             model.x_hidden.data(),
                             static_cast<const int*>(model.num_rows.data())));
}

enum class Norms { kWithout, kWith };

struct Mode {
  const char* name;
  Launch launch;
};

// Median milliseconds of a graph of the given products, and its spread.
template <class Enqueue>
static float median_ms(const Device& device, int repeats, Enqueue enqueue) {
  cudaGraph_t graph;
  cudaGraphExec_t executable;
  CUDA_OK(cudaStreamBeginCapture(device.stream, cudaStreamCaptureModeThreadLocal));
  enqueue();
  CUDA_OK(cudaStreamEndCapture(device.stream, &graph));
  CUDA_OK(cudaGraphInstantiate(&executable, graph, 0));
  cudaEvent_t start;
  cudaEvent_t stop;
  CUDA_OK(cudaEventCreate(&start));
  CUDA_OK(cudaEventCreate(&stop));
  std::vector<float> times;
  for (int i = 0; i < repeats + 3; ++i) {
    CUDA_OK(cudaEventRecord(start, device.stream));
    CUDA_OK(cudaGraphLaunch(executable, device.stream));
    CUDA_OK(cudaEventRecord(stop, device.stream));
    CUDA_OK(cudaEventSynchronize(stop));
    float ms;
    CUDA_OK(cudaEventElapsedTime(&ms, start, stop));
    if (i >= 3) {
      times.push_back(ms);
    }
  }
  std::sort(times.begin(), times.end());
  CUDA_OK(cudaGraphExecDestroy(executable));
  CUDA_OK(cudaGraphDestroy(graph));
  return times[times.size() / 2];
}

static double bytes_of(const std::vector<Matrix>& matrices) {
  double bytes = 0;
  for (const Matrix& m : matrices) {
    bytes += 2.0 * m.n * m.k;
  }
  return bytes;
}

static float time_decode(const Device& device, Model& model, const std::vector<Matrix>& matrices,
                         int rows, const Mode& mode, Norms norms = Norms::kWithout) {
  model.num_rows.upload(&rows, 1);
  const SkinnyVariant& variant = skinny_variant_for(rows);
  return median_ms(device, 15, [&] {
    for (size_t i = 0; i < matrices.size(); ++i) {
      launch_skinny(device, variant, model.product(matrices[i]), mode.launch);
      if (norms == Norms::kWith && matrices[i].epilogue == tracemill::kResidual) {
        launch_norm(device, model, rows, mode.launch);
      }
    }
  });
}

static void bench_decode(const Device& device, Model& model) {
  const Mode modes[] = {{"plain", Launch::kPlain}, {"pdl", Launch::kDependent}};
  double bytes = bytes_of(model.matrices);
  const int rows[] = {1, 8, 16, 32, 64, 128, 192, 256};
  for (Norms norms : {Norms::kWithout, Norms::kWith}) {
    std::printf("decode set%s, %.2f GB, ms (TB/s)\n%-10s",
                norms == Norms::kWith ? " with 56 norms between" : "", bytes * 1e-9, "M");
    for (int m : rows) {
      std::printf("%14d", m);
    }
    std::printf("\n");
    for (const Mode& mode : modes) {
      std::printf("%-10s", mode.name);
      for (int m : rows) {
        float ms = time_decode(device, model, model.matrices, m, mode, norms);
        std::printf("  %5.3f (%4.2f)", ms, bytes / ms * 1e-9);
      }
      std::printf("\n");
    }
  }
}

static void bench_parts(const Device& device, Model& model) {
  const Mode modes[] = {{"plain", Launch::kPlain}, {"pdl", Launch::kDependent}};
  std::printf("one kind of matrix, us each (share of 3.0 TB/s)\n");
  for (const char* kind : {"qkv", "o", "gate_up", "down", "lm_head"}) {
    std::vector<Matrix> some;
    for (const Matrix& m : model.matrices) {
      if (std::strcmp(m.name, kind) == 0) {
        some.push_back(m);
      }
    }
    for (const Mode& mode : modes) {
      std::printf("%-8s %-6s", kind, mode.name);
      for (int m : {1, 16, 64, 128, 256}) {
        float us = time_decode(device, model, some, m, mode) * 1000 / some.size();
        double share = 2.0 * some[0].n * some[0].k / us * 1e-6 / 3.0;
        std::printf("  M=%d %6.1f (%2.0f%%)", m, us, share * 100);
      }
      std::printf("\n");
    }
  }
}

static void bench_prefill(const Device& device, Model& model) {
  std::vector<Matrix> layers(model.matrices.begin(), model.matrices.end() - 1);
  std::printf("prefill, 28 layers without lm_head\n");
  for (int m : {64, 128, 256, 512, 1024, 2048}) {
    model.num_rows.upload(&m, 1);
    auto time = [&](const std::vector<Matrix>& matrices) {
      return median_ms(device, 5, [&] {
        for (const Matrix& matrix : matrices) {
          launch_prefill(device, model.product(matrix), m);
        }
      });
    };
    float ms = time(layers);
    double flop = bytes_of(layers) * m;
    std::printf("  M=%-5d %7.2f ms %6.0f tok/s %5.0f TFLOP/s ", m, ms, m / ms * 1e3,
                flop / ms * 1e-9);
    for (int kind = 0; kind < 4; ++kind) {
      std::vector<Matrix> some;
      for (size_t i = kind; i < layers.size(); i += 4) {
        some.push_back(layers[i]);
      }
      float part = time(some);
      std::printf(" %s %4.0f", layers[kind].name, bytes_of(some) * m / part * 1e-9);
    }
    std::printf("\n");
  }
}

// The two compute-bound ends on gate_up alone.
static void bench_big(const Device& device, Model& model) {
  std::vector<Matrix> some;
  for (size_t i = 2; i + 1 < model.matrices.size(); i += 4) {
    some.push_back(model.matrices[i]);
  }
  for (int m : {128, 256}) {
    float us = time_decode(device, model, some, m, {"plain", Launch::kPlain}) * 1000 / 28;
    std::printf(" decode M=%d %.1f us", m, us);
  }
  for (int m : {256, 2048}) {
    model.num_rows.upload(&m, 1);
    float ms = median_ms(device, 5, [&] {
      for (const Matrix& matrix : some) {
        launch_prefill(device, model.product(matrix), m);
      }
    });
    std::printf(" prefill M=%d %.0f TFLOP/s", m, bytes_of(some) * m / ms * 1e-9);
  }
  std::printf("\n");
}

int main(int argc, char** argv) {
  auto wanted = [&](const char* name) {
    for (int i = 1; i < argc; ++i) {
      if (std::strcmp(argv[i], name) == 0) {
        return true;
      }
    }
    return argc == 1;
  };
  Device device;
  std::printf("%s, %d multiprocessors\n", device.properties.name,
              device.properties.multiProcessorCount);
  Model model(device);
  if (wanted("decode")) {
    bench_decode(device, model);
  }
  if (wanted("parts")) {
    bench_parts(device, model);
  }
  if (wanted("prefill")) {
    bench_prefill(device, model);
  }
  if (wanted("big")) {
    bench_big(device, model);
  }
  CUDA_OK(cudaDeviceSynchronize());
  return 0;
}
