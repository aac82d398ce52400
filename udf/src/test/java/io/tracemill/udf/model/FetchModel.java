package io.tracemill.udf.model;

import io.tracemill.engine.EngineOptions.Weights;
import java.nio.file.Path;
import java.util.List;
import org.apache.hadoop.conf.Configuration;

/** A process of its own that fetches a model: arguments are URI, cache, log and delay. */
final class FetchModel {
  private FetchModel() {}

  public static void main(String[] args) {
    Configuration hadoop = TinyFileSystem.configuration(Path.of(args[2]));
    hadoop.set("tiny.delay-millis", args[3]);
    try (RemoteModel model = RemoteModel.open(args[0], Weights.CHECKPOINT, hadoop)) {
      System.out.println(new ModelCache(Path.of(args[1])).fetch(model));
    }
  }

  static Process start(String uri, Path cache, Path log, int delayMillis) throws Exception {
    String java = Path.of(System.getProperty("java.home"), "bin", "java").toString();
    return new ProcessBuilder(
            List.of(
                java,
                "-Xmx256m",
                "-cp",
                classPath(),
                FetchModel.class.getName(),
                uri,
                cache.toString(),
                log.toString(),
                Integer.toString(delayMillis)))
        .redirectErrorStream(true)
        .redirectOutput(cache.resolveSibling("process-" + System.nanoTime() + ".log").toFile())
        .start();
  }

  static String classPath() {
    return System.getProperty("surefire.test.class.path", System.getProperty("java.class.path"));
  }
}
