// Correctness of pack_weights, skinny_gemm and prefill_gemm on fresh random data.
//
// Every product is compared with fp64 sums over the unpacked bfloat16 values (on the device; that
// reference itself is compared with a host loop on the small shapes). Outputs start as NaN, rows
// beyond *num_rows of input are NaN, and everything beyond the last valid output row must keep its
// bytes. Then a row's bits must not change with M, with the kernel of another bucket, or on a
// second launch.
//
// Usage: gemm_check [small] [seed]. Exit status 1 if any check fails. "small" is for runs under
// compute-sanitizer: no shapes of real models, one batch for each kernel, few thread blocks.

#include <cmath>
#include <cstring>
#include <ctime>

#include "gemm_support.cuh"

// Thread blocks of a small run: five pairs.
constexpr int kSmallGrid = 10;

static int failures = 0;
static int checks = 0;

static void expect(bool good, const char* what, int n, int k, int m, double value) {
  ++checks;
  if (!good) {
    ++failures;
    if (failures <= 40) {
      std::printf("FAIL %s: N=%d K=%d M=%d value=%g\n", what, n, k, m, value);
    }
  }
}

// One warp per output: sum and sum of magnitudes in fp64.
__global__ void reference_product(const Bits* x, const Bits* w, double* sum, double* magnitude,
                                  int m, int n, int k) {
  long long output = (blockIdx.x * static_cast<long long>(blockDim.x) + threadIdx.x) / 32;
  int lane = threadIdx.x % 32;
  if (output >= static_cast<long long>(m) * n) {
    return;
  }
  const Bits* xr = x + (output / n) * k;
  const Bits* wr = w + (output % n) * k;
  double s = 0;
  double a = 0;
  for (int i = lane; i < k; i += 32) {
    double p = static_cast<double>(bfloat16_value(xr[i])) * bfloat16_value(wr[i]);
    s += p;
    a += fabs(p);
  }
  for (int offset = 16; offset > 0; offset /= 2) {
    s += __shfl_xor_sync(~0u, s, offset);
    a += __shfl_xor_sync(~0u, a, offset);
  }
  if (lane == 0) {
    sum[output] = s;
    magnitude[output] = a;
  }
}

struct Comparison {
  unsigned long long wrong;
  unsigned long long touched;
  double worst;
  double error_squares;
  double squares;
};

__device__ void add_double(double* target, double value) { atomicAdd(target, value); }

// Compares y with the reference by epilogue; rows from m to capacity must hold the fill byte.
__global__ void compare_output(const void* y, const double* sum, const double* magnitude,
                               const float* bias, const float* before, int m, int n, int epilogue,
                               double tolerance, long long extra, Comparison* result) {
  bool gated = epilogue == tracemill::kSiluMul;
  long long columns = gated ? n / 2 : n;
  long long valid = m * columns;
  double worst = 0;
  double error_squares = 0;
  double squares = 0;
  for (long long i = blockIdx.x * static_cast<long long>(blockDim.x) + threadIdx.x;
       i < valid + extra; i += static_cast<long long>(gridDim.x) * blockDim.x) {
    if (i >= valid) {
      unsigned bits = gated ? static_cast<const Bits*>(y)[i] : static_cast<const unsigned*>(y)[i];
      if (bits != (gated ? 0xFFFFu : 0xFFFFFFFFu)) {
        atomicAdd(&result->touched, 1ull);
      }
      continue;
    }
    long long row = i / columns;
    long long column = i % columns;
    double expected;
    double bound;
    double got;
    if (gated) {
      double gate = sum[row * n + column];
      double up = sum[row * n + columns + column];
      double gate_error = magnitude[row * n + column] * tolerance;
      double up_error = magnitude[row * n + columns + column] * tolerance;
      double silu = gate / (1 + exp(-gate));
      expected = silu * up;
      bound = fabs(expected) / 256 + fabs(silu) * up_error + 1.2 * gate_error * fabs(up) + 1e-30;
      got = bfloat16_value(static_cast<const Bits*>(y)[i]);
    } else {
      expected = sum[i] + (bias != nullptr ? static_cast<double>(bias[column]) : 0.0) +
                 (before != nullptr ? static_cast<double>(before[i]) : 0.0);
      bound = magnitude[i] * tolerance + fabs(expected) * 2.4e-7 + 1e-30;
      got = static_cast<const float*>(y)[i];
    }
    double error = fabs(got - expected);
    if (!(error <= bound)) {
      atomicAdd(&result->wrong, 1ull);
    }
    worst = fmax(worst, error / bound);
    error_squares += error * error;
    squares += expected * expected;
  }
  add_double(&result->error_squares, error_squares);
  add_double(&result->squares, squares);
  atomicMax(reinterpret_cast<unsigned long long*>(&result->worst),
            static_cast<unsigned long long>(__double_as_longlong(worst)));
}

