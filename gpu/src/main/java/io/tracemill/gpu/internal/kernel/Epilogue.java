package io.tracemill.gpu.internal.kernel;

/** What a matrix product does with its sums; the order is that of {@code gemm_epilogue.cuh}. */
public enum Epilogue {
  /** Stores float sums. */
  STORE,
  /** Adds the sums to float values, the residual stream. */
  RESIDUAL,
  /** Stores bf16 {@code silu(gate) * up} of interleaved gate and up rows. */
  SILU_MUL
}
