package io.tracemill.job.output;

import com.fasterxml.jackson.databind.JsonNode;
import com.fasterxml.jackson.databind.ObjectMapper;
import java.io.BufferedReader;
import java.io.FileNotFoundException;
import java.io.IOException;
import java.io.InputStreamReader;
import java.nio.charset.StandardCharsets;
import java.util.ArrayList;
import java.util.List;
import java.util.Optional;
import java.util.OptionalLong;
import java.util.regex.Pattern;
import org.apache.hadoop.conf.Configuration;
import org.apache.hadoop.fs.FileStatus;
import org.apache.hadoop.fs.FileSystem;
import org.apache.hadoop.fs.Path;

/**
 * The commits of a Delta table by what their writers noted in them, read from the log's files as
 * the protocol of Delta lays them out. Unlike the table's history it needs no Spark job, which
 * would wait behind tasks that generate for hours.
 */
final class DeltaLogFiles {
  private static final Pattern COMMIT = Pattern.compile("\\d{20}\\.json");
  private static final String INFO = "{\"commitInfo\"";
  private static final ObjectMapper JSON = new ObjectMapper();

  private final Path log;
  private final FileSystem files;

  DeltaLogFiles(String table, Configuration hadoop) throws IOException {
    this.log = new Path(table, "_delta_log");
    this.files = log.getFileSystem(hadoop);
  }

  /**
   * A commit.
   *
   * @param version of the table that it made
   * @param note the writer's; empty where there is none
   * @param rows that were written; empty where the writer did not count them
   * @param files that were added
   */
  record Commit(long version, String note, OptionalLong rows, long files) {}

  /** The table's newest version; empty where there is no commit. */
  OptionalLong newestVersion() throws IOException {
    List<Long> versions = versionsAfter(-1);
    return versions.isEmpty()
        ? OptionalLong.empty()
        : OptionalLong.of(versions.get(versions.size() - 1));
  }

  /** Commits after a version, the oldest first. */
  List<Commit> after(long version) throws IOException {
    List<Commit> commits = new ArrayList<>();
    for (long each : versionsAfter(version)) {
      commits.add(read(each));
    }
    return commits;
  }

  /** The newest commit whose note begins so. */
  Optional<Commit> newest(String note) throws IOException {
    List<Long> versions = versionsAfter(-1);
    for (int i = versions.size() - 1; i >= 0; i--) {
      Commit commit = read(versions.get(i));
      if (commit.note().startsWith(note)) {
        return Optional.of(commit);
      }
    }
    return Optional.empty();
  }

  private List<Long> versionsAfter(long version) throws IOException {
    List<Long> versions = new ArrayList<>();
    try {
      for (FileStatus file : files.listStatus(log)) {
        String name = file.getPath().getName();
        if (COMMIT.matcher(name).matches()) {
          long each = Long.parseLong(name.substring(0, 20));
          if (each > version) {
            versions.add(each);
          }
        }
      }
    } catch (FileNotFoundException e) {
      return List.of();
    }
    versions.sort(null);
    return versions;
  }

  private Commit read(long version) throws IOException {
    try (BufferedReader lines =
        new BufferedReader(
            new InputStreamReader(
                files.open(new Path(log, "%020d.json".formatted(version))),
                StandardCharsets.UTF_8))) {
      for (String line = lines.readLine(); line != null; line = lines.readLine()) {
        if (line.startsWith(INFO)) {
          JsonNode info = JSON.readTree(line).path("commitInfo");
          JsonNode metrics = info.path("operationMetrics");
          return new Commit(
              version,
              info.path("userMetadata").asText(""),
              rows(info, metrics),
              metrics.path("numFiles").asLong());
        }
      }
    }
    return new Commit(version, "", OptionalLong.empty(), 0);
  }

  private static OptionalLong rows(JsonNode info, JsonNode metrics) {
    // A merge also counts rows that it only copied.
    String name =
        info.path("operation").asText().equals("MERGE") ? "numSourceRows" : "numOutputRows";
    return metrics.has(name) ? OptionalLong.of(metrics.path(name).asLong()) : OptionalLong.empty();
  }
}