__global__ void count_differences(const unsigned* a, const unsigned* b, long long count,
                                  unsigned long long* differences) {
  for (long long i = blockIdx.x * static_cast<long long>(blockDim.x) + threadIdx.x; i < count;
       i += static_cast<long long>(gridDim.x) * blockDim.x) {
    if (a[i] != b[i]) {
      atomicAdd(differences, 1ull);
    }
  }
}

static unsigned long long differences(const void* a, const void* b, long long bytes) {
  DeviceBuffer<unsigned long long> count(1);
  count.fill(0);
  count_differences<<<512, 256>>>(static_cast<const unsigned*>(a), static_cast<const unsigned*>(b),
                                  bytes / 4, count.data());
  return count.download()[0];
}

static void check_packing(const Device& device, unsigned long long seed) {
  struct Case {
    int n, k, type, slices;
    bool gated;
  };
  const Case cases[] = {{1, 8, 0, 1, false},     {5, 64, 2, 1, false},    {256, 256, 0, 3, false},
                        {300, 328, 1, 4, false}, {513, 136, 2, 2, false}, {48, 72, 0, 1, true},
                        {1536, 256, 1, 2, true}, {272, 8, 2, 1, true}};
  for (const Case& c : cases) {
    size_t count = static_cast<size_t>(c.n) * c.k;
    std::vector<Bits> expected(packed_elements(c.n, c.k), 0);
    std::vector<unsigned char> source(count * (c.type == 2 ? 4 : 2));
    std::vector<Bits> values(count);
    for (size_t i = 0; i < count; ++i) {
      float value = random_value(seed, i, 3.0f);
      if (c.type == 1) {
        // A half with a random sign, exponent and mantissa, and its value.
        unsigned bits = mix(seed + 1, i) & 0xFFFF;
        bits = (bits & 0x7C00) == 0x7C00 ? bits & 0x83FF : bits;
        int exponent = (bits >> 10) & 31;
        value = exponent == 0 ? std::ldexp(static_cast<float>(bits & 1023), -24)
                              : std::ldexp(static_cast<float>((bits & 1023) + 1024), exponent - 25);
        value = bits & 0x8000 ? -value : value;
        Bits half = static_cast<Bits>(bits);
        std::memcpy(&source[i * 2], &half, 2);
      } else if (c.type == 2) {
        std::memcpy(&source[i * 4], &value, 4);
      } else {
        Bits bits = bfloat16_bits(value);
        std::memcpy(&source[i * 2], &bits, 2);
      }
      values[i] = bfloat16_bits(value);
    }
    int slabs = tracemill::slabs_of(c.k);
    int half = c.n / 2;
    for (int row = 0; row < c.n; ++row) {
      int target = row;
      if (c.gated) {
        int i = row % half;
        target = i / 8 * 16 + i % 8 + (row >= half ? 8 : 0);
      }
      for (int k = 0; k < c.k; ++k) {
        expected[tracemill::packed_offset(target, k, slabs)] =
            values[static_cast<size_t>(row) * c.k + k];
      }
    }
    DeviceBuffer<unsigned char> staged(source.size());
    staged.upload(source.data(), source.size());
    DeviceBuffer<Bits> packed(packed_elements(c.n, c.k) + 64);
    packed.fill(0xFF);
    CUDA_OK(cudaMemset(packed.data(), 0, packed_elements(c.n, c.k) * 2));
    int parts = c.gated ? 2 : 1;
    int rows_per_part = c.n / parts;
    for (int part = 0; part < parts; ++part) {
      int done = 0;
      for (int slice = 0; slice < c.slices; ++slice) {
        int rows = rows_per_part * (slice + 1) / c.slices - done;
        size_t offset =
            (static_cast<size_t>(part) * rows_per_part + done) * c.k * (c.type == 2 ? 4 : 2);
        pack(device, staged.data() + offset, packed.data(), rows, c.k, c.type, done,
             c.gated ? part + 1 : 0);
        done += rows;
      }
    }
    CUDA_OK(cudaStreamSynchronize(device.stream));
    std::vector<Bits> got = packed.download();
    size_t wrong = 0;
    for (size_t i = 0; i < got.size(); ++i) {
      Bits want = i < expected.size() ? expected[i] : 0xFFFF;
      wrong += got[i] != want;
    }
    expect(wrong == 0, "pack_weights", c.n, c.k, c.type, static_cast<double>(wrong));
  }
}

