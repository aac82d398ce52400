package io.tracemill.engine.cpu;

import io.tracemill.engine.model.ModelConfig;
import io.tracemill.engine.model.RopeScaling;
import io.tracemill.engine.weights.TinyCheckpoints.TensorValues;
import java.util.Arrays;
import java.util.Map;

/**
 * The network in double precision, written straight from the definition for a whole sequence at
 * once: no cache, no batching, nothing shared with the engine but the tensors' names.
 */
final class ExactForward {
  private final ModelConfig config;
  private final Map<String, TensorValues> tensors;

  ExactForward(ModelConfig config, Map<String, TensorValues> tensors) {
    this.config = config;
    this.tensors = tensors;
  }

  /** Logits after the last token. */
  double[] logits(int[] tokens) {
    int n = tokens.length;
    int hidden = config.hiddenSize();
    double[][] x = new double[n][hidden];
    float[] embedding = tensors.get("model.embed_tokens.weight").values();
    for (int t = 0; t < n; t++) {
      for (int i = 0; i < hidden; i++) {
        x[t][i] = embedding[tokens[t] * hidden + i];
      }
    }
    for (int layer = 0; layer < config.numLayers(); layer++) {
      layer(x, "model.layers." + layer + ".");
    }
    double[] last = norm(x[n - 1], "model.norm.weight");
    String output = config.tiedEmbeddings() ? "model.embed_tokens" : "lm_head";
    return linear(last, output);
  }

  private void layer(double[][] x, String p) {
    int n = x.length;
    int d = config.headDim();
    double[][] q = new double[n][];
    double[][] k = new double[n][];
    double[][] v = new double[n][];
    for (int t = 0; t < n; t++) {
      double[] y = norm(x[t], p + "input_layernorm.weight");
      q[t] = linear(y, p + "self_attn.q_proj");
      k[t] = linear(y, p + "self_attn.k_proj");
      v[t] = linear(y, p + "self_attn.v_proj");
      heads(q[t], config.numQueryHeads(), p + "self_attn.q_norm.weight", t);
      heads(k[t], config.numKvHeads(), p + "self_attn.k_norm.weight", t);
    }
    for (int t = 0; t < n; t++) {
      double[] out = new double[config.numQueryHeads() * d];
      for (int h = 0; h < config.numQueryHeads(); h++) {
        int kv = h / (config.numQueryHeads() / config.numKvHeads());
        double[] e = new double[t + 1];
        double sum = 0;
        for (int s = 0; s <= t; s++) {
          double z = 0;
          for (int i = 0; i < d; i++) {
            z += q[t][h * d + i] * k[s][kv * d + i];
          }
          e[s] = Math.exp(z / Math.sqrt(d));
          sum += e[s];
        }
        for (int s = 0; s <= t; s++) {
          for (int i = 0; i < d; i++) {
            out[h * d + i] += e[s] / sum * v[s][kv * d + i];
          }
        }
      }
      add(x[t], linear(out, p + "self_attn.o_proj"));
    }
    for (int t = 0; t < n; t++) {
      double[] y = norm(x[t], p + "post_attention_layernorm.weight");
      double[] gate = linear(y, p + "mlp.gate_proj");
      double[] up = linear(y, p + "mlp.up_proj");
      for (int i = 0; i < gate.length; i++) {
        gate[i] = gate[i] / (1 + Math.exp(-gate[i])) * up[i];
      }
      add(x[t], linear(gate, p + "mlp.down_proj"));
    }
  }

  private void heads(double[] x, int heads, String norm, int position) {
    int d = config.headDim();
    for (int h = 0; h < heads; h++) {
      double[] head = Arrays.copyOfRange(x, h * d, (h + 1) * d);
      if (tensors.containsKey(norm)) {
        head = norm(head, norm);
      }
      for (int i = 0; i < d / 2; i++) {
        double angle = position * frequency(i);
        double factor =
            config.rope().scaling() instanceof RopeScaling.Yarn yarn ? yarn.attentionFactor() : 1;
        double cosine = Math.cos(angle) * factor;
        double sine = Math.sin(angle) * factor;
        x[h * d + i] = head[i] * cosine - head[i + d / 2] * sine;
        x[h * d + i + d / 2] = head[i + d / 2] * cosine + head[i] * sine;
      }
    }
  }

  /** Radians per position, by the rules of the rope types, written apart from the engine's. */
  private double frequency(int i) {
    int d = config.headDim();
    double theta = config.rope().theta();
    double f = 1 / Math.pow(theta, 2.0 * i / d);
    RopeScaling scaling = config.rope().scaling();
    if (scaling instanceof RopeScaling.Linear linear) {
      return f / linear.factor();
    }
    if (scaling instanceof RopeScaling.Llama3 l) {
      double turns = l.originalMaxPositions() * f / (2 * Math.PI);
      if (turns > l.highFrequencyFactor()) {
        return f;
      }
      if (turns < l.lowFrequencyFactor()) {
        return f / l.factor();
      }
      double share =
          (turns - l.lowFrequencyFactor()) / (l.highFrequencyFactor() - l.lowFrequencyFactor());
      return f * (share + (1 - share) / l.factor());
    }
    if (scaling instanceof RopeScaling.Yarn y) {
      // The pair that turns r times over the original context: L f / 2 pi = r, solved for i.
      double fast = pairThatTurns(y.betaFast(), y.originalMaxPositions(), d, theta);
      double slow = pairThatTurns(y.betaSlow(), y.originalMaxPositions(), d, theta);
      if (y.truncate()) {
        fast = Math.floor(fast);
        slow = Math.ceil(slow);
      }
      fast = Math.max(fast, 0);
      slow = Math.min(slow, d - 1);
      double ramp = Math.max(0, Math.min(1, (i - fast) / (slow - fast)));
      return f * (1 - ramp) + f / y.factor() * ramp;
    }
    return f;
  }

  private static double pairThatTurns(double turns, int context, int d, double theta) {
    return d / 2.0 * Math.log(context / (2 * Math.PI * turns)) / Math.log(theta);
  }

  private double[] norm(double[] x, String name) {
    double square = 0;
    for (double value : x) {
      square += value * value;
    }
    double scale = 1 / Math.sqrt(square / x.length + config.rmsNormEps());
    float[] weight = tensors.get(name).values();
    double[] y = new double[x.length];
    for (int i = 0; i < y.length; i++) {
      y[i] = x[i] * scale * weight[i];
    }
    return y;
  }

  private double[] linear(double[] x, String name) {
    TensorValues weight = tensors.get(name + ".weight");
    double[] y = new double[weight.shape().get(0)];
    for (int o = 0; o < y.length; o++) {
      for (int i = 0; i < x.length; i++) {
        y[o] += weight.values()[o * x.length + i] * x[i];
      }
    }
    if (tensors.containsKey(name + ".bias")) {
      float[] bias = tensors.get(name + ".bias").values();
      for (int o = 0; o < y.length; o++) {
        y[o] += bias[o];
      }
    }
    return y;
  }

  private static void add(double[] x, double[] y) {
    for (int i = 0; i < x.length; i++) {
      x[i] += y[i];
    }
  }
}
