package io.tracemill.udf.model;

import java.io.FileNotFoundException;
import java.io.IOException;
import java.nio.file.Path;
import java.util.LinkedHashMap;
import java.util.Map;
import org.apache.hadoop.fs.UnsupportedFileSystemException;
import org.apache.hadoop.security.AccessControlException;

/** Every sentence about a model that cannot be brought to a host, for docs/errors.md. */
public final class ModelSentences {
  private static final String MODEL = "s3a://bucket/qwen";

  private ModelSentences() {}

  /** Sentences by what happened. */
  public static Map<String, String> all() {
    Map<String, String> said = new LinkedHashMap<>();
    said.put("a remote folder that is not there", unreadable(new FileNotFoundException()));
    said.put("no permission", unreadable(new AccessControlException("Permission denied")));
    said.put("an unknown file system", unreadable(new UnsupportedFileSystemException("s3a")));
    said.put("a lost connection", unreadable(new IOException("the connection was reset")));
    said.put("a file instead of a folder", ModelErrors.noFolder(MODEL).getMessage());
    said.put("no checkpoint", ModelErrors.missingFile(MODEL, "tokenizer.json").getMessage());
    said.put(
        "a shard that is missing",
        ModelErrors.missingShard(MODEL, "model-2.safetensors", "model.safetensors.index.json")
            .getMessage());
    said.put(
        "a table of shards that cannot be read",
        ModelErrors.badIndex(MODEL, "model.safetensors.index.json", "it has no weight_map", null)
            .getMessage());
    said.put(
        "files that were replaced during the run",
        ModelErrors.changed(MODEL, "model-2.safetensors").getMessage());
    said.put(
        "a copy that is too short or has another checksum",
        ModelErrors.damaged(MODEL, "model-2.safetensors", "1000 bytes of 3000 came").getMessage());
    said.put(
        "a full disk",
        ModelErrors.diskFull(MODEL, 15_200_000_000L, Path.of("/cache"), 3_100_000_000L)
            .getMessage());
    said.put(
        "a cache folder that cannot be used",
        ModelErrors.unusableCache(
                Path.of("/cache"), new java.nio.file.AccessDeniedException("/cache/.x.lock"))
            .getMessage());
    said.put(
        "an executor that is stopped while it copies", ModelErrors.interrupted(MODEL).getMessage());
    return said;
  }

  private static String unreadable(Exception cause) {
    return ModelErrors.unreadable(MODEL, cause)
        .getMessage()
        .replace("by " + System.getProperty("user.name"), "by USER");
  }
}