class ProductCheck {
 public:
  ProductCheck(const Device& device, int n, int k, int epilogue, int max_rows,
               unsigned long long seed)
      : device_(device),
        n_(n),
        k_(k),
        epilogue_(epilogue),
        max_rows_(max_rows),
        columns_(epilogue == tracemill::kSiluMul ? n / 2 : n),
        element_(epilogue == tracemill::kSiluMul ? 2 : 4),
        w_(static_cast<size_t>(n) * k),
        packed_(packed_elements(n, k)),
        x_(static_cast<size_t>(max_rows) * k),
        x_padded_(static_cast<size_t>(max_rows + 8) * k),
        bias_(n),
        before_(static_cast<size_t>(max_rows) * columns_),
        sum_(static_cast<size_t>(max_rows) * n),
        magnitude_(static_cast<size_t>(max_rows) * n),
        y_((static_cast<size_t>(max_rows) * columns_ + kExtra) * element_),
        base_(static_cast<size_t>(max_rows) * columns_ * element_),
        num_rows_(1) {
    fill_random_bfloat16<<<1024, 256>>>(w_.data(), w_.count(), seed, 2.0f / std::sqrt(k * 1.0f));
    fill_random_bfloat16<<<1024, 256>>>(x_.data(), x_.count(), seed + 1, 1.5f);
    fill_random_float<<<64, 256>>>(bias_.data(), bias_.count(), seed + 2, 1.0f);
    fill_random_float<<<1024, 256>>>(before_.data(), before_.count(), seed + 3, 4.0f);
    packed_.fill(0);
    CUDA_OK(cudaDeviceSynchronize());
    if (epilogue == tracemill::kSiluMul) {
      pack(device, w_.data(), packed_.data(), n / 2, k, 0, 0, 1);
      pack(device, w_.data() + w_.count() / 2, packed_.data(), n / 2, k, 0, 0, 2);
    } else {
      pack(device, w_.data(), packed_.data(), n, k, 0, 0, 0);
    }
    long long outputs = static_cast<long long>(max_rows) * n;
    reference_product<<<(outputs + 7) / 8, 256>>>(x_.data(), w_.data(), sum_.data(),
                                                  magnitude_.data(), max_rows, n, k);
    CUDA_OK(cudaDeviceSynchronize());
    if (outputs * k < 4000000) {
      check_reference();
    }
  }

  // Runs the product on rows first ... first + m - 1 and leaves the output in y.
  void run(int first, int m, const SkinnyVariant* skinny) {
    x_padded_.fill(0xFF);
    CUDA_OK(cudaMemcpy(x_padded_.data(), x_.data() + static_cast<size_t>(first) * k_,
                       static_cast<size_t>(m) * k_ * 2, cudaMemcpyDeviceToDevice));
    y_.fill(0xFF);
    if (epilogue_ == tracemill::kResidual) {
      CUDA_OK(cudaMemcpy(y_.data(), before_.data() + static_cast<size_t>(first) * columns_,
                         static_cast<size_t>(m) * columns_ * 4, cudaMemcpyDeviceToDevice));
    }
    num_rows_.upload(&m, 1);
    Product product{packed_.data(),
                    x_padded_.data(),
                    y_.data(),
                    with_bias() ? bias_.data() : nullptr,
                    num_rows_.data(),
                    n_,
                    k_,
                    epilogue_};
    if (skinny != nullptr) {
      launch_skinny(device_, *skinny, product, Launch::kPlain);
    } else {
      launch_prefill(device_, product, m);
    }
    CUDA_OK(cudaDeviceSynchronize());
  }

