package io.tracemill.job.input;

import java.util.Locale;
import java.util.Optional;

/** Formats of prompt tables. */
public enum InputFormat {
  /** One JSON object a line. */
  JSONL,
  /** Files of one JSON array of objects, or of objects one after another. */
  JSON,
  PARQUET,
  DELTA,
  /** With a header line; every column is text. */
  CSV,
  /** Every line is a prompt. */
  TEXT;

  /** The name that options and messages use. */
  public String label() {
    return name().toLowerCase(Locale.ROOT);
  }

  /** The format of a file by its name, compression suffix aside. */
  static Optional<InputFormat> ofFile(String name) {
    String lower = name.toLowerCase(Locale.ROOT).replaceFirst("\\.(gz|bz2|zst|xz|lz4|snappy)$", "");
    String extension = lower.substring(lower.lastIndexOf('.') + 1);
    return switch (extension) {
      case "jsonl", "ndjson" -> Optional.of(JSONL);
      case "json" -> Optional.of(JSON);
      case "parquet" -> Optional.of(PARQUET);
      case "csv" -> Optional.of(CSV);
      case "txt", "text" -> Optional.of(TEXT);
      default -> Optional.empty();
    };
  }
}
