// Checks and timings of the attention, sampling, compression and policy kernels on the present GPU.
//   attention_bench [small|check|bench|all|profile|compression] [seed]     small: quick cases for
//       compute-sanitizer; compression: checks and times of the compression kernels alone
// Exit code 0 when every check passed. Build: see docs/kernels-attention.md.
#include "test_support.cuh"

int main(int argc, char** argv) {
  std::string mode = argc > 1 ? argv[1] : "all";
  if (argc > 2) check::runSeed = std::strtoull(argv[2], nullptr, 10);
  cudaDeviceProp device;
  CUDA(cudaGetDeviceProperties(&device, 0));
  std::printf("%s, %d multiprocessors, seed %llu\n", device.name, device.multiProcessorCount,
              static_cast<unsigned long long>(check::runSeed));
  std::setvbuf(stdout, nullptr, _IOLBF, 0);
  if (mode == "profile") {
    check::profiling = true;
    check::benchDecodeAttention();
    check::benchCompression();
    return 0;
  }
  if (mode == "compression") {
    check::compression(false);
    std::printf("checks: %d passed, %d failed\n", check::passes, check::failures);
    check::benchCompression();
    return check::failures == 0 ? 0 : 1;
  }
  if (mode != "bench") {
    bool small = mode == "small";
    check::embedNormRope();
    check::sampling(small);
    check::compression(small);
    check::policies(small);
    check::prefillAttention(small);
    check::decodeAttention(small);
    std::printf("checks: %d passed, %d failed\n", check::passes, check::failures);
  }
  if (mode == "bench" || mode == "all") {
    check::benchDecodeAttention();
    check::benchSmall();
    check::benchSampling();
    check::benchCompression();
    check::benchPrefillAttention();
    std::printf("canaries: %d failed\n", check::failures);
  }
  return check::failures == 0 ? 0 : 1;
}
