package io.tracemill.job.notebook;

import java.io.PrintWriter;
import java.io.StringWriter;
import java.nio.file.Path;
import org.apache.spark.sql.SparkSession;
import scala.tools.nsc.Settings;
import scala.tools.nsc.interpreter.IMain;
import scala.tools.nsc.interpreter.Results;
import scala.tools.nsc.interpreter.shell.ReplReporterImpl;

/** Runs cells in Scala's own interpreter; later cells see what earlier ones defined. */
final class ScalaCells {
  private final StringWriter said = new StringWriter();
  private final IMain interpreter;

  /**
   * Starts an interpreter. Its class loader becomes the thread's, as Spark must find it when it
   * starts.
   *
   * @param classes where compiled cells go; Spark's {@code spark.repl.class.outputDir}
   */
  ScalaCells(Path classes) {
    Settings settings = new Settings();
    // The fork's own class path is a jar that only names others.
    String path =
        System.getProperty("surefire.test.class.path", System.getProperty("java.class.path"));
    settings.processArgumentString(
        "-Yrepl-class-based -Yrepl-outdir " + classes.toAbsolutePath() + " -deprecation:false");
    settings.classpath().value_$eq(path);
    interpreter = new IMain(settings, new ReplReporterImpl(settings, new PrintWriter(said, true)));
    interpreter.initializeCompiler();
    Thread.currentThread().setContextClassLoader(interpreter.classLoader());
  }

  /** Makes {@code spark} known, as every notebook has it. */
  void start(SparkSession spark) {
    interpreter.bind(
        "spark",
        "org.apache.spark.sql.SparkSession",
        spark,
        scala.collection.immutable.List$.MODULE$.<String>from(
            scala.jdk.javaapi.CollectionConverters.asScala(
                java.util.List.of("@transient", "implicit"))));
    run("import spark.implicits._");
  }

  /**
   * Runs a cell.
   *
   * @return what it printed and defined
   * @throws AssertionError where it does not compile or ends in an exception
   */
  String run(String code) {
    said.getBuffer().setLength(0);

    Results.Result result = interpreter.interpret(code);
    String all = said.toString();
    if (!result.toString().equals("Success")) {
      throw new AssertionError(result + " of this cell:\n" + code + "\n\n" + all);
    }
    return all;
  }
}
