package io.tracemill.job.run;

import java.io.IOException;
import java.io.InputStream;
import java.io.UncheckedIOException;
import java.util.Properties;

/** The version that the build wrote into the jar. */
public final class EngineVersion {
  private static final String RESOURCE = "/io/tracemill/job/version.properties";

  private EngineVersion() {}

  /** Such as {@code 0.1.0}. */
  public static String current() {
    try (InputStream in = EngineVersion.class.getResourceAsStream(RESOURCE)) {
      Properties properties = new Properties();
      properties.load(in);
      return properties.getProperty("version");
    } catch (IOException e) {
      throw new UncheckedIOException(e);
    }
  }
}