  void compare(int m, const char* what) {
    DeviceBuffer<Comparison> result(1);
    result.fill(0);
    compare_output<<<1024, 256>>>(
        y_.data(), sum_.data(), magnitude_.data(), with_bias() ? bias_.data() : nullptr,
        epilogue_ == tracemill::kResidual ? before_.data() : nullptr, m, n_, epilogue_, kTolerance,
        static_cast<long long>(max_rows_ - m) * columns_ + kExtra, result.data());
    CUDA_OK(cudaDeviceSynchronize());
    Comparison c = result.download()[0];
    expect(c.wrong == 0, what, n_, k_, m, c.worst);
    expect(c.touched == 0, "bytes beyond the last row", n_, k_, m, static_cast<double>(c.touched));
    double nmse = c.squares > 0 ? c.error_squares / c.squares : 0;
    // Tensor cores truncate addends, always towards zero: a chain's error grows linearly with K.
    double bound = epilogue_ == tracemill::kSiluMul ? 1e-5 : 1e-13 + 4e-18 * k_ * k_;
    expect(nmse < bound, "NMSE", n_, k_, m, nmse);
    worst_ = std::fmax(worst_, c.worst);
    nmse_ = std::fmax(nmse_, nmse);
  }

  void keep() {
    CUDA_OK(cudaMemcpy(base_.data(), y_.data(), base_.count(), cudaMemcpyDeviceToDevice));
  }

  void expect_same_bits(int first, int m, const char* what) {
    size_t row_bytes = static_cast<size_t>(columns_) * element_;
    if (row_bytes % 4 != 0 && m % 2 != 0) {
      return;
    }
    unsigned long long count = differences(y_.data(), base_.data() + first * row_bytes,
                                           static_cast<long long>(m * row_bytes));
    expect(count == 0, what, n_, k_, m, static_cast<double>(count));
  }

  double worst() const { return worst_; }
  double nmse() const { return nmse_; }

 private:
  static constexpr double kTolerance = 2e-6;
  static constexpr long long kExtra = 4096;

  bool with_bias() const { return epilogue_ == tracemill::kStore && n_ % 3 != 0; }

  void check_reference() {
    std::vector<Bits> x = x_.download();
    std::vector<Bits> w = w_.download();
    std::vector<double> sum = sum_.download();
    double worst = 0;
    for (int m = 0; m < max_rows_; ++m) {
      for (int n = 0; n < n_; ++n) {
        double s = 0;
        for (int k = 0; k < k_; ++k) {
          s += static_cast<double>(bfloat16_value(x[static_cast<size_t>(m) * k_ + k])) *
               bfloat16_value(w[static_cast<size_t>(n) * k_ + k]);
        }
        worst = std::fmax(worst, std::fabs(s - sum[static_cast<size_t>(m) * n_ + n]));
      }
    }
    expect(worst < 1e-12, "reference against host", n_, k_, max_rows_, worst);
  }

  const Device& device_;
  int n_, k_, epilogue_, max_rows_, columns_, element_;
  DeviceBuffer<Bits> w_, packed_, x_, x_padded_;
  DeviceBuffer<float> bias_, before_;
  DeviceBuffer<double> sum_, magnitude_;
  DeviceBuffer<unsigned char> y_, base_;
  DeviceBuffer<int> num_rows_;
  double worst_ = 0;
  double nmse_ = 0;
};

// The batches that a shape is tried with.
struct Batches {
  std::vector<int> decode;
  std::vector<int> prefill;
};

static const Batches kAllBatches = {
    {1, 2, 3, 7, 8, 9, 16, 17, 31, 32, 33, 64, 65, 100, 128, 129, 192, 193, 255, 256},
    {1, 5, 100, 127, 128, 129, 256, 257, 300}};
