package io.tracemill.job.cli;

import io.tracemill.job.error.InputErrors;
import java.nio.file.Files;
import java.nio.file.Path;

/**
 * Where the demo's model, prompts and tables lie.
 *
 * @param root the folder of the project
 */
record DemoHome(Path root) {
  /** Set by the start script. */
  private static final String PROPERTY = "tracemill.home";

  static DemoHome find() {
    DemoHome home = new DemoHome(Path.of(System.getProperty(PROPERTY, ".")).toAbsolutePath());
    if (!Files.exists(home.prompts())) {
      throw InputErrors.noInput(home.prompts().toString());
    }
    return home;
  }

  Path model() {
    return root.resolve("demo/model").normalize();
  }

  Path prompts() {
    return root.resolve("demo/prompts.jsonl").normalize();
  }

  /** The demo's own folder, which it empties before it writes. */
  Path tables() {
    return root.resolve(".tracemill/demo").normalize();
  }
}
