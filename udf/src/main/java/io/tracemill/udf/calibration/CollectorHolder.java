package io.tracemill.udf.calibration;

import io.tracemill.engine.EngineOptions.Weights;
import io.tracemill.engine.QueryCollector;
import io.tracemill.engine.compress.QuerySums;
import io.tracemill.udf.model.LocalModel;
import java.nio.file.Path;
import java.util.Iterator;
import org.slf4j.Logger;
import org.slf4j.LoggerFactory;

/**
 * Holds the one query collector of this JVM, so that tasks that run at once share one model. The
 * first task opens it, the others wait and join; the last one closes it.
 */
public final class CollectorHolder {
  private static final Logger LOG = LoggerFactory.getLogger(CollectorHolder.class);
  private static final Object LOCK = new Object();

  // Under LOCK.
  private static Held held;

  private CollectorHolder() {}

  /**
   * The sums over some texts, collected by this JVM's collector.
   *
   * @param texts token ids; asked for one at a time
   * @throws io.tracemill.engine.error.ReasoningException where the model cannot be opened, or a
   *     text does not belong to it
   * @throws IllegalStateException where tasks of another stage collect from another model here
   */
  public static QuerySums collect(CollectorSettings settings, Iterator<int[]> texts) {
    Held joined = join(settings);
    try {
      return joined.collector.collect(texts);
    } finally {
      leave(joined);
    }
  }

  private static Held join(CollectorSettings settings) {
    synchronized (LOCK) {
      if (held == null) {
        long start = System.nanoTime();
        Path folder =
            LocalModel.fetch(settings.model(), Weights.CHECKPOINT, Path.of(settings.modelCache()));
        held =
            new Held(
                settings, QueryCollector.open(folder, settings.maxTokens(), settings.threads()));
        LOG.info(
            "Opened {} to collect queries in {} s",
            settings.model(),
            (System.nanoTime() - start) / 1_000_000_000);
      }
      if (!held.settings.equals(settings)) {
        throw new IllegalStateException("queries of " + held.settings + " are being collected");
      }
      held.users++;
      return held;
    }
  }

  private static void leave(Held left) {
    synchronized (LOCK) {
      left.users--;
      if (left.users == 0) {
        held = null;
        left.collector.close();
      }
    }
  }

  private static final class Held {
    private final CollectorSettings settings;
    private final QueryCollector collector;
    private int users;

    private Held(CollectorSettings settings, QueryCollector collector) {
      this.settings = settings;
      this.collector = collector;
    }
  }
}
