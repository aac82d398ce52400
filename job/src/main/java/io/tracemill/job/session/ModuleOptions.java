package io.tracemill.job.session;

import org.apache.spark.launcher.JavaModuleOptions;

/**
 * Prints the JVM options that Spark's own launcher gives a driver, on one line; the start script
 * keeps them, so that it need not start a JVM to ask.
 */
public final class ModuleOptions {
  private ModuleOptions() {}

  /** Prints. */
  public static void main(String[] args) {
    System.out.println(JavaModuleOptions.defaultModuleOptions());
  }
}
