package io.tracemill.udf.ml;

import io.tracemill.engine.api.RowError;
import io.tracemill.engine.error.ErrorCode;
import io.tracemill.udf.GenerationSettings;
import io.tracemill.udf.Work;
import io.tracemill.udf.prompt.AskedPrompt;
import java.io.Serializable;
import java.nio.charset.StandardCharsets;
import java.security.MessageDigest;
import java.security.NoSuchAlgorithmException;
import java.util.ArrayList;
import java.util.HexFormat;
import java.util.List;
import java.util.Optional;
import org.apache.spark.sql.Row;

/**
 * Turns rows into work for a feeder.
 *
 * @param columns which columns ask and name
 * @param generation how all rows are generated
 */
record PromptCells(CellColumns columns, GenerationSettings generation) implements Serializable {

  /** One piece of work for each sample of the row. */
  List<Work<Row>> work(Row row) {
    AskedPrompt asked = asked(row);
    Optional<String> named = key(row, asked);
    String key = named.orElse("");
    AskedPrompt checked =
        named.isPresent()
            ? asked
            : AskedPrompt.refused(
                asked.text(), "The row's key (column '%s') is null.".formatted(columns.key()));
    List<Work<Row>> work = new ArrayList<>(generation.samples());
    for (int sample = 0; sample < generation.samples(); sample++) {
      work.add(
          checked.prompt().isPresent()
              ? new Work.Wanted<>(
                  row,
                  generation.request(key, sample, checked.prompt().get()),
                  // Java's characters, the row's copy and the tokens: about eight bytes each.
                  64 + 8L * checked.text().map(String::length).orElse(0))
              : new Work.Refused<>(
                  row,
                  key,
                  sample,
                  generation.kvPolicy(),
                  new RowError(ErrorCode.INVALID_PROMPT, checked.problem())));
    }
    return work;
  }

  private AskedPrompt asked(Row row) {
    int at = row.fieldIndex(columns.prompt());
    return switch (columns.form()) {
      case TEXT ->
          row.isNullAt(at)
              ? AskedPrompt.refused(Optional.empty(), "The prompt is null.")
              : AskedPrompt.ofText(row.getString(at));
      case MESSAGES ->
          row.isNullAt(at)
              ? AskedPrompt.refused(Optional.empty(), "The messages are null.")
              : AskedPrompt.ofCells(row.getList(at));
    };
  }

  private Optional<String> key(Row row, AskedPrompt asked) {
    if (columns.key().isEmpty()) {
      return Optional.of(sha256(asked.text().orElse("")));
    }
    Object key = row.get(row.fieldIndex(columns.key()));
    return Optional.ofNullable(key).map(Object::toString);
  }

  private static String sha256(String text) {
    try {
      return HexFormat.of()
          .formatHex(
              MessageDigest.getInstance("SHA-256").digest(text.getBytes(StandardCharsets.UTF_8)));
    } catch (NoSuchAlgorithmException e) {
      throw new IllegalStateException("every JVM has SHA-256", e);
    }
  }
}
