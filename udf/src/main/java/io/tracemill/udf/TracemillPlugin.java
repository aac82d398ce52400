package io.tracemill.udf;

import java.util.Map;
import org.apache.spark.api.plugin.DriverPlugin;
import org.apache.spark.api.plugin.ExecutorPlugin;
import org.apache.spark.api.plugin.PluginContext;
import org.apache.spark.api.plugin.SparkPlugin;
import org.slf4j.Logger;
import org.slf4j.LoggerFactory;

/**
 * Adds the engine's gauges to each executor from its start: {@code
 * spark.plugins=io.tracemill.udf.TracemillPlugin}. Optional; everything else works without it. It
 * loads no model, and whatever goes wrong in it is logged and nothing more, since an executor whose
 * plugin throws is started again without end.
 */
public final class TracemillPlugin implements SparkPlugin {
  private static final Logger LOG = LoggerFactory.getLogger(TracemillPlugin.class);

  /** For Spark. */
  public TracemillPlugin() {}

  @Override
  public DriverPlugin driverPlugin() {
    return new DriverPlugin() {};
  }

  @Override
  public ExecutorPlugin executorPlugin() {
    return new ExecutorPlugin() {
      @Override
      public void init(PluginContext context, Map<String, String> extraConf) {
        try {
          EngineGauges.registerWith(context.metricRegistry());
        } catch (RuntimeException | LinkageError e) {
          LOG.warn("The engine's gauges could not be registered", e);
        }
      }
    };
  }
}