static const Batches kSmallBatches = {{5, 9, 31, 33, 65, 129}, {100, 129}};

static void check_shape(const Device& device, int n, int k, int epilogue, int prefill_rows,
                        const Batches& batches, unsigned long long seed) {
  ProductCheck check(device, n, k, epilogue, prefill_rows, seed);
  const SkinnyVariant& largest = skinny_variant_for(256);
  check.run(0, 256, &largest);
  check.compare(256, "skinny_gemm");
  check.keep();
  for (int m : batches.decode) {
    const SkinnyVariant& variant = skinny_variant_for(m);
    check.run(0, m, &variant);
    check.compare(m, "skinny_gemm");
    check.expect_same_bits(0, m, "skinny_gemm bits across M");
  }
  for (const SkinnyVariant& variant : skinny_variants()) {
    check.run(37, 2, &variant);
    check.expect_same_bits(37, 2, "skinny_gemm bits across kernels and lanes");
  }
  double skinny_worst = check.worst();
  check.run(0, prefill_rows, nullptr);
  check.compare(prefill_rows, "prefill_gemm");
  check.keep();
  for (int m : batches.prefill) {
    if (m < prefill_rows) {
      check.run(0, m, nullptr);
      check.compare(m, "prefill_gemm");
      check.expect_same_bits(0, m, "prefill_gemm bits across M");
    }
  }
  check.run(38, 130, nullptr);
  check.expect_same_bits(38, 130, "prefill_gemm bits across chunks");
  std::printf("  N=%-6d K=%-6d epilogue %d  worst error/bound %.3f (skinny %.3f)  NMSE %.1e\n", n,
              k, epilogue, check.worst(), skinny_worst, check.nmse());
}

int main(int argc, char** argv) {
  const bool small = argc > 1 && std::strcmp(argv[1], "small") == 0;
  const int seed_at = small ? 2 : 1;
  unsigned long long seed = argc > seed_at ? std::strtoull(argv[seed_at], nullptr, 10)
                                           : static_cast<unsigned long long>(time(nullptr));
  Device device;
  if (small) {
    device.grid = kSmallGrid;
  }
  std::printf("%s, seed %llu\n", device.properties.name, seed);
  check_packing(device, seed);
  struct Case {
    int n, k, epilogue, rows;
  };
  // Blocks of 256 rows that come out even on five pairs, fewer, and one too many; K of one slab and
  // more, with tails.
  const std::vector<Case> small_cases = {{17, 40, 1, 260},
                                         {48, 72, 2, 260},
                                         {512, 256, 0, 260},
                                         {1536, 200, 2, 260},
                                         {300, 1000, 1, 260}};
  const std::vector<Case> all_cases = {
      {1, 8, 0, 260},        {17, 40, 1, 300},      {48, 72, 2, 300},      {130, 64, 0, 300},
      {256, 256, 1, 300},    {512, 256, 0, 513},    {1536, 256, 2, 300},   {256, 768, 1, 300},
      {2048, 256, 0, 300},   {300, 1000, 1, 300},   {272, 4104, 2, 300},   {4608, 3584, 0, 700},
      {3584, 3584, 1, 2048}, {37888, 3584, 2, 400}, {3584, 18944, 1, 600}, {16000, 3584, 0, 300},
      {5120, 27648, 1, 300}, {6144, 4096, 0, 300}};
  for (const Case& c : small ? small_cases : all_cases) {
    check_shape(device, c.n, c.k, c.epilogue, c.rows, small ? kSmallBatches : kAllBatches,
                seed + c.n);
  }
  std::vector<float> workspace = device.workspace->download();
  size_t left = 0;
  for (float word : workspace) {
    unsigned bits;
    std::memcpy(&bits, &word, 4);
    left += bits != tracemill::kAbsent;
  }
  expect(left == 0, "workspace left marked absent", 0, 0, 0, static_cast<double>(left));
  std::printf("%d checks, %d failed\n", checks, failures);
  return failures == 0 ? 0 : 1;
}
