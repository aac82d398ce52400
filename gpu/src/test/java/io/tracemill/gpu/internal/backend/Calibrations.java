package io.tracemill.gpu.internal.backend;

import io.tracemill.engine.compress.CalibratedModel;
import io.tracemill.engine.compress.CalibrationFile;
import io.tracemill.engine.compress.QuerySums;
import io.tracemill.engine.model.ModelConfig;
import java.io.IOException;
import java.io.UncheckedIOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.Random;

/** Statistics of queries that could be a network's. */
final class Calibrations {
  private Calibrations() {}

  /** A file of statistics of random queries, each head's around a mean of its own. */
  static Path write(ModelConfig config, Path folder) {
    int pairs = config.headDim() / 2;
    QuerySums sums = new QuerySums(config.numLayers(), config.numQueryHeads(), pairs);
    Random random = new Random(6);
    float[] mean = new float[config.headDim()];
    float[] query = new float[config.headDim()];
    for (int layer = 0; layer < config.numLayers(); layer++) {
      for (int head = 0; head < config.numQueryHeads(); head++) {
        for (int d = 0; d < mean.length; d++) {
          mean[d] = (float) random.nextGaussian();
        }
        for (int sample = 0; sample < 3; sample++) {
          for (int d = 0; d < query.length; d++) {
            query[d] = mean[d] + (float) random.nextGaussian();
          }
          sums.add(layer, head, query, 0);
        }
      }
    }
    sums.countText(3);
    try {
      return Files.write(
          folder.resolve("%d-%d.tmqc".formatted(config.numQueryHeads(), config.headDim())),
          CalibrationFile.write(sums.calibration(CalibratedModel.UNKNOWN)));
    } catch (IOException e) {
      throw new UncheckedIOException(e);
    }
  }
}
