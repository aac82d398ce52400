package io.tracemill.gpu.internal.kernel;

import static org.assertj.core.api.Assertions.assertThat;

import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.List;
import java.util.stream.Collectors;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.CsvSource;

/**
 * The numbers that a launcher and its kernel must agree on stand in the kernel file's opening
 * comment; this test compares them with the launchers' text, without a GPU.
 */
class TestLaunchContracts {
  private static final Path KERNELS = Path.of("src", "main", "cuda");
  private static final Path LAUNCHERS =
      Path.of("src", "main", "java", "io", "tracemill", "gpu", "internal", "kernel");

  @ParameterizedTest
  @CsvSource(
      delimiter = '|',
      value = {
        "paged_attention_decode.cu  | d 128: 115,456 bytes      | PagedAttentionDecodeKernel  | SHARED_BYTES_128 = 115_456;",
        "paged_attention_decode.cu  | d 64: 107,264 bytes       | PagedAttentionDecodeKernel  | SHARED_BYTES_64 = 107_264;",
        "paged_attention_decode.cu  | grid = 2 * number of multiprocessors, block 256 | PagedAttentionDecodeKernel | BLOCKS_PER_MULTIPROCESSOR = 2;",
        "paged_attention_prefill.cu | d 128: 98,304 bytes       | PagedAttentionPrefillKernel | SHARED_BYTES_128 = 98_304;",
        "paged_attention_prefill.cu | d 64: 49,152 bytes        | PagedAttentionPrefillKernel | SHARED_BYTES_64 = 49_152;",
        "paged_attention_prefill.cu | block 256                 | PagedAttentionPrefillKernel | BLOCK = 256;",
        "sample.cu                  | block 512, 37,584 + 4 * 512 * ceil(vocab / 4096) | SampleKernel | CLUSTER_FIXED_BYTES = 37_584;",
        "sample.cu                  | sample_cluster grid (rows * 8), block 512 | SampleKernel | CLUSTER_BLOCK = 512;",
        "sample.cu                  | sample_cluster_many grid (rows * 8), block 384 | SampleKernel | MANY_BLOCK = 384;",
        "sample.cu                  | block 384, 37,536         | SampleKernel                | MANY_SHARED_BYTES = 37_536;",
        "sample.cu                  | block 1024, 81,360        | SampleKernel                | ROW_SHARED_BYTES = 81_360;",
        "sample.cu                  | massTable[b] = (E[b], E[b+1]), b = 0..2815 | SampleKernel | table[2 * b + 1] = mass(b + 1);",
        "attention_merge.cu         | grid (Hq, rows), block 128 | PagedAttentionDecodeKernel | MERGE_BLOCK = 128;",
        "rpc_score.cu               | stats 4 * 64 * d * 2 bytes | RpcScoreKernel             | 4 * 64 * heads.headDim() * 2;",
        "rpc_score.cu               | 256 * (2 * d + 8) bytes   | RpcScoreKernel              | 256 * (2 * heads.headDim() + 8);",
        "rpc_score.cu               | stats_wgmma grid (multiprocessors), block 544 | RpcScoreKernel | WGMMA_STATS_BLOCK = 544;",
        "rpc_score.cu               | columns_wgmma grid (multiprocessors), block 512 | RpcScoreKernel | WGMMA_COLUMNS_BLOCK = 512;",
        "rpc_stats_wgmma.cuh        | 8 * 128 * d + 1,152 bytes | RpcScoreKernel              | 8 * 128 * heads.headDim() + 1_152",
        "rpc_columns_wgmma.cuh      | 256 * (2 * d + 8) bytes   | RpcScoreKernel              | 256 * (2 * heads.headDim() + 8);",
        "rpc_select.cu              | block 1024                | RpcSelectKernel             | BLOCK = 1024;",
        "kv_compact.cu              | grid (2 * Hkv, layers, numDue), block 4 * d | KvCompactKernel | THREADS_PER_ELEMENT = 4;",
        "kv_compact.cu              | memory 4 * maxPages bytes | KvCompactKernel             | cache.maxPages() * Integer.BYTES",
        "skinny_gemm.cu             | block = 384               | SkinnyGemmKernel            | BLOCK = 384;",
        "skinny_gemm.cu             | every byte 0xFF before    | SkinnyGemmKernel            | Every byte must be 0xFF",
        "prefill_gemm.cu            | block = 384               | PrefillGemmKernel           | BLOCK = 384;",
        "advance.cu                 | hostTokens [8][256]       | PublishKernel               | TOKEN_SLOTS = 8;",
        "rope_append.cu             | ceil((Hq+2Hkv)/4)), block 128 | RopeAppendKernel        | HEADS_PER_BLOCK = 4;",
        "rms_norm.cu                | block 512                 | RmsNormKernel               | BLOCK = 512;",
        "policy_attention.cu        | Launch: block 128         | PolicyScoreKernel           | ATTENTION_BLOCK = 128;",
        "policy_attention.cu        | takes 512 rows            | PolicyShape                 | STRIP_ROWS = 512;",
        "policy_redundancy.cu       | takes 32 rows             | PolicyScoreKernel           | ROWS_PER_REDUNDANCY_BLOCK = 32;",
        "policy_rank.cu             | layers, numDue), block 1024 | PolicyScoreKernel         | RANK_BLOCK = 1024;",
        "policy_spread.cu           | grid (Hkv, layers, numDue), block 1024 | PolicySpreadKernel | BLOCK = 1024;",
        "policy_values.cu           | takes 64 candidates       | PolicyValuesKernel          | ROWS_PER_WIDTH_BLOCK = 64;",
        "policy_values.cu           | layers * sets, numDue), block 256 | PolicyValuesKernel  | WIDTH_BLOCK = 256;",
        "policy_values.cu           | sample grid (sets, layers, numDue), block 1024 | PolicyValuesKernel | SAMPLE_BLOCK = 1024;",
        "policy_norm.cu             | Hkv, numDue), block 128   | PolicyNormKernel            | SQUARES_BLOCK = 128;",
        "policy_norm.cu             | (sets, layers, numDue), block 1024 | PolicyNormKernel   | COUNT_BLOCK = 1024;",
        "policy_norm.cu             | decide grid (numDue), block 32 | PolicyNormKernel       | DECIDE_BLOCK = 32;",
        "policy_expected.cu         | queries grid (layers, numDue), block 128 | PolicyExpectedKernel | SCORE_BLOCK = 128;",
        "policy_expected.cu         | scores grid (pages of the longest lane, layers * Hkv, numDue), block 128 | PolicyExpectedKernel | SCORE_BLOCK = 128;",
        "policy_expected.cu         | rank grid (sets, layers, numDue), block 1024 | PolicyExpectedKernel | RANK_BLOCK = 1024;",
        "policy_expected.cu         | rank 8 * heads            | PolicyExpectedKernel        | MOMENT_BYTES = 2 * Float.BYTES;",
        "attention_work_list.cu     | chunks of 256 rows        | AttentionWorkListKernel     | CHUNK_ROWS = 256;",
      })
  void kernelAndLauncherAgree(String kernel, String contract, String launcher, String code)
      throws IOException {
    assertThat(openingComment(KERNELS.resolve(kernel))).contains(contract);
    assertThat(Files.readString(LAUNCHERS.resolve(launcher + ".java"))).contains(code);
  }

  private static String openingComment(Path file) throws IOException {
    List<String> lines = Files.readAllLines(file);
    return lines.stream()
        .takeWhile(line -> line.startsWith("//"))
        .map(line -> line.substring(2).trim().replaceAll(" +", " "))
        .collect(Collectors.joining(" "));
  }
}
