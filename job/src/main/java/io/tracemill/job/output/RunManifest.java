package io.tracemill.job.output;

import com.fasterxml.jackson.databind.ObjectMapper;
import com.fasterxml.jackson.databind.SerializationFeature;
import io.tracemill.job.error.OutputErrors;
import java.io.IOException;
import java.io.OutputStream;
import java.util.LinkedHashMap;
import java.util.Map;
import java.util.TreeMap;
import java.util.regex.Pattern;
import java.util.regex.PatternSyntaxException;
import org.apache.hadoop.fs.FileSystem;
import org.apache.hadoop.fs.Path;
import org.apache.spark.SparkContext;

/**
 * Everything that one would need to know about a run years later, as a JSON file beside its tables:
 * settings, versions, model, input, Spark's configuration. It holds no prompt, and no secret: what
 * {@code spark.redaction.regex} finds in a name or a value is left out, as in Spark's own pages.
 */
public final class RunManifest {
  private static final String REDACTED = "*********(redacted)";

  /** Spark's own default. */
  private static final String SECRETS = "(?i)secret|password|token|access[.]?key";

  private static final Pattern USER_IN_URI = Pattern.compile("(?<=://)[^/@\\s]+@");
  private static final ObjectMapper JSON =
      new ObjectMapper().enable(SerializationFeature.INDENT_OUTPUT);

  private RunManifest() {}

  /**
   * Writes the file, whole or not at all.
   *
   * @param run the run as it begins
   * @param inputSnapshot which state of the input it reads
   * @throws io.tracemill.job.error.JobException where it cannot be written
   */
  public static void write(
      OutputTables tables, RunRecord run, String inputSnapshot, SparkContext spark) {
    Path whole = new Path(tables.manifest(run.runId()));
    Path part = new Path(whole.getParent(), "_" + whole.getName() + ".part");
    try {
      FileSystem files = whole.getFileSystem(spark.hadoopConfiguration());
      try (OutputStream out = files.create(part, true)) {
        out.write(JSON.writeValueAsBytes(content(run, inputSnapshot, spark)));
      }
      if (!files.rename(part, whole)) {
        throw new IOException(whole + " cannot be written.");
      }
    } catch (IOException e) {
      throw OutputErrors.unwritableOutput(tables.folder(), e);
    }
  }

  private static Map<String, Object> content(RunRecord run, String snapshot, SparkContext spark) {
    Redaction redaction = Redaction.of(spark.conf().get("spark.redaction.regex", SECRETS));
    Map<String, Object> content = new LinkedHashMap<>();
    content.put("run_id", run.runId());
    content.put("fingerprint", run.fingerprint());
    content.put("identity", redaction.of(run.identity()));
    content.put("started_at", run.startedAt().toString());
    content.put("model_id", run.modelId());
    content.put("engine", run.engine());
    content.put("input_snapshot", snapshot);
    content.put("settings", redaction.of(run.settings()));
    Map<String, String> versions = new TreeMap<>();
    versions.put("tracemill", run.engineVersion());
    versions.put("spark", spark.version());
    versions.put("java", System.getProperty("java.version"));
    versions.put("scala", scala.util.Properties.versionNumberString());
    versions.put("os", System.getProperty("os.name") + " " + System.getProperty("os.arch"));
    content.put("versions", versions);
    content.put("application_id", spark.applicationId());
    content.put("application_name", spark.appName());
    content.put("master", spark.master());
    Map<String, String> configuration = new TreeMap<>();
    for (scala.Tuple2<String, String> entry : spark.conf().getAll()) {
      configuration.put(entry._1(), entry._2());
    }
    content.put("spark", redaction.of(configuration));
    return content;
  }

  /**
   * Hides secrets.
   *
   * @param secrets finds one in a name or a value
   */
  record Redaction(Pattern secrets) {
    static Redaction of(String regex) {
      try {
        return new Redaction(Pattern.compile(regex));
      } catch (PatternSyntaxException e) {
        return new Redaction(Pattern.compile(SECRETS)); // Better Spark's own than none.
      }
    }

    Map<String, String> of(Map<String, String> entries) {
      Map<String, String> shown = new TreeMap<>();
      entries.forEach((name, value) -> shown.put(name, shown(name, value)));
      return shown;
    }

    private String shown(String name, String value) {
      // A budget of tokens is no secret.
      boolean hidden = secrets.matcher(name.replace("new-tokens", "")).find();
      return hidden || secrets.matcher(value).find()
          ? REDACTED
          : USER_IN_URI.matcher(value).replaceAll("***@");
    }
  }
}
