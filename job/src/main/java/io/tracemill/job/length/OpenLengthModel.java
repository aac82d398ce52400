package io.tracemill.job.length;

import io.tracemill.udf.ml.length.LengthPredictor;
import io.tracemill.udf.ml.length.TraceLengthModel;
import java.util.Map;
import java.util.Objects;
import java.util.Optional;
import java.util.TreeMap;

/**
 * A length model that was read.
 *
 * @param model what it has learned
 * @param path where it lies
 * @param hash of its files
 */
public record OpenLengthModel(TraceLengthModel model, String path, String hash) {
  private static final String OPTION = "length-model";

  public OpenLengthModel {
    Objects.requireNonNull(model, "model");
    Objects.requireNonNull(path, "path");
    Objects.requireNonNull(hash, "hash");
  }

  /** What predicts, in the form that travels. */
  public LengthPredictor predictor() {
    return model.learned();
  }

  /** What was learned with; none where every prompt gets the same prediction. */
  public String learner() {
    return model.getOrDefault(model.learner());
  }

  /**
   * One sentence where the model was made from traces of another language model.
   *
   * @param modelId of the run, name and hash
   */
  Optional<String> warning(String modelId) {
    String own = model.getOrDefault(model.languageModel());
    // Known by its files and not by its place.
    return own.isEmpty() || hashOf(own).equals(hashOf(modelId))
        ? Optional.empty()
        : Optional.of(
            "The length model %s was made from traces of %s, and this run's model is %s: its"
                    .formatted(path, own, modelId)
                + " predictions may be far off. They decide order and estimates, never a result.");
  }

  private static String hashOf(String modelId) {
    return modelId.substring(modelId.lastIndexOf('@') + 1);
  }

  /** The settings of a run with this model among them. */
  public Map<String, String> recordedIn(Map<String, String> settings) {
    Map<String, String> recorded = new TreeMap<>(settings);
    recorded.put(OPTION, path);
    recorded.put(OPTION + "-hash", hash);
    return recorded;
  }
}
