package io.tracemill.udf.ml;

import static org.assertj.core.api.Assertions.assertThat;

import java.io.IOException;
import java.lang.reflect.Modifier;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.List;
import java.util.ServiceLoader;
import java.util.stream.Stream;
import org.apache.spark.ml.Estimator;
import org.apache.spark.ml.PipelineStage;
import org.apache.spark.ml.Transformer;
import org.apache.spark.ml.evaluation.Evaluator;
import org.junit.jupiter.api.Test;

/** Spark Connect's server finds stages by service loader, and makes them with their uid. */
class TestConnectServices {
  private static final Path CLASSES = Path.of("target/classes");

  @Test
  void everyPublicStageAndEvaluatorIsListed() throws IOException {
    assertThat(found(Transformer.class))
        .containsExactlyInAnyOrderElementsOf(own(Transformer.class));
    assertThat(found(Estimator.class)).containsExactlyInAnyOrderElementsOf(own(Estimator.class));
    assertThat(found(Evaluator.class))
        .containsExactlyInAnyOrderElementsOf(own(Evaluator.class))
        .hasSize(4);
    assertThat(own(PipelineStage.class)).hasSize(3);
  }

  @Test
  void everyOneHasAConstructorForItsUid() throws Exception {
    for (Class<?> base : List.of(PipelineStage.class, Evaluator.class)) {
      for (String name : own(base)) {
        Object made = Class.forName(name).getConstructor(String.class).newInstance("some-uid");
        assertThat(made).hasToString("some-uid");
      }
    }
  }

  private static List<String> found(Class<?> service) {
    return ServiceLoader.load(service).stream()
        .filter(provider -> provider.type().getName().startsWith("io.tracemill."))
        .map(provider -> provider.get().getClass().getName())
        .toList();
  }

  /** Public classes of this module that are a {@code base} and can be made. */
  private static List<String> own(Class<?> base) throws IOException {
    try (Stream<Path> files = Files.walk(CLASSES.resolve("io/tracemill/udf/ml"))) {
      return files
          .map(file -> CLASSES.relativize(file).toString())
          .filter(name -> name.endsWith(".class"))
          .map(name -> name.substring(0, name.length() - ".class".length()).replace('/', '.'))
          .filter(name -> isMade(name, base))
          .toList();
    }
  }

  private static boolean isMade(String name, Class<?> base) {
    try {
      Class<?> type = Class.forName(name, false, TestConnectServices.class.getClassLoader());
      return base.isAssignableFrom(type)
          && Modifier.isPublic(type.getModifiers())
          && !Modifier.isAbstract(type.getModifiers());
    } catch (ClassNotFoundException e) {
      throw new IllegalStateException(name + " is in " + CLASSES, e);
    }
  }
}
