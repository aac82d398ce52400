package io.tracemill.job.eval;

import io.tracemill.engine.compress.KvCompressionPolicy;
import io.tracemill.job.input.KvPolicyText;
import io.tracemill.job.input.RowParameter;
import io.tracemill.job.input.RowVariant;
import java.math.BigDecimal;
import java.util.Map;

/**
 * One cell of a grid: a KV policy at a temperature.
 *
 * @param given the policy as the user wrote it, alternatives chosen
 * @param policy the policy
 * @param temperature 0 is greedy
 * @param samples outputs for each problem
 */
public record GridCell(String given, KvCompressionPolicy policy, float temperature, int samples) {
  /** The policy with all its parameters. */
  public String policyText() {
    return KvPolicyText.of(policy.settings());
  }

  /** Whether the policy keeps every row. */
  public boolean isFull() {
    return policy.scoreRule().isEmpty();
  }

  /** The temperature in as few digits as tell it from others. */
  public String temperatureText() {
    return new BigDecimal(Float.toString(temperature)).stripTrailingZeros().toPlainString();
  }

  /** Policy and temperature: what tells the cell from all others, in any grid. */
  public String name() {
    return policyText() + " temperature=" + temperatureText();
  }

  /** How rows are asked in this cell. */
  public RowVariant variant() {
    return RowVariant.of(
        name(),
        Map.of(
            RowParameter.KV_POLICY,
            policyText(),
            RowParameter.TEMPERATURE,
            temperatureText(),
            RowParameter.SAMPLES,
            Integer.toString(samples)));
  }
}
